//! Whether a stream ended as the server wanted, or was cut off.

use std::time::Duration;

use super::probe::{Ended, Heard};
use super::timing::{interval, seconds};
use crate::doctor::finding::Finding;

const CHECK: &str = "end";

pub(super) fn judge(heard: &Heard, listened: Duration) -> Finding {
    let Some(ended) = &heard.ended else {
        let what = format!(
            "the stream is open after {}; a longer `--wait` shows whether something cuts it off",
            seconds(listened)
        );
        return Finding::ok(CHECK, what);
    };
    if is_planned(heard, ended) {
        let what = format!(
            "the server ended the stream as planned after {} (SSE_STREAM_DURATION)",
            seconds(ended.at)
        );
        return Finding::ok(CHECK, what);
    }
    let last = heard
        .arrivals
        .last()
        .map_or(Duration::ZERO, |arrival| arrival.at);
    let silence = ended.at.saturating_sub(last);
    let place = if ended.is_in_block {
        "in the middle of an event".to_owned()
    } else {
        format!("{} after its last event", seconds(silence))
    };
    let how = match &ended.error {
        Some(error) => format!(" ({error})"),
        None => String::new(),
    };
    let heartbeat = match interval(heard) {
        Some(interval) => format!("the heartbeat's {}", seconds(interval)),
        None => "the heartbeat's interval".to_owned(),
    };
    Finding::warning(
        CHECK,
        format!(
            "the stream was cut off after {}, {place}, and not by the server's plan{how}",
            seconds(ended.at)
        ),
        format!(
            "where a proxy ends connections that are silent for a while, raise its limit above \
             {heartbeat} (nginx: `proxy_read_timeout 1h;`), or shorten that with \
             `Config::with_heartbeat`; where it ends long ones, set SSE_STREAM_DURATION below its \
             limit; and see whether the server was restarted"
        ),
    )
}

/// The last block of a stream that ends by plan is a heartbeat that says when to come back. So is
/// the first block of each.
fn is_planned(heard: &Heard, ended: &Ended) -> bool {
    let farewell = heard
        .arrivals
        .last()
        .is_some_and(|last| last.message.event == "sse.heartbeat" && last.message.retry.is_some());
    let greetings = heard
        .arrivals
        .iter()
        .filter(|arrival| arrival.message.retry.is_some())
        .count();
    farewell && greetings > 1 && !ended.is_in_block && ended.error.is_none()
}

#[cfg(test)]
mod tests {
    use super::super::probe::Arrival;
    use super::super::probe::tests::{arrival, greeting, heard};
    use super::*;
    use crate::doctor::finding::Level;

    fn found(arrivals: Vec<Arrival>, is_in_block: bool, error: Option<&str>) -> Finding {
        let mut heard = heard(arrivals);
        heard.ended = Some(Ended {
            at: Duration::from_secs(60),
            error: error.map(str::to_owned),
            is_in_block,
        });
        judge(&heard, Duration::from_secs(60))
    }

    #[test]
    fn a_farewell_is_a_planned_end() {
        assert_eq!(
            found(vec![greeting(5), greeting(60)], false, None).level,
            Level::Ok
        );
    }

    #[test]
    fn any_other_end_is_a_cut() {
        for (arrivals, is_in_block, error) in [
            (vec![greeting(5)], false, None),
            (
                vec![greeting(5), arrival(50, "sse.heartbeat", "15")],
                false,
                None,
            ),
            (vec![greeting(5), arrival(50, "a", "1")], false, None),
            (vec![greeting(5), greeting(60)], true, None),
            (vec![greeting(5), greeting(60)], false, Some("reset")),
        ] {
            let shown = format!("{arrivals:?}");
            assert_eq!(
                found(arrivals, is_in_block, error).level,
                Level::Warning,
                "{shown}"
            );
        }
        let finding = found(vec![greeting(50_000)], false, Some("reset"));
        assert!(
            finding
                .what
                .contains("after 60.0 s, 10.0 s after its last event"),
            "{}",
            finding.what
        );
        assert!(
            finding
                .help
                .is_some_and(|help| help.contains("heartbeat's 15.0 s"))
        );
    }

    #[test]
    fn a_stream_that_goes_on_is_good() {
        let heard = heard(vec![greeting(5)]);
        assert_eq!(judge(&heard, Duration::from_secs(5)).level, Level::Ok);
    }
}
