//! Finds the recent entries of a journal.

use std::time::{Duration, SystemTime};

use super::{batch::BatchEnd, contract::Journal};
use crate::error::Error;

/// The search for recent entries goes backward and ends at this many older ones in succession. One
/// older entry proves nothing: a drop-in has the modification time of its file, which may be older
/// than the entries before it. With 32, a usual batch of old drop-ins does not end the search, and the
/// entries that are read in vain cost less than a millisecond.
const MAX_CONSECUTIVE_OLD_ENTRIES: u64 = 32;

/// Entries that are read together: no more than can end the search.
const BATCH_ENTRIES: u64 = MAX_CONSECUTIVE_OLD_ENTRIES;

/// The number of the first entry that may have been saved within `max_age`, but one of the newest
/// `max_entries`; or of the next entry if there is none.
pub(crate) fn first_within(
    journal: &dyn Journal,
    max_age: Duration,
    max_entries: u64,
) -> Result<u64, Error> {
    let max_old = MAX_CONSECUTIVE_OLD_ENTRIES;
    find(journal, SystemTime::now(), max_age, max_entries, max_old)
}

/// The number of the first entry that was saved at `time` or later, or of the next entry if there is none. If the
/// journal has no older entry any more, it is that of the newest swept one. Reads the whole journal, because a
/// clock that was set back hides earlier entries behind any number of older ones.
pub(crate) fn first_since(journal: &dyn Journal, time: SystemTime) -> Result<u64, Error> {
    let now = SystemTime::now();
    // A time in the future: nothing was saved since.
    let max_age = now.duration_since(time).unwrap_or_default();
    let first = find(journal, now, max_age, u64::MAX, u64::MAX)?;
    let is_swept = first > 1 && journal.read_back(first, 1)?.entries.is_empty();
    Ok(first - u64::from(is_swept))
}

fn find(
    journal: &dyn Journal,
    now: SystemTime,
    max_age: Duration,
    max_entries: u64,
    max_old: u64,
) -> Result<u64, Error> {
    let mut number = journal.newest_number()? + 1;
    let lowest = number.saturating_sub(max_entries).max(1);
    let mut first = number;
    while number > lowest {
        let max = BATCH_ENTRIES.min(number - lowest);
        let batch = journal.read_back(number, max)?;
        for entry in batch.entries {
            number -= 1;
            let age = entry.map(|entry| entry.age(now));
            if age.is_ok_and(|age| age.is_none_or(|age| age <= max_age)) {
                first = number;
            } else if first - number >= max_old {
                return Ok(first);
            }
        }
        if batch.end == BatchEnd::CaughtUp {
            break;
        }
    }
    Ok(first)
}
