//! What a look into the journal shows: its epoch, its numbers, and some of its entries.

use std::time::{Duration, Instant, SystemTime};

use redis::{Connection, FromRedisValue, RedisResult, Value};

use super::{head::foreign_head, keys::Keys, scripts};
use crate::{epoch::Epoch, journal::batch::StoredEntry};

/// Lua counts with floating-point numbers, which are exact up to this.
pub(super) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// A look ends once its entries have this many bytes.
const MAX_BYTES: usize = 256 * 1024;

/// A measurement of the difference of two clocks counts if it is less wrong than this.
const MAX_CLOCK_ERROR: Duration = Duration::from_millis(50);

/// A clock that is adjusted to the time of a network is never set by so much at once.
const MAX_CLOCK_JUMP: Duration = Duration::from_secs(1);

/// Entries have times of four-digit years. No clock that is set shows a later one.
const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);

/// Which entries are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    /// The number of the first one that is read.
    pub(super) from: u64,
    pub(super) limit: u64,
    pub(super) is_back: bool,
}

/// The journal as a look has found it.
pub(super) enum Look {
    /// There is none.
    Missing,
    /// It has another epoch now.
    OtherEpoch,
    Entries(Found),
}

pub(super) struct Found {
    pub(super) newest: u64,
    /// The number of the oldest entry, or a lower one if that does not matter for the range.
    oldest: u64,
    /// Of the entry before the range; empty if there is none.
    pub(super) token_before: String,
    /// In the order in which they were read.
    entries: Vec<FoundEntry>,
    /// Whether the limit of bytes has not ended the look.
    is_complete: bool,
    /// How far Redis's clock is ahead of this one's.
    pub(super) clock_offset: ClockOffset,
}

struct FoundEntry {
    number: u64,
    /// `None` if another program has written the entry.
    document: Option<Vec<u8>>,
    token: String,
}

/// How far another clock is ahead of this machine's, or behind it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClockOffset {
    pub(super) ahead: Duration,
    pub(super) behind: Duration,
    /// How much it may be wrong; `None` before it was measured.
    error: Option<Duration>,
    /// When it was measured, by both clocks of this machine.
    measured_at: Option<(SystemTime, Instant)>,
}

impl ClockOffset {
    /// `took`: how long the answer with the other time has taken.
    fn between(other: SystemTime, own: SystemTime, took: Duration) -> Self {
        Self {
            ahead: other.duration_since(own).unwrap_or_default(),
            behind: own.duration_since(other).unwrap_or_default(),
            error: Some(took / 2),
            measured_at: Some((own, Instant::now())),
        }
    }

    /// Whether this machine's clock was set, or the machine has slept, since it was measured. A process that only
    /// saves does not look otherwise.
    pub(super) fn is_outdated(&self) -> bool {
        self.measured_at.is_none_or(|(wall, monotonic)| {
            let expected = wall.checked_add(monotonic.elapsed()).unwrap_or(wall);
            let now = SystemTime::now();
            let difference = now.duration_since(expected);
            difference.unwrap_or_else(|error| error.duration()) > MAX_CLOCK_JUMP
        })
    }

    /// The time that the other clock has shown when this one has shown `own`.
    pub(super) fn to_other(self, own: SystemTime) -> SystemTime {
        let ahead = own.checked_add(self.ahead);
        let other = ahead.and_then(|time| time.checked_sub(self.behind));
        let end = SystemTime::UNIX_EPOCH.checked_add(YEAR_10000);
        other.filter(|time| Some(*time) < end).unwrap_or(own)
    }

    /// Takes over a new measurement, unless a slow answer has made it useless.
    pub(super) fn update(&mut self, measured: Self) {
        if self.is_outdated() || measured.error < Some(MAX_CLOCK_ERROR) {
            *self = measured;
        }
    }
}

impl Look {
    /// Reads entries of the journal with this epoch.
    pub(super) fn read(
        connection: &mut Connection,
        keys: &Keys,
        epoch: Epoch,
        range: Range,
    ) -> RedisResult<Self> {
        let before = SystemTime::now();
        let reply: Vec<Value> = scripts::LOOK
            .key(&keys.stream)
            .key(&keys.head)
            .arg(epoch.to_string())
            .arg(range.from)
            .arg(range.limit)
            .arg(if range.is_back { "back" } else { "forward" })
            .arg(MAX_BYTES)
            .invoke(connection)?;
        let took = before.elapsed().unwrap_or_default();
        if reply.is_empty() {
            return Ok(Self::Missing);
        }
        let mut reply = reply.into_iter();
        let found_epoch: String = next(&mut reply)?;
        if found_epoch != epoch.to_string() {
            return Ok(Self::OtherEpoch);
        }
        let newest = next(&mut reply)?;
        if newest > MAX_NUMBER {
            return Err(foreign_head());
        }
        let seconds = Duration::from_secs(next(&mut reply)?);
        let time = seconds.saturating_add(Duration::from_micros(next(&mut reply)?));
        let time = SystemTime::UNIX_EPOCH.checked_add(time).unwrap_or(before);
        let oldest = next(&mut reply)?;
        let token_before = next(&mut reply)?;
        let is_complete: String = next(&mut reply)?;
        let mut entries = Vec::new();
        while let Some(number) = reply.next() {
            entries.push(FoundEntry {
                number: u64::from_redis_value(number)?,
                document: next(&mut reply)?,
                token: next::<Option<String>>(&mut reply)?.unwrap_or_default(),
            });
        }
        Ok(Self::Entries(Found {
            newest,
            oldest,
            token_before,
            entries,
            is_complete: !is_complete.is_empty(),
            clock_offset: ClockOffset::between(time, before + took / 2, took),
        }))
    }
}

fn next<T: FromRedisValue>(reply: &mut impl Iterator<Item = Value>) -> RedisResult<T> {
    Ok(T::from_redis_value(reply.next().unwrap_or(Value::Nil))?)
}

impl Found {
    /// How many numbers of the range this look can tell about.
    pub(super) fn covered(&self, range: Range) -> u64 {
        let last = self.entries.last().map(|entry| entry.number);
        match last.filter(|_| !self.is_complete) {
            Some(last) => range.limit.min(range.from.abs_diff(last) + 1),
            None => range.limit,
        }
    }

    /// What the journal has for a number.
    pub(super) fn take(&mut self, number: u64) -> StoredEntry {
        if number > self.newest {
            return StoredEntry::NotYet;
        }
        let found = self.entries.iter_mut().find(|entry| entry.number == number);
        match found {
            Some(FoundEntry { document, .. }) => match document.take() {
                Some(document) => StoredEntry::Entry(document),
                None => StoredEntry::Unreadable("it has no field `d`".into()),
            },
            None if number < self.oldest => StoredEntry::Swept {
                oldest: self.oldest,
            },
            None => StoredEntry::Unreadable("it is missing".into()),
        }
    }

    /// The number and the token of each entry.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (u64, &str)> {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.number, entry.token.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_difference_of_clocks_is_measured_again_after_this_machines_clock_was_set() {
        let now = SystemTime::now();
        let mut offset = ClockOffset::between(now + HOUR, now, Duration::ZERO);
        assert_eq!(offset.to_other(now), now + HOUR);
        assert!(!offset.is_outdated());
        // Set back by an hour, or forward, since.
        for own in [now + HOUR, now - HOUR] {
            offset = ClockOffset::between(now, own, Duration::ZERO);
            assert!(offset.is_outdated());
            // However slow the answer is.
            offset.update(ClockOffset::between(now, now, HOUR));
            assert_eq!(offset.to_other(now), now);
        }
        let late = ClockOffset::between(SystemTime::UNIX_EPOCH + YEAR_10000, now, Duration::ZERO);
        assert_eq!(late.to_other(now), now);
        let kept = offset;
        offset.update(ClockOffset::between(now + HOUR, now, HOUR));
        assert_eq!(offset.ahead, kept.ahead, "a slow answer");
    }
}
