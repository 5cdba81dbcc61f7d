//! Values saved on this machine, and their way to the other end of the stream.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use actix_web_sse::{Cache, Config};
use serde::{Deserialize, Serialize};

use super::probe::{Connection, Heard, LONGEST};
use super::timing::{LATE, seconds};
use crate::doctor::finding::Finding;
use crate::exit::Failure;

const CHECK: &str = "saves";

const VALUES: u64 = 5;
const BETWEEN: Duration = Duration::from_millis(200);
/// What may pass between a save that no notification tells of and its event, beyond the interval
/// at which the server looks.
const GRACE: Duration = Duration::from_secs(5);

/// What is to be saved, and where.
pub(super) struct Saves {
    cache: Cache,
    folder: PathBuf,
    key: String,
    patience: Duration,
    /// Tells these values from those of another run.
    run: u64,
}

/// What is saved: recognisable by us, and by whoever wonders where it comes from.
#[derive(Debug, Deserialize, Serialize)]
struct Value {
    sse_doctor: u64,
    number: u64,
}

#[derive(Deserialize)]
struct Data {
    value: Value,
}

/// An event that a value has fired.
#[derive(Debug)]
struct Arrived {
    event: String,
    number: u64,
    at: Duration,
}

impl Saves {
    /// Opens the cache of the app in `app`, whose events the key must fire.
    pub(super) fn prepare(app: &Path, key: &str) -> Result<Self, Failure> {
        let config = Config::from_dir(app)?;
        if config.events().of_key(key).next().is_none() {
            let keys: Vec<&str> = config.events().keys().collect();
            return Err(
                Failure::usage(format!("no event listens to the key `{key}`"))
                    .help(format!("the keys in SSE_EVENTS are {}", keys.join(", "))),
            );
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let run = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        Ok(Self {
            cache: Cache::open(&config)?,
            folder: config.cache_dir().to_owned(),
            key: key.to_owned(),
            patience: (config.poll_interval() + GRACE).min(LONGEST),
            run,
        })
    }

    /// Saves the values one after the other, listens until all have come or it is too late, and
    /// says when each was saved.
    pub(super) fn send(&self, connection: &mut Connection) -> Result<Vec<Duration>, Failure> {
        let mut sent = Vec::new();
        for number in 0..VALUES {
            let value = Value {
                sse_doctor: self.run,
                number,
            };
            sent.push(connection.begun.elapsed());
            self.cache.save_blocking(&self.key, value)?;
            connection.listen(Instant::now() + BETWEEN, |_| false);
        }
        connection.listen(Instant::now() + self.patience, |heard| {
            let arrived = self.arrived(heard);
            (0..VALUES).all(|number| arrived.iter().any(|arrived| arrived.number == number))
        });
        Ok(sent)
    }

    pub(super) fn judge(&self, sent: &[Duration], heard: &Heard) -> Finding {
        let arrived = self.arrived(heard);
        if heard.ended.is_some() && arrived.len() < sent.len() {
            let what = "the stream ended before all saved values could arrive: run this again";
            return Finding::note(CHECK, what);
        }
        judge(&self.key, &self.folder, sent, &arrived)
    }

    fn arrived(&self, heard: &Heard) -> Vec<Arrived> {
        let arrived = heard.arrivals.iter().filter_map(|arrival| {
            let Data { value } = serde_json::from_str(&arrival.message.data).ok()?;
            (value.sse_doctor == self.run).then(|| Arrived {
                event: arrival.message.event.clone(),
                number: value.number,
                at: arrival.at,
            })
        });
        arrived.collect()
    }
}

fn judge(key: &str, folder: &Path, sent: &[Duration], arrived: &[Arrived]) -> Finding {
    // Each event of the key carries every value.
    let mut events: BTreeMap<&str, Vec<&Arrived>> = BTreeMap::new();
    for one in arrived {
        events.entry(&one.event).or_default().push(one);
    }
    if events.is_empty() {
        return Finding::error(
            CHECK,
            format!(
                "of {} values saved under `{key}` in {} none arrived",
                sent.len(),
                folder.display()
            ),
            "the server follows another cache: compare its folder and SSE_CACHE with this app's; or \
             the address asks for other events; or the server looks at each SSE_POLL_INTERVAL only, \
             and that is long",
        );
    }
    let findings = events.values().map(|arrived| one_event(sent, arrived));
    let worst = findings.max_by_key(|finding| (finding.is_bad(), finding.what.len()));
    worst.unwrap_or_else(|| Finding::note(CHECK, "nothing was saved"))
}

fn one_event(sent: &[Duration], arrived: &[&Arrived]) -> Finding {
    let numbers: Vec<u64> = arrived.iter().map(|arrived| arrived.number).collect();
    let wanted: Vec<u64> = (0..).take(sent.len()).collect();
    if numbers != wanted {
        let numbers: Vec<String> = numbers
            .iter()
            .map(|number| (number + 1).to_string())
            .collect();
        return Finding::error(
            CHECK,
            format!(
                "{} values were saved, and should arrive once and in order; what came is {}",
                sent.len(),
                numbers.join(", ")
            ),
            "something on the way drops or repeats parts of the stream: try `sse doctor` at the \
             server itself, without what stands before it",
        );
    }
    let waits = sent.iter().zip(arrived);
    let longest = waits
        .map(|(sent, arrived)| arrived.at.saturating_sub(*sent))
        .max();
    let longest = longest.unwrap_or_default();
    let spread = |first: Option<Duration>, last: Option<Duration>| {
        last.unwrap_or_default()
            .saturating_sub(first.unwrap_or_default())
    };
    let saved_over = spread(sent.first().copied(), sent.last().copied());
    let came_over = spread(
        arrived.first().map(|first| first.at),
        arrived.last().map(|last| last.at),
    );
    if longest > LATE || came_over < saved_over / 2 {
        return Finding::error(
            CHECK,
            format!(
                "{} values saved over {} arrived within {}, up to {} late",
                sent.len(),
                seconds(saved_over),
                seconds(came_over),
                seconds(longest)
            ),
            "something on the way collects events before it passes them on (nginx: \
             `proxy_buffering off;`); or the server sees saves only at each SSE_POLL_INTERVAL: see \
             `notifications`",
        );
    }
    Finding::ok(
        CHECK,
        format!(
            "{} saved values arrived one by one, each within {} ms",
            sent.len(),
            longest.as_millis().max(1)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn found(arrived: &[(&str, u64, u64)]) -> Finding {
        let sent: Vec<Duration> = (0..5).map(|n| Duration::from_millis(200 * n)).collect();
        let arrived: Vec<Arrived> = arrived
            .iter()
            .map(|(event, number, at)| Arrived {
                event: (*event).to_owned(),
                number: *number,
                at: Duration::from_millis(*at),
            })
            .collect();
        judge("k", Path::new("cache"), &sent, &arrived)
    }

    #[test]
    fn values_that_come_as_they_were_sent_are_good() {
        let one_by_one = [
            ("a", 0, 5),
            ("b", 0, 5),
            ("a", 1, 210),
            ("b", 1, 210),
            ("a", 2, 405),
            ("b", 2, 405),
            ("a", 3, 605),
            ("b", 3, 605),
            ("a", 4, 830),
            ("b", 4, 830),
        ];
        let finding = found(&one_by_one);
        assert_eq!(finding.level, Level::Ok, "{finding:?}");
        assert!(finding.what.contains("within 30 ms"), "{}", finding.what);
    }

    #[test]
    fn a_burst_is_an_error() {
        let burst = [
            ("a", 0, 810),
            ("a", 1, 810),
            ("a", 2, 810),
            ("a", 3, 811),
            ("a", 4, 811),
        ];
        assert!(found(&burst).what.contains("up to 0.8 s late"));
        let late = [
            ("a", 0, 3_000),
            ("a", 1, 3_200),
            ("a", 2, 3_400),
            ("a", 3, 3_600),
            ("a", 4, 3_800),
        ];
        assert_eq!(found(&late).level, Level::Error);
    }

    #[test]
    fn what_is_lost_repeated_or_out_of_order_is_an_error() {
        for numbers in [
            vec![],
            vec![0, 1, 3, 4],
            vec![0, 1, 1, 2, 3, 4],
            vec![0, 2, 1, 3, 4],
        ] {
            let arrived: Vec<_> = numbers.iter().map(|n| ("a", *n, 200 * n)).collect();
            assert_eq!(found(&arrived).level, Level::Error, "{numbers:?}");
        }
        // The good event must not hide the bad one.
        let mut two: Vec<_> = (0..5).map(|n| ("a", n, 200 * n)).collect();
        two.push(("b", 0, 5));
        assert_eq!(found(&two).level, Level::Error);
    }
}
