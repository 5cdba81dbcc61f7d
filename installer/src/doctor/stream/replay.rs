//! Whether a client that reconnects gets the events that it missed.

use std::time::Instant;

use hyper::header::HeaderName;

use super::probe::{Recording, STEP_TIMEOUT, StreamProbe};
use crate::doctor::finding::{Check, Finding, ReportFinding};
use crate::exit::Failure;
use crate::http::Client;

const CHECK: Check = Check("replay");

/// An event id is `epoch-number`. The epoch has this many hexadecimal digits, as the library writes
/// it. A test compares this with a real id.
const EPOCH_DIGITS: usize = 16;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const SEE_LOGS: &str = "see the logs of the server and of the proxies before it";

/// How a client sends its last event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdTransport {
    Header,
    QueryParameter,
}

/// After a client has reconnected with an event id, either the stream continues, perhaps after a gap with
/// this reason, or the error says why it does not.
type Reconnection = Result<Option<String>, String>;

impl IdTransport {
    fn name(self) -> &'static str {
        match self {
            Self::Header => "the header Last-Event-ID",
            Self::QueryParameter => "?last_event_id=",
        }
    }
}

/// Reconnects with the last id of the stream, and with one that the server cannot know. Only the
/// second shows that ids reach the server at all: it must answer with a gap.
pub(super) fn check(
    client: &Client,
    last_event_id: &str,
    report: &mut ReportFinding<'_>,
) -> Result<(), Failure> {
    let Some(unknown_id) = with_other_epoch(last_event_id) else {
        let message = format!(
            "the stream's ids (`{last_event_id}`) are not in the library's form, so whether a \
             client that reconnects misses events was not checked"
        );
        return report(CHECK.note(message));
    };
    for transport in [IdTransport::Header, IdTransport::QueryParameter] {
        let with_known_id = reconnect(client, last_event_id, transport);
        let finding = match judge_known_id(transport, with_known_id) {
            Some(problem) => problem,
            None => judge_unknown_id(transport, reconnect(client, &unknown_id, transport)),
        };
        report(finding)?;
    }
    Ok(())
}

/// The same number in another journal, which no server has.
fn with_other_epoch(id: &str) -> Option<String> {
    let (epoch, number) = id.split_once('-')?;
    let is_epoch =
        epoch.len() == EPOCH_DIGITS && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Other text might not be possible in a header or a URL.
    let is_number = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let first_digit = if epoch.starts_with('0') { '1' } else { '0' };
    (is_epoch && is_number).then(|| format!("{first_digit}{}-{number}", &epoch[1..]))
}

fn reconnect(client: &Client, id: &str, transport: IdTransport) -> Reconnection {
    let url = client.url();
    let opened = match transport {
        IdTransport::Header => StreamProbe::open(client, url, &[(LAST_EVENT_ID, id)]),
        IdTransport::QueryParameter => {
            let separator = if url.contains('?') { '&' } else { '?' };
            StreamProbe::open(client, &format!("{url}{separator}last_event_id={id}"), &[])
        }
    };
    let probe = opened.map_err(|error| error.reason)?;
    match probe.head().status {
        200 => read_first_block(probe),
        status => Err(format!("the response is {status}")),
    }
}

/// Reads the first block with an id, which shows where the stream continues: a heartbeat, or a gap.
fn read_first_block(mut probe: StreamProbe) -> Reconnection {
    let has_id = |recording: &Recording| !recording.last_event_id().is_empty();
    probe.record_until(Instant::now() + STEP_TIMEOUT, has_id);
    if !has_id(&probe.recording) {
        return Err("no event with an id arrives".to_owned());
    }
    let blocks = probe.recording.blocks.into_iter();
    let mut blocks = blocks.map(|timed| timed.block);
    Ok(blocks
        .find(|block| block.event == "sse.gap")
        .and_then(|gap| gap.data))
}

/// What is wrong after reconnecting with the id that was just received, if anything.
fn judge_known_id(transport: IdTransport, result: Reconnection) -> Option<Finding> {
    let name = transport.name();
    match result {
        Ok(None) => None,
        Ok(Some(reason)) => Some(CHECK.warning(
            format!(
                "a client that reconnects at once with {name} is told that it missed events: \
                 {reason}"
            ),
            "the URL may lead to several servers with different caches: let them share one, or let \
             the load balancer send each client to the same server again",
        )),
        Err(reason) => Some(CHECK.error(
            format!("a client that reconnects with {name} gets no stream: {reason}"),
            SEE_LOGS,
        )),
    }
}

/// A server that receives an id of another journal reports a gap.
fn judge_unknown_id(transport: IdTransport, result: Reconnection) -> Finding {
    let name = transport.name();
    match result {
        Ok(Some(_)) => CHECK.ok(format!(
            "a client that reconnects with {name} resumes correctly"
        )),
        Ok(None) => {
            let carrier = match transport {
                IdTransport::Header => name,
                IdTransport::QueryParameter => "the query of the URL",
            };
            CHECK.warning(
                format!(
                    "{name} does not reach the server: clients that reconnect miss the events in \
                     between"
                ),
                format!(
                    "let the proxy forward {carrier}, and cache no response of this path; if your own \
                     handler serves the stream, pass the `Subscription` of the request to \
                     `Sse::respond`"
                ),
            )
        }
        Err(reason) => CHECK.error(
            format!(
                "a client that reconnects with {name} and an id that the server does not know gets \
                 no stream: {reason}"
            ),
            SEE_LOGS,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn gap(reason: &str) -> Reconnection {
        Ok(Some(reason.to_owned()))
    }

    fn failed() -> Reconnection {
        Err("no".to_owned())
    }

    #[test]
    fn the_ids_of_the_library_are_in_the_expected_form() {
        let app = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(app.path().join("writable/cache")).expect("it can be created");
        let config = actix_web_sse::Config::new(app.path(), "a:k").expect("a valid list");
        let cache = actix_web_sse::Cache::open(&config).expect("it can be opened");
        cache.save_blocking("k", 1).expect("it can be saved");
        let entry = cache.get_blocking("k").expect("it can be read");
        let id = entry.expect("it was saved").id().to_string();
        assert!(with_other_epoch(&id).is_some(), "{id}");
    }

    #[test]
    fn only_the_epoch_of_an_id_is_changed() {
        for (id, expected) in [
            ("0000000000000abc-41", "1000000000000abc-41"),
            ("f000000000000abc-41.2", "0000000000000abc-41.2"),
        ] {
            assert_eq!(with_other_epoch(id).as_deref(), Some(expected));
        }
        for foreign in [
            "",
            "41",
            "abc-41",
            "00000000000000zz-1",
            "0000000000000abc-\u{1}",
            "0000000000000abc-1&a",
        ] {
            assert_eq!(with_other_epoch(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_known_id_must_not_lead_to_a_gap() {
        let level = |result| judge_known_id(IdTransport::Header, result).map(|found| found.level);
        assert_eq!(level(Ok(None)), None);
        assert_eq!(level(gap("swept")), Some(Level::Warning));
        assert_eq!(level(failed()), Some(Level::Error));
    }

    #[test]
    fn an_unknown_id_must_lead_to_a_gap() {
        let level = |result| judge_unknown_id(IdTransport::QueryParameter, result).level;
        assert_eq!(level(gap("other-epoch")), Level::Ok);
        assert_eq!(level(Ok(None)), Level::Warning);
        assert_eq!(level(failed()), Level::Error);
    }
}
