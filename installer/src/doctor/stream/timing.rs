//! Whether what is sent arrives at once.

use std::time::Duration;

use super::probe::{Heard, LONGEST};
use super::response::BUFFERED;
use crate::doctor::finding::Finding;

const CHECK: &str = "pace";

/// Longer than a good line needs, even to the other side of the world.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// The stream's beginning is sent at once.
pub(super) fn first_block(head: Duration, heard: &Heard) -> Finding {
    let Some(first) = heard.first_block else {
        return match &heard.ended {
            Some(ended) => Finding::error(
                CHECK,
                format!(
                    "the stream ended after {} before it began",
                    seconds(ended.at)
                ),
                "see the log of the server, and of what stands before it",
            ),
            None => Finding::error(
                CHECK,
                format!(
                    "the stream is open, and nothing comes within {} s",
                    LONGEST.as_secs()
                ),
                BUFFERED,
            ),
        };
    };
    if first > LATE {
        return Finding::error(
            CHECK,
            format!(
                "the stream's beginning, which is sent at once, took {} (its head {})",
                seconds(first),
                seconds(head)
            ),
            BUFFERED,
        );
    }
    let what = format!(
        "the stream begins {} ms after the request",
        first.as_millis()
    );
    Finding::ok(CHECK, what)
}

/// A silent stream says after a while that it is alive. None where it was not listened to for so
/// long.
pub(super) fn heartbeats(heard: &Heard, listened: Duration) -> Option<Finding> {
    let interval = interval(heard)?;
    let begun = heard.first_block?;
    let mut silence = Duration::ZERO;
    let mut last = begun;
    for at in heard
        .arrivals
        .iter()
        .map(|arrival| arrival.at)
        .chain([listened])
    {
        silence = silence.max(at.saturating_sub(last));
        last = at;
    }
    if silence > interval + 2 * LATE {
        return Some(Finding::error(
            CHECK,
            format!(
                "nothing came for {}, though a heartbeat is sent after {} of silence",
                seconds(silence),
                seconds(interval)
            ),
            BUFFERED,
        ));
    }
    // The first block and the last one are heartbeats, too, which come without any silence.
    let beats = heard
        .arrivals
        .iter()
        .any(|arrival| arrival.message.event == "sse.heartbeat" && arrival.message.retry.is_none());
    beats.then(|| {
        let what = format!("a heartbeat comes after {} of silence", seconds(interval));
        Finding::ok(CHECK, what)
    })
}

/// How long the stream may be silent, in its own words.
pub(super) fn interval(heard: &Heard) -> Option<Duration> {
    let heartbeat = heard
        .arrivals
        .iter()
        .find(|arrival| arrival.message.event == "sse.heartbeat")?;
    let seconds = heartbeat.message.data.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::probe::Arrival;
    use super::super::probe::tests::{arrival, greeting, heard};
    use super::*;
    use crate::doctor::finding::Level;

    fn beat(milliseconds: u64) -> Arrival {
        arrival(milliseconds, "sse.heartbeat", "2")
    }

    fn first(milliseconds: u64) -> Arrival {
        let mut first = greeting(milliseconds);
        "2".clone_into(&mut first.message.data);
        first
    }

    #[test]
    fn a_late_beginning_is_an_error() {
        let level = |at| first_block(Duration::ZERO, &heard(vec![greeting(at)])).level;
        assert_eq!(level(1_000), Level::Ok);
        assert_eq!(level(1_001), Level::Error);
        assert_eq!(
            first_block(Duration::ZERO, &heard(vec![])).level,
            Level::Error
        );
    }

    #[test]
    fn heartbeats_must_come_in_time() {
        let level = |arrivals, listened| {
            let found = heartbeats(&heard(arrivals), Duration::from_millis(listened));
            found.map(|finding| finding.level)
        };
        assert_eq!(level(vec![first(5)], 900), None, "too short to tell");
        assert_eq!(
            level(vec![first(5), first(1_990)], 1_990),
            None,
            "it has ended"
        );
        assert_eq!(level(vec![first(5), beat(2_010)], 3_000), Some(Level::Ok));
        assert_eq!(level(vec![first(5)], 4_100), Some(Level::Error));
        let late = vec![first(5), beat(5_000), beat(5_001)];
        assert_eq!(level(late, 5_100), Some(Level::Error));
        assert_eq!(level(vec![], 60_000), None, "it is another kind of stream");
    }
}
