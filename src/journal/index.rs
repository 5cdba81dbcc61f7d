//! The newest entry of each key, so that a value is found without reading the journal each time.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::{Journal, Read};
use crate::{
    entry::{self, Entry},
    error::Error,
};

/// After so many new entries the keys whose newest entry was swept are forgotten. So there are
/// never more keys here than the journal has entries, and this number.
const FORGET_EVERY: u64 = 1_000;

/// What is known of one journal's keys.
///
/// It has looked at every entry of an unbroken range, at each once: forward at what was appended
/// since the last question, backward only until a key that is asked for was found. Values stay
/// where they are.
pub(crate) struct Index {
    journal: Arc<dyn Journal>,
    /// The entries before this number have not been looked at; 1: there are none, or none any more.
    first: u64,
    /// The entries from this number on have not been looked at.
    next: u64,
    /// `next` when keys were forgotten last.
    forgotten_at: u64,
    newest: HashMap<Box<str>, Newest>,
}

/// The newest entry of one key.
struct Newest {
    number: u64,
    life: Life,
}

/// How long an entry counts.
enum Life {
    /// No more, whatever a clock says later; or never, since it is a tombstone.
    Over,
    /// Until it is swept.
    Endless,
    /// Until either clock says so. The wall clock may be set back, and the monotonic one stands
    /// still while the machine sleeps.
    Until(SystemTime, Option<Instant>),
}

/// Both clocks, read together.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    wall: SystemTime,
    monotonic: Instant,
}

impl Now {
    pub(crate) fn read() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }
}

impl Index {
    pub(crate) fn begin(journal: Arc<dyn Journal>) -> Result<Self, Error> {
        let next = journal.newest()? + 1;
        Ok(Self {
            journal,
            first: next,
            next,
            forgotten_at: next,
            newest: HashMap::new(),
        })
    }

    /// The newest entry that it has looked at.
    pub(crate) fn last(&self) -> u64 {
        self.next - 1
    }

    pub(crate) fn is_of(&self, journal: &Arc<dyn Journal>) -> bool {
        Arc::ptr_eq(&self.journal, journal)
    }

    /// The key's newest entry, unless it is over or a tombstone: then there is none, and not an
    /// older one.
    pub(crate) fn get(&mut self, key: &str, now: Now) -> Result<Option<Entry>, Error> {
        self.look_forward(now)?;
        self.look_back_for(key, now)?;
        let Some(newest) = self.newest.get_mut(key) else {
            return Ok(None);
        };
        if newest.life.is_over(now) {
            return Ok(None);
        }
        match self.journal.read(newest.number)? {
            // It was good when it was looked at. What has become of it since is nobody's value.
            Read::Entry(bytes) => {
                Ok(Entry::parse(self.journal.epoch(), newest.number, &bytes).ok())
            }
            Read::NotYet | Read::Swept { .. } | Read::Broken(_) => Ok(None),
        }
    }

    /// Looks at what was appended since.
    fn look_forward(&mut self, now: Now) -> Result<(), Error> {
        loop {
            match self.journal.read(self.next)? {
                Read::NotYet => break,
                Read::Swept { oldest } => {
                    self.next = oldest.max(self.next + 1);
                    self.forget_before(self.next);
                }
                Read::Broken(_) => self.next += 1,
                Read::Entry(bytes) => {
                    self.look_at(self.next, &bytes, now);
                    self.next += 1;
                }
            }
        }
        if self.next - self.forgotten_at >= FORGET_EVERY {
            self.forgotten_at = self.next;
            if let Read::Swept { oldest } = self.journal.read(self.first)? {
                self.forget_before(oldest);
            }
        }
        Ok(())
    }

    /// Looks at older entries until there is one of this key.
    fn look_back_for(&mut self, key: &str, now: Now) -> Result<(), Error> {
        while self.first > 1 && !self.newest.contains_key(key) {
            let number = self.first - 1;
            self.first = match self.journal.read(number)? {
                Read::Swept { .. } => 1,
                Read::NotYet | Read::Broken(_) => number,
                Read::Entry(bytes) => {
                    self.look_at(number, &bytes, now);
                    number
                }
            };
        }
        Ok(())
    }

    fn look_at(&mut self, number: u64, bytes: &[u8], now: Now) {
        let (key, life) = match Entry::parse(self.journal.epoch(), number, bytes) {
            Ok(entry) => (Box::from(entry.key()), Life::of(&entry, now)),
            Err(_) => match entry::key_of_unusable(bytes) {
                Some(key) => (key.into_boxed_str(), Life::Over),
                // Damaged: nobody knows whose it is.
                None => return,
            },
        };
        // Backward, the newer one is known already.
        if self
            .newest
            .get(&key)
            .is_none_or(|known| known.number < number)
        {
            self.newest.insert(key, Newest { number, life });
        }
    }

    fn forget_before(&mut self, oldest: u64) {
        self.newest.retain(|_, newest| newest.number >= oldest);
        self.first = 1;
    }
}

impl Life {
    fn of(entry: &Entry, now: Now) -> Self {
        if entry.is_tombstone() {
            return Self::Over;
        }
        match entry.expires(now.wall) {
            None => Self::Endless,
            Some(end) => match end.duration_since(now.wall) {
                Ok(left) => Self::Until(end, now.monotonic.checked_add(left)),
                Err(_) => Self::Over,
            },
        }
    }

    /// Once it is over, it stays so.
    fn is_over(&mut self, now: Now) -> bool {
        if let Self::Until(end, monotonic) = self
            && (now.wall > *end || monotonic.is_some_and(|end| now.monotonic > end))
        {
            *self = Self::Over;
        }
        matches!(self, Self::Over)
    }
}
