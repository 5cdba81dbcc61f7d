//! The parameters of a request for a stream.

use actix_web::web;

use crate::{
    audience,
    error::{Error, ErrorKind, excerpt},
    hub::DataFormat,
};

#[derive(Default, serde::Deserialize)]
pub(super) struct Query {
    pub(super) events: Option<String>,
    pub(super) last_event_id: Option<String>,
    pub(super) lookback: Option<bool>,
    data: Option<String>,
    to: Option<String>,
    pub(super) latest: Option<bool>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let parsed = web::Query::from_query(text);
        parsed.map(web::Query::into_inner).map_err(|error| {
            let reason = excerpt(&error.to_string());
            Error::new(
                ErrorKind::Request,
                format!("the query cannot be read: {reason}"),
            )
            .with_help(
                "use events=name1,name2, last_event_id=ID, lookback=true or lookback=false, latest=true, \
                 data=value, and to=audience1,audience2, each at most once",
            )
        })
    }

    /// The audiences that the client asks for: sorted, each once.
    pub(super) fn asked(&self) -> Result<Vec<String>, Error> {
        let Some(list) = &self.to else {
            return Ok(Vec::new());
        };
        let mut names: Vec<String> = list.split(',').map(str::to_owned).collect();
        audience::check_all(&names, ErrorKind::Request)?;
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    pub(super) fn format(&self) -> Result<DataFormat, Error> {
        match self.data.as_deref() {
            None => Ok(DataFormat::Envelope),
            Some("value") => Ok(DataFormat::Value),
            Some(other) => {
                let other = excerpt(other);
                let message = format!("the format `data={}` does not exist", other.escape_debug());
                Err(Error::new(ErrorKind::Request, message).with_help(
                    "use data=value to receive each value alone, or leave `data` out to receive \
                     {\"timestamp\":…,\"value\":…}",
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(list: &str) -> Result<Vec<String>, Error> {
        let query = Query {
            to: Some(list.into()),
            ..Query::default()
        };
        query.asked()
    }

    #[test]
    fn names_in_the_query_follow_the_rules_and_are_bounded() {
        let parse = |list: &str| asked(list).map_err(|error| error.kind());
        assert_eq!(parse("a,b,a"), Ok(vec!["a".into(), "b".into()]));
        let many = vec!["a"; 101].join(",");
        for list in ["", ",", "a,", "*", "a\n", " a", &"x".repeat(201), &many] {
            assert_eq!(parse(list), Err(ErrorKind::Request), "{list}");
        }
    }
}
