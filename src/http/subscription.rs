//! What a client asks for: which events, and from where on.

use std::{collections::HashSet, net::IpAddr};

use actix_web::{
    HttpRequest,
    http::{Version, header::HeaderName},
    web,
};

use super::host_check::Target;
use crate::{
    config::Events,
    error::{Error, ErrorKind},
    hub::{Endpoints, EventId, Filter},
};

/// A client's request for a stream: `?events=a,b`, and the id of the last event that it has had,
/// in the header `Last-Event-ID` or as `?last_event_id=`. Beside an id, `?lookback=true` asks for what
/// was saved in the few seconds before, too: for a connection that returning and new pages share.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    pub(crate) filter: Filter,
    pub(crate) last_event_id: Option<LastEventId>,
    /// Whether a client that returns also wants what a new one gets.
    pub(crate) lookback: bool,
    /// Whose streams this one counts among.
    pub(crate) address: Option<IpAddr>,
    /// The connection that the request came over, where it can be ended for the stream's sake.
    pub(crate) connection: Option<Endpoints>,
    /// The host that the request is for, which the configuration has to allow.
    pub(crate) target: Target,
}

/// An id as a client brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastEventId {
    Ours(EventId),
    /// Anything else; whoever gave it, we cannot tell what the client has had.
    Unknown,
}

#[derive(serde::Deserialize)]
struct Query {
    events: Option<String>,
    last_event_id: Option<String>,
    lookback: Option<bool>,
}

impl Subscription {
    /// Reads a request. The header wins over the query: a browser that was sent here with an id in
    /// the address keeps that address when it returns, and brings the newer id in the header.
    ///
    /// # Errors
    ///
    /// When the query cannot be read.
    pub fn from_request(request: &HttpRequest) -> Result<Self, Error> {
        let query = web::Query::<Query>::from_query(request.query_string()).map_err(|error| {
            Error::new(
                ErrorKind::Request,
                format!("the query cannot be read: {error}"),
            )
            .with_help("write ?events=name1,name2, ?last_event_id=ID and ?lookback=true, each once")
        })?;
        let header = request
            .headers()
            .get(HeaderName::from_static("last-event-id"))
            .map(|value| LastEventId::parse(value.as_bytes()));
        let in_query = query
            .last_event_id
            .as_deref()
            .map(|id| LastEventId::parse(id.as_bytes()));
        let filter = query.events.as_deref().map_or(Filter::All, |names| {
            Filter::only(
                names
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )
        });
        Ok(Self {
            filter,
            last_event_id: header.flatten().or(in_query.flatten()),
            lookback: query.lookback.unwrap_or_default(),
            address: request.peer_addr().map(|peer| peer.ip()),
            connection: endpoints(request),
            target: Target::of(request),
        })
    }

    /// Only these of the events that the request asks for, which are all where it names none. For
    /// a guard that lets a client hear some events and not others.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, events: impl IntoIterator<Item = S>) -> Self {
        let allowed: HashSet<String> = events.into_iter().map(Into::into).collect();
        self.filter = Filter::only(match self.filter.names() {
            None => allowed,
            Some(asked) => asked.intersection(&allowed).cloned().collect(),
        });
        self
    }

    /// Counts the stream as one of this address, where
    /// [`with_max_connections_per_address`](crate::Config::with_max_connections_per_address) sets
    /// a limit. A request is of the address that it comes from, which behind a proxy is the proxy's:
    /// there, take what the proxy says, for example in `X-Forwarded-For`, and only if no client can
    /// reach the app but through it. Any client can write that header.
    #[must_use]
    pub fn of_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    pub(crate) fn check(&self, events: &Events) -> Result<(), Error> {
        if let Some(names) = self.filter.names()
            && names.is_empty()
        {
            return Err(
                Error::new(ErrorKind::Request, "the list of events is empty")
                    .with_help("leave `events` out to hear all, or name some"),
            );
        }
        match self.filter.unknown(events).next() {
            None => Ok(()),
            Some(name) => {
                let known: Vec<&str> = events.names().collect();
                Err(Error::new(
                    ErrorKind::Request,
                    format!("there is no event `{}`", name.escape_debug()),
                )
                .with_help(format!("SSE_EVENTS has {}", known.join(", "))))
            }
        }
    }
}

impl LastEventId {
    /// "If the EventSource object's last event ID string is not the empty string": an empty one
    /// says nothing. Browsers send ids as raw UTF-8, so these are bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let id = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse().ok());
        Some(id.map_or(Self::Unknown, Self::Ours))
    }
}

/// Both ends of the request's connection. `None` if they do not identify the connection, as over a
/// Unix socket, or if the connection does not belong to the stream alone: HTTP/2 carries other
/// requests over it.
fn endpoints(request: &HttpRequest) -> Option<Endpoints> {
    if request.version() > Version::HTTP_11 {
        return None;
    }
    let server_port = request.app_config().local_addr().port();
    Some(Endpoints::new(request.peer_addr()?, server_port))
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    fn read(uri: &str, header: Option<&[u8]>) -> Subscription {
        let mut request = TestRequest::with_uri(uri);
        if let Some(header) = header {
            request =
                request.insert_header(("last-event-id", HeaderValue::from_bytes(header).unwrap()));
        }
        Subscription::from_request(&request.to_http_request()).unwrap()
    }

    fn id(text: &str) -> Option<LastEventId> {
        Some(LastEventId::Ours(text.parse().unwrap()))
    }

    #[test]
    fn the_newer_id_wins() {
        let (a, b) = ("00000000000000ff-1", "00000000000000ff-2");
        let uri = format!("/sse/stream?last_event_id={a}");
        assert_eq!(read(&uri, None).last_event_id, id(a));
        assert_eq!(read(&uri, Some(b.as_bytes())).last_event_id, id(b));
        assert_eq!(
            read(&uri, Some("\u{2026}".as_bytes())).last_event_id,
            Some(LastEventId::Unknown)
        );
        assert_eq!(read("/sse/stream?last_event_id=", None).last_event_id, None);
        assert_eq!(read(&uri, Some(b"")).last_event_id, id(a));
        assert_eq!(
            read("/sse/stream?last_event_id=%ff", None).last_event_id,
            Some(LastEventId::Unknown)
        );
    }

    #[test]
    fn events_are_named_in_the_query() {
        let events = Events::parse("a:k,b:k").unwrap();
        for (uri, fine) in [
            ("/s", true),
            ("/s?events=a", true),
            ("/s?events=a%2Cb,", true),
            ("/s?events=", false),
            ("/s?events=c", false),
            ("/s?events=a,%0d%0aid:1", false),
        ] {
            let checked = read(uri, None).check(&events);
            assert_eq!(checked.is_ok(), fine, "{uri}");
            if let Err(error) = checked {
                assert_eq!(error.kind(), ErrorKind::Request);
                assert!(!error.to_string().contains(['\r', '\n']));
            }
        }
        assert!(read("/s", None).only(["c"]).check(&events).is_err());
        assert!(
            read("/s?events=b", None)
                .only(["a"])
                .check(&events)
                .is_err()
        );
        assert!(
            read("/s?events=a,b", None)
                .only(["a"])
                .check(&events)
                .is_ok()
        );
    }
}
