//! Whether a client that returns is known by its place.

use std::time::Instant;

use super::Tell;
use super::probe::{Connection, Heard, LONGEST};
use crate::doctor::finding::Finding;
use crate::exit::Failure;

const CHECK: &str = "replay";

/// How a client says where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Header,
    Parameter,
}

/// What came of returning.
#[derive(Debug, PartialEq, Eq)]
enum Return {
    /// The stream goes on; the reason, if something may have been missed.
    Open {
        gap: Option<String>,
    },
    Refused(String),
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Header => "the header Last-Event-ID",
            Self::Parameter => "?last_event_id=",
        }
    }
}

/// Returns with the id that was the last, which is known, and with one that cannot be.
pub(super) fn check(url: &str, last_id: &str, tell: &mut Tell<'_>) -> Result<(), Failure> {
    let Some(foreign) = of_another_epoch(last_id) else {
        let what = format!(
            "the stream's ids are not this library's (`{last_id}`): whether clients that return \
             miss something was not tried"
        );
        return tell(Finding::note(CHECK, what));
    };
    for way in [Way::Header, Way::Parameter] {
        let known = come_back(url, last_id, way);
        let finding = match known_place(way, known) {
            Some(finding) => finding,
            None => foreign_place(way, come_back(url, &foreign, way)),
        };
        tell(finding)?;
    }
    Ok(())
}

/// The same place in a journal that is not there: an id is `epoch-number`, the epoch 16 digits.
fn of_another_epoch(id: &str) -> Option<String> {
    let (epoch, number) = id.split_once('-')?;
    let is_epoch = epoch.len() == 16 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
    let first = if epoch.starts_with('0') { '1' } else { '0' };
    is_epoch.then(|| format!("{first}{}-{number}", &epoch[1..]))
}

fn come_back(url: &str, id: &str, way: Way) -> Return {
    let opened = match way {
        Way::Header => Connection::open(url, &[("Last-Event-ID", id)]),
        Way::Parameter => {
            let separator = if url.contains('?') { '&' } else { '?' };
            Connection::open(&format!("{url}{separator}last_event_id={id}"), &[])
        }
    };
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(error) => return Return::Refused(error.to_string()),
    };
    if connection.head.status != 200 {
        return Return::Refused(format!("the answer is {}", connection.head.status));
    }
    // The first block with an id says where the stream goes on: the heartbeat that each begins with,
    // or a gap, where the server has to look the place up first.
    let is_open = |heard: &Heard| !heard.last_event_id.is_empty();
    connection.listen(Instant::now() + LONGEST, is_open);
    if !is_open(&connection.heard) {
        return Return::Refused("the stream does not begin".to_owned());
    }
    let gap = connection
        .heard
        .arrivals
        .iter()
        .find(|arrival| arrival.message.event == "sse.gap")
        .map(|arrival| arrival.message.data.clone());
    Return::Open { gap }
}

/// What is wrong when a client returns to where it was just now.
fn known_place(way: Way, came: Return) -> Option<Finding> {
    let name = way.name();
    match came {
        Return::Open { gap: None } => None,
        Return::Open { gap: Some(reason) } => Some(Finding::warning(
            CHECK,
            format!(
                "a client that returns at once by {name} is told that it missed something: {reason}"
            ),
            "the address may lead to several servers whose caches are not the same: let them share \
             one, or let each client come back to the same server",
        )),
        Return::Refused(why) => Some(Finding::error(
            CHECK,
            format!("a client that returns by {name} gets no stream: {why}"),
            "see the log of the server, and of what stands before it",
        )),
    }
}

/// A place that the server cannot know must be told as a gap: else it was never asked.
fn foreign_place(way: Way, came: Return) -> Finding {
    let name = way.name();
    match came {
        Return::Open { gap: Some(_) } => Finding::ok(
            CHECK,
            format!("a client that returns by {name} goes on where it was"),
        ),
        Return::Open { gap: None } => Finding::warning(
            CHECK,
            format!(
                "{name} does not reach the server: clients that return miss what came meanwhile"
            ),
            match way {
                Way::Header => {
                    "let the proxy pass Last-Event-ID on, and cache nothing of this path; an answer \
                     of your own begins with `Subscription::from_request`"
                }
                Way::Parameter => {
                    "let the proxy pass the query on, and cache nothing of this path; an answer of \
                     your own begins with `Subscription::from_request`"
                }
            },
        ),
        Return::Refused(why) => Finding::error(
            CHECK,
            format!(
                "a client that returns by {name} to a place that is gone gets no stream: {why}"
            ),
            "see the log of the server, and of what stands before it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn an_id_of_another_epoch_differs_in_the_epoch_alone() {
        let other = |id: &str| of_another_epoch(id);
        assert_eq!(
            other("0000000000000abc-41").as_deref(),
            Some("1000000000000abc-41")
        );
        assert_eq!(
            other("f000000000000abc-41.2").as_deref(),
            Some("0000000000000abc-41.2")
        );
        for foreign in ["", "41", "abc-41", "00000000000000zz-1"] {
            assert_eq!(other(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_known_place_is_one_without_a_gap() {
        let level = |came| known_place(Way::Header, came).map(|finding| finding.level);
        let gap = Some("swept".to_owned());
        assert_eq!(level(Return::Open { gap: None }), None);
        assert_eq!(level(Return::Open { gap }), Some(Level::Warning));
        assert_eq!(level(Return::Refused("no".to_owned())), Some(Level::Error));
    }

    #[test]
    fn a_foreign_place_must_be_noticed() {
        let level = |came| foreign_place(Way::Parameter, came).level;
        let gap = Some("other-epoch".to_owned());
        assert_eq!(level(Return::Open { gap }), Level::Ok);
        assert_eq!(level(Return::Open { gap: None }), Level::Warning);
        assert_eq!(level(Return::Refused("no".to_owned())), Level::Error);
    }
}
