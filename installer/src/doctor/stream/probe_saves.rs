//! Values saved on this machine, and how they arrive on the stream.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use actix_web_sse::cli_support::RedisCache;
use actix_web_sse::{Cache, Config};
use serde::{Deserialize, Serialize};

use super::probe::{Recording, STEP_TIMEOUT, StreamProbe};
use super::timing::{MAX_DELIVERY_DELAY, in_seconds};
use crate::doctor::finding::{Check, Finding};
use crate::exit::Failure;

const CHECK: Check = Check("saves");

/// Enough to see an order and a rhythm, and few, because every connected browser receives them.
/// `sse doctor --help` states the number.
const PROBE_VALUE_COUNT: u64 = 5;
/// Long enough to tell values that arrive one by one from values that arrive together.
const SAVE_INTERVAL: Duration = Duration::from_millis(200);
/// For the delivery of a value, after a server without notifications has noticed it. Several times
/// `MAX_DELIVERY_DELAY`, so that values that arrive late are reported as late, not as lost.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// HAProxy tells the kernel that more data follows, and the kernel then holds back an event for up to 200 ms.
/// Where the kernel waits for the receiver's acknowledgement instead, Linux delays it by 40 to 200 ms. A
/// working server needs a few milliseconds, besides the time that the network takes.
const HELD_BACK_DELAY: Duration = Duration::from_millis(35);

/// The values to save, and where.
pub(super) struct ProbeSaves {
    cache: Cache,
    config: Config,
    key: String,
    /// Distinguishes these values from those of another run.
    run_id: u64,
}

/// A saved value. The name of its first field shows every receiver where the value comes from.
#[derive(Debug, Deserialize, Serialize)]
struct ProbeValue {
    #[serde(rename = "sse_doctor")]
    run_id: u64,
    number: u64,
}

/// The data of an event that a value triggers.
#[derive(Deserialize)]
struct ProbeEventData {
    value: ProbeValue,
}

/// A probe value that arrived in an event.
#[derive(Debug)]
struct Arrival {
    event: String,
    number: u64,
    at: Duration,
}

impl ProbeSaves {
    /// Opens the cache of the app in `app`. At least one event must be mapped to the key.
    pub(super) fn prepare(app: &Path, key: &str) -> Result<Self, Failure> {
        let config = Config::from_dir(app)?;
        if config.events().of_key(key).next().is_none() {
            let keys: Vec<&str> = config.events().keys().collect();
            return Err(
                Failure::usage(format!("SSE_EVENTS has no event for the key `{key}`"))
                    .with_help(format!("the keys in SSE_EVENTS are {}", keys.join(", "))),
            );
        }
        if config.events().is_private(key) {
            let keys = config.events().keys();
            let public: Vec<&str> = keys
                .filter(|key| !config.events().is_private(key))
                .collect();
            let help = match public.as_slice() {
                [] => {
                    "add a public key to SSE_EVENTS for this measurement, for example probe:probe"
                        .to_owned()
                }
                keys => format!("choose a public key: {}", keys.join(", ")),
            };
            return Err(Failure::usage(format!(
                "the key `{key}` is private, so no value can be saved for everyone"
            ))
            .with_help(help));
        }
        Ok(Self {
            cache: Cache::open(&config)?,
            key: key.to_owned(),
            config,
            run_id: milliseconds_since_1970(),
        })
    }

    /// Saves the values one by one, and records the stream until all have arrived or the timeout
    /// passes. Returns when each was saved.
    pub(super) fn save_all(&self, probe: &mut StreamProbe) -> Result<Vec<Duration>, Failure> {
        let mut saved_at = Vec::new();
        for number in 0..PROBE_VALUE_COUNT {
            let value = ProbeValue {
                run_id: self.run_id,
                number,
            };
            saved_at.push(probe.requested_at.elapsed());
            self.cache.save_blocking(&self.key, value)?;
            probe.record_until(Instant::now() + SAVE_INTERVAL, |_| false);
        }
        let timeout = (self.config.poll_interval() + DELIVERY_TIMEOUT).min(STEP_TIMEOUT);
        probe.record_until(Instant::now() + timeout, |recording| {
            let arrivals = self.arrivals(recording);
            (0..PROBE_VALUE_COUNT)
                .all(|number| arrivals.iter().any(|arrival| arrival.number == number))
        });
        Ok(saved_at)
    }

    /// `round_trip` is the time to the server and back.
    pub(super) fn judge(
        &self,
        saved_at: &[Duration],
        recording: &Recording,
        round_trip: Duration,
    ) -> Finding {
        let arrivals = self.arrivals(recording);
        if recording.is_over() && arrivals.len() < saved_at.len() {
            let message = "listening ended before all saved values could arrive: run this again";
            return CHECK.note(message);
        }
        judge_arrivals(saved_at, &arrivals, HELD_BACK_DELAY + round_trip)
            .unwrap_or_else(|| nothing_arrived(&self.key, &self.config, saved_at.len()))
    }

    fn arrivals(&self, recording: &Recording) -> Vec<Arrival> {
        let arrivals = recording.blocks.iter().filter_map(|timed| {
            let ProbeEventData { value } = serde_json::from_str(timed.block.data.as_ref()?).ok()?;
            (value.run_id == self.run_id).then(|| Arrival {
                event: timed.block.event.clone(),
                number: value.number,
                at: timed.at,
            })
        });
        arrivals.collect()
    }
}

fn milliseconds_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Each event of the key carries every value. The finding is about the worst event; `None` if nothing arrived.
fn judge_arrivals(
    saved_at: &[Duration],
    arrivals: &[Arrival],
    held_back_delay: Duration,
) -> Option<Finding> {
    let mut by_event: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
    for arrival in arrivals {
        by_event.entry(&arrival.event).or_default().push(arrival);
    }
    let events = by_event.values();
    let findings = events.map(|arrivals| judge_event(saved_at, arrivals, held_back_delay));
    let worst = findings.max_by_key(|(max_delay, finding)| (finding.level, *max_delay));
    worst.map(|(_, finding)| finding)
}

fn nothing_arrived(key: &str, config: &Config, count: usize) -> Finding {
    let (cache, help) = match RedisCache::of(config) {
        None => (
            config.cache_dir().display().to_string(),
            "either the server uses another cache folder: compare its SSE_CACHE and its app's folder \
             with this app's; or the URL selects other events; or the server gets no notifications, and its \
             SSE_POLL_INTERVAL is long",
        ),
        Some(redis) => (
            redis.address(),
            "either the server uses another cache: compare its SSE_CACHE with this one (another prefix, database or \
             Redis server, or a folder); or the URL selects other events; or the server cannot reach Redis: see its log",
        ),
    };
    CHECK.error(
        format!("{count} values were saved under `{key}` in {cache}, and none arrived"),
        help,
    )
}

/// The longest delay, for ever if a value did not arrive, and what it means.
fn judge_event(
    saved_at: &[Duration],
    arrivals: &[&Arrival],
    held_back_delay: Duration,
) -> (Duration, Finding) {
    let numbers: Vec<u64> = arrivals.iter().map(|arrival| arrival.number).collect();
    let expected: Vec<u64> = (0..).take(saved_at.len()).collect();
    if numbers != expected {
        return (Duration::MAX, wrong_values(saved_at.len(), &numbers));
    }
    let arrived_at: Vec<Duration> = arrivals.iter().map(|arrival| arrival.at).collect();
    let delays = saved_at.iter().zip(&arrived_at);
    let delays = delays.map(|(saved, arrived)| arrived.saturating_sub(*saved));
    let max_delay = delays.clone().max().unwrap_or_default();
    // Values that arrive in less than half the time waited somewhere for each other.
    let finding =
        if max_delay > MAX_DELIVERY_DELAY || time_span(&arrived_at) < time_span(saved_at) / 2 {
            late(saved_at, time_span(&arrived_at), max_delay)
        } else {
            let late_count = delays.filter(|delay| *delay >= held_back_delay).count();
            in_time(saved_at.len(), max_delay, late_count, held_back_delay)
        };
    (max_delay, finding)
}

fn wrong_values(count: usize, numbers: &[u64]) -> Finding {
    let numbers = numbers.iter().map(|number| (number + 1).to_string());
    let numbers: Vec<String> = numbers.collect();
    CHECK.error(
        format!(
            "{count} values were saved, but they did not all arrive once and in order: {} arrived",
            numbers.join(", ")
        ),
        "a proxy on the way drops or repeats parts of the stream: run `sse doctor` with the \
         server's own URL, without the proxies",
    )
}

fn late(saved_at: &[Duration], arrived_within: Duration, max_delay: Duration) -> Finding {
    CHECK.error(
        format!(
            "{} values were saved over {} but arrived over {}, up to {} late",
            saved_at.len(),
            in_seconds(time_span(saved_at)),
            in_seconds(arrived_within),
            in_seconds(max_delay)
        ),
        "either a proxy on the way collects events before it forwards them (nginx: \
         `proxy_buffering off;`); or the server finds new values only once per \
         SSE_POLL_INTERVAL: see the check `notifications`",
    )
}

fn in_time(
    count: usize,
    max_delay: Duration,
    late_count: usize,
    held_back_delay: Duration,
) -> Finding {
    // At least 1: "within 0 ms" would read like a mistake.
    let milliseconds = max_delay.as_millis().max(1);
    let message = format!("{count} saved values arrived one by one, each within {milliseconds} ms");
    // One late value has another cause. A held back value may take the next one with it, which is then in time.
    if late_count < 2 {
        return CHECK.ok(message);
    }
    let message = format!(
        "{message}, but {late_count} of them not within {} ms",
        held_back_delay.as_millis()
    );
    CHECK.tip(
        message,
        "if the server is not busy, a proxy holds each event back for a moment (HAProxy: add `option \
         http-no-delay` to the frontend and the backend)",
    )
}

/// From the first to the last of the times, which are in order.
fn time_span(times: &[Duration]) -> Duration {
    match (times.first(), times.last()) {
        (Some(first), Some(last)) => last.saturating_sub(*first),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    /// The finding for these arrivals: event, number of the value, milliseconds.
    fn finding(arrivals: &[(&str, u64, u64)]) -> Finding {
        let saved_at: Vec<Duration> = (0..5).map(|n| Duration::from_millis(200 * n)).collect();
        let arrivals: Vec<Arrival> = arrivals
            .iter()
            .map(|(event, number, at)| Arrival {
                event: (*event).to_owned(),
                number: *number,
                at: Duration::from_millis(*at),
            })
            .collect();
        judge_arrivals(&saved_at, &arrivals, HELD_BACK_DELAY).unwrap_or_else(|| {
            let config = Config::new("/app", "a:k").expect("it is valid");
            nothing_arrived("k", &config, saved_at.len())
        })
    }

    #[test]
    fn values_that_arrive_one_by_one_are_ok() {
        let times = [5, 210, 405, 605, 830];
        let arrivals: Vec<_> = (0..)
            .zip(times)
            .flat_map(|(number, at)| [("a", number, at), ("b", number, at)])
            .collect();
        let finding = finding(&arrivals);
        assert_eq!(finding.level, Level::Ok, "{finding:?}");
        let expected = "within 30 ms";
        assert!(finding.message.contains(expected), "{}", finding.message);
    }

    #[test]
    fn values_that_are_late_by_the_same_time_are_a_note_about_haproxy() {
        let late = |millis: u64| -> Vec<_> { (0..5).map(|n| ("a", n, 200 * n + millis)).collect() };
        let note = finding(&late(205));
        assert_eq!(note.level, Level::Note, "{note:?}");
        assert_eq!(finding(&late(41)).level, Level::Note);
        assert_eq!(finding(&late(34)).level, Level::Ok);
        assert!(note.help.unwrap_or_default().contains("http-no-delay"));
        // Every second value arrives with the one before it.
        let mut pairs = late(205);
        pairs[1].2 -= 200;
        pairs[3].2 -= 200;
        assert_eq!(finding(&pairs).level, Level::Note);
        let mut arrivals = late(5);
        arrivals[2].2 += 200;
        assert_eq!(finding(&arrivals).level, Level::Ok);
    }

    #[test]
    fn values_that_arrive_together_or_late_are_an_error() {
        let with_times = |times: [u64; 5]| {
            let arrivals: Vec<_> = (0..).zip(times).map(|(n, at)| ("a", n, at)).collect();
            finding(&arrivals)
        };
        let together = with_times([810, 810, 810, 811, 811]);
        assert!(together.message.contains("up to 0.8 s late"));
        let late = with_times([3_000, 3_200, 3_400, 3_600, 3_800]);
        assert_eq!(late.level, Level::Error);
    }

    #[test]
    fn lost_repeated_or_reordered_values_are_an_error() {
        for numbers in [
            vec![],
            vec![0, 1, 3, 4],
            vec![0, 1, 1, 2, 3, 4],
            vec![0, 2, 1, 3, 4],
        ] {
            let arrivals: Vec<_> = numbers.iter().map(|n| ("a", *n, 200 * n)).collect();
            assert_eq!(finding(&arrivals).level, Level::Error, "{numbers:?}");
        }
    }

    #[test]
    fn an_event_without_problems_does_not_hide_another() {
        let mut arrivals: Vec<_> = (0..5).map(|n| ("a", n, 200 * n)).collect();
        arrivals.push(("b", 0, 5));
        assert_eq!(finding(&arrivals).level, Level::Error);
    }

    #[test]
    fn the_worst_event_is_reported() {
        let in_time = |event| (0..5).map(move |n| (event, n, 200 * n));
        let late = (0..5).map(|n| ("b", n, 3_000 + 200 * n));
        let mut arrivals: Vec<_> = in_time("a").chain(late).chain(in_time("c")).collect();
        assert!(finding(&arrivals).message.contains("late"));
        arrivals.push(("d", 3, 600));
        assert!(finding(&arrivals).message.ends_with(": 4 arrived"));
    }
}
