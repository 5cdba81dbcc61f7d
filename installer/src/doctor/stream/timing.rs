//! Whether the stream's beginning and its heartbeats arrive in time.

use std::time::Duration;

use super::probe::{Recording, STEP_TIMEOUT};
use super::response::BUFFERING_HELP;
use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("timing");

/// A larger delay is caused by a buffer: TCP and TLS need less, even around the world.
pub(super) const MAX_DELIVERY_DELAY: Duration = Duration::from_secs(1);

/// Twice, because both the block before the silence and the heartbeat after it may be late.
const MAX_HEARTBEAT_DELAY: Duration = MAX_DELIVERY_DELAY.saturating_mul(2);

/// The server sends the first block at once. `response_time` is how long the headers took.
pub(super) fn check_start(response_time: Duration, recording: &Recording) -> Finding {
    let Some(first_block_at) = recording.first_block_at() else {
        return no_beginning(recording);
    };
    if first_block_at > MAX_DELIVERY_DELAY {
        let (start, headers) = (in_seconds(first_block_at), in_seconds(response_time));
        return CHECK.error(
            format!(
                "the server sends the start of a stream at once, but it arrived after {start} (the \
                 headers after {headers})"
            ),
            BUFFERING_HELP,
        );
    }
    let milliseconds = first_block_at.as_millis();
    CHECK.ok(format!(
        "the stream starts {milliseconds} ms after the request"
    ))
}

fn no_beginning(recording: &Recording) -> Finding {
    if let Some(end) = &recording.end {
        let at = in_seconds(end.at);
        let error = end.error.as_ref().map(|error| format!(" ({error})"));
        let error = error.unwrap_or_default();
        return CHECK.error(
            format!("the stream ended after {at}, before its first event{error}"),
            "see the logs of the server and of the proxies before it",
        );
    }
    let seconds = STEP_TIMEOUT.as_secs();
    CHECK.error(
        format!("the stream is open, but nothing arrives within {seconds} s"),
        BUFFERING_HELP,
    )
}

/// The server sends a heartbeat when the stream was silent for a while. `None`: the recording is
/// too short to tell.
pub(super) fn check_heartbeats(recording: &Recording, listening_time: Duration) -> Option<Finding> {
    let interval = heartbeat_interval(recording)?;
    let silence = longest_silence(recording, listening_time)?;
    let is_late = silence > interval + MAX_HEARTBEAT_DELAY;
    let (silence, interval) = (in_seconds(silence), in_seconds(interval));
    if is_late {
        return Some(CHECK.error(
            format!(
                "nothing arrived for {silence}, although the server sends a heartbeat after \
                 {interval} of silence"
            ),
            BUFFERING_HELP,
        ));
    }
    // The first and the last block are heartbeats with `retry`, which no silence precedes.
    let has_heartbeat = recording.heartbeats().any(|block| block.retry.is_none());
    let message = format!("a heartbeat arrives after {interval} of silence");
    has_heartbeat.then(|| CHECK.ok(message))
}

/// The longest time without a block since the first block.
fn longest_silence(recording: &Recording, listening_time: Duration) -> Option<Duration> {
    let mut last = recording.first_block_at()?;
    let mut longest = Duration::ZERO;
    let times = recording.blocks.iter().map(|timed| timed.at);
    for at in times.chain([listening_time]) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    Some(longest)
}

/// The longest silence of the stream, which each heartbeat carries as its data.
pub(super) fn heartbeat_interval(recording: &Recording) -> Option<Duration> {
    let heartbeat = recording.heartbeats().next()?;
    let seconds = heartbeat.data.as_ref()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn in_seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::probe::TimedBlock;
    use super::super::tests::{block, heartbeat_with_retry, recording};
    use super::*;
    use crate::doctor::finding::Level;

    fn heartbeat(at_millis: u64) -> TimedBlock {
        block(at_millis, "sse.heartbeat", "2")
    }

    fn first_block(at_millis: u64) -> TimedBlock {
        let mut first_block = heartbeat_with_retry(at_millis);
        "2".clone_into(first_block.block.data.get_or_insert_default());
        first_block
    }

    #[test]
    fn a_late_beginning_is_an_error() {
        let level = |messages| check_start(Duration::ZERO, &recording(messages)).level;
        assert_eq!(level(vec![heartbeat_with_retry(1_000)]), Level::Ok);
        assert_eq!(level(vec![heartbeat_with_retry(1_001)]), Level::Error);
        assert_eq!(level(vec![]), Level::Error);
    }

    #[test]
    fn a_late_heartbeat_is_an_error() {
        let level = |messages, listening_time| {
            let listening_time = Duration::from_millis(listening_time);
            let finding = check_heartbeats(&recording(messages), listening_time);
            finding.map(|finding| finding.level)
        };
        assert_eq!(level(vec![first_block(5)], 900), None, "too short to tell");
        let ended = vec![first_block(5), first_block(1_990)];
        assert_eq!(level(ended, 1_990), None, "no heartbeat was due");
        let in_time = vec![first_block(5), heartbeat(2_010)];
        assert_eq!(level(in_time, 3_000), Some(Level::Ok));
        assert_eq!(level(vec![first_block(5)], 4_100), Some(Level::Error));
        let late = vec![first_block(5), heartbeat(5_000), heartbeat(5_001)];
        assert_eq!(level(late, 5_100), Some(Level::Error));
        assert_eq!(level(vec![], 60_000), None, "not a stream of the library");
    }
}
