//! Whether the server ended the stream, as planned or to authorize it again, or something cut it off.

use std::time::Duration;

use super::probe::{Recording, StreamEnd};
use super::timing::{heartbeat_interval, in_seconds};
use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("end");

pub(super) fn judge(recording: &Recording, listening_time: Duration) -> Finding {
    let Some(end) = &recording.end else {
        let time = in_seconds(listening_time);
        if recording.is_full() {
            return CHECK.note(format!(
                "the stream is still open after {time}, but so many events arrived that the check \
                 stopped listening"
            ));
        }
        return CHECK.ok(format!(
            "the stream is still open after {time}; use a longer `--wait` to see whether something \
             cuts it off later"
        ));
    };
    if !is_ended_by_server(recording, end) {
        return cut_off(recording, end);
    }
    let at = in_seconds(end.at);
    let last = recording.blocks.last();
    if last.is_some_and(|last| last.block.is_planned_end) {
        return CHECK.ok(format!(
            "the server ended the stream as planned after {at} (SSE_STREAM_DURATION, or the time that the app \
             gives to `until`)"
        ));
    }
    CHECK.tip(
        format!(
            "the server ended the stream after {at}: an audience of the stream was revoked, or may have been, or \
             the server was shut down"
        ),
        "clients connect again, and the app authorizes them again; if every stream ends at once after a \
         revocation, add the middleware `track_authorization` to the app",
    )
}

/// The server ends a stream with a heartbeat that sets `retry`. The first block also sets it.
fn is_ended_by_server(recording: &Recording, end: &StreamEnd) -> bool {
    let heartbeats_with_retry = recording.heartbeats().filter(|block| block.retry.is_some());
    let last = recording.blocks.last();
    heartbeats_with_retry.count() > 1
        && last.is_some_and(|last| last.block.retry.is_some())
        && !end.is_in_block
        && end.error.is_none()
}

fn cut_off(recording: &Recording, end: &StreamEnd) -> Finding {
    let last_block_at = recording.blocks.last().map(|timed| timed.at);
    let silence = end.at.saturating_sub(last_block_at.unwrap_or_default());
    let position = if end.is_in_block {
        "in the middle of an event".to_owned()
    } else {
        format!("{} after its last event", in_seconds(silence))
    };
    let error = end.error.as_ref().map(|error| format!(" ({error})"));
    let error = error.unwrap_or_default();
    let interval = heartbeat_interval(recording);
    let interval = interval.map(|interval| format!(" of {}", in_seconds(interval)));
    let interval = interval.unwrap_or_default();
    let at = in_seconds(end.at);
    CHECK.warning(
        format!(
            "the stream was cut off after {at}, {position}; the server did not end it{error}"
        ),
        format!(
            "if a proxy closes connections that are silent for a while, raise its timeout above \
             the heartbeat interval{interval} (nginx: `proxy_read_timeout`), or shorten the interval with \
             `Config::with_heartbeat`; if it closes connections after a fixed time, set \
             SSE_STREAM_DURATION to less than that; also check whether the server was restarted"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::probe::TimedBlock;
    use super::super::tests::{block, heartbeat_with_retry, recording};
    use super::*;
    use crate::doctor::finding::Level;

    fn finding(messages: Vec<TimedBlock>, is_in_block: bool, error: Option<&str>) -> Finding {
        let mut recording = recording(messages);
        recording.end = Some(StreamEnd {
            at: Duration::from_secs(60),
            error: error.map(str::to_owned),
            is_in_block,
        });
        judge(&recording, Duration::from_secs(60))
    }

    #[test]
    fn an_announced_end_is_planned() {
        let mut last = heartbeat_with_retry(60);
        last.block.is_planned_end = true;
        let messages = vec![heartbeat_with_retry(5), last];
        assert_eq!(finding(messages, false, None).level, Level::Ok);
    }

    #[test]
    fn an_end_that_is_not_announced_as_planned_has_other_reasons() {
        let messages = vec![heartbeat_with_retry(5), heartbeat_with_retry(60)];
        let finding = finding(messages, false, None);
        assert_eq!(finding.level, Level::Note);
        assert!(
            finding.message.contains("was revoked"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn any_other_end_is_a_warning() {
        let first = || heartbeat_with_retry(5);
        let last = || heartbeat_with_retry(60);
        for (messages, is_in_block, error) in [
            (vec![first()], false, None),
            (vec![first(), block(50, "sse.heartbeat", "15")], false, None),
            (vec![first(), block(50, "a", "1")], false, None),
            (vec![first(), last()], true, None),
            (vec![first(), last()], false, Some("reset")),
        ] {
            let shown = format!("{messages:?}");
            let level = finding(messages, is_in_block, error).level;
            assert_eq!(level, Level::Warning, "{shown}");
        }
    }

    #[test]
    fn the_silence_before_the_end_and_the_heartbeat_interval_are_shown() {
        let finding = finding(vec![heartbeat_with_retry(50_000)], false, Some("reset"));
        let expected = "after 60.0 s, 10.0 s after its last event";
        assert!(finding.message.contains(expected), "{}", finding.message);
        let help = finding.help.unwrap_or_default();
        assert!(help.contains("interval of 15.0 s"), "{help}");
    }

    #[test]
    fn a_stream_that_is_still_open_is_ok() {
        let recording = recording(vec![heartbeat_with_retry(5)]);
        assert_eq!(judge(&recording, Duration::from_secs(5)).level, Level::Ok);
    }

    #[test]
    fn a_check_that_stopped_listening_says_so() {
        let mut recording = recording(vec![heartbeat_with_retry(5)]);
        recording.bytes = usize::MAX;
        let finding = judge(&recording, Duration::from_secs(5));
        assert_eq!(finding.level, Level::Note);
        let expected = "open after 5.0 s, but so many events arrived";
        assert!(finding.message.contains(expected), "{}", finding.message);
    }
}
