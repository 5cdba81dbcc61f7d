//! Checks the latest values with which a stream may begin.
//!
//! A heartbeat follows them, with the position at which the stream continues: everything before it is one of the
//! latest values.

use std::collections::HashSet;

use support::oracle::At;

use crate::{
    audiences::Audience,
    checker::ClientChecker,
    entry::Entry,
    journal::{Journal, Permission},
    model::Id,
};

/// Where a value is: under a key, for everyone or for one audience.
type Slot = (usize, Option<Audience>);

impl ClientChecker<'_> {
    /// The latest values arrive in order. After an outage of their journal, the stream begins again with all of them.
    pub(crate) fn check_latest_order(&mut self, at: At, number: u64) -> Result<(), String> {
        let has_outage = self.evidence.has_outage(self.asked, at);
        let Some(latest) = &mut self.latest else {
            return Ok(());
        };
        let begins_again = latest.last().is_some_and(|last| number < *last);
        if begins_again && !has_outage {
            return Err("repeated: the latest values are not in order".into());
        }
        if begins_again {
            latest.clear();
            self.furthest.clear();
        }
        Ok(())
    }

    /// The stream continues at the entry `end`. `received` are the entries before, in ascending order.
    pub(crate) fn check_latest(
        &self,
        at: At,
        journal: &Journal,
        received: &[u64],
        end: u64,
    ) -> Result<(), String> {
        let mut newest = HashSet::new();
        // Of the entries that the journal had when the stream was requested.
        let mut replaced = HashSet::new();
        for number in (1..end).rev() {
            let Some(entry) = journal.entry(number) else {
                continue;
            };
            if self.evidence.archive.may_be_swept(journal, number, at) {
                break;
            }
            let slots = self.slots(entry);
            let is_received = received.binary_search(&number).is_ok();
            if is_received && slots.iter().all(|slot| replaced.contains(slot)) {
                return Err(format!("the value of entry {number} is not the latest one"));
            }
            let is_newest = slots.iter().filter(|slot| newest.insert(**slot)).count() > 0;
            if is_newest && !is_received && self.must_be_latest(at, journal, number, &slots, end) {
                let wall = self.evidence.clock.wall(entry.absent, at);
                return Err(format!(
                    "lost: the latest value, of entry {number}: {entry:?}; the wall clock showed {wall:?} until {at:?}"
                ));
            }
            if entry.seen < self.asked && !journal.may_be_gone(number, at) {
                replaced.extend(slots);
            }
        }
        Ok(())
    }

    /// Whether the client must have received this entry, which is the newest of a slot before `end`.
    fn must_be_latest(
        &self,
        at: At,
        journal: &Journal,
        number: u64,
        slots: &[Slot],
        end: u64,
    ) -> bool {
        let Some(entry) = journal.entry(number) else {
            return false;
        };
        let wants = entry
            .events()
            .iter()
            .any(|(_, event)| self.selection.filter.wants(*event));
        let is_available = !journal.may_be_gone(number, at) && !self.may_have_expired(entry, at);
        // A value that was saved meanwhile replaces it.
        let id = Id::after(journal.epoch, end - 1);
        let is_replaced = self.evidence.archive.with_id(id).any(|journal| {
            let later = (end..).map_while(|number| journal.entry(number));
            later
                .take_while(|later| later.absent <= at)
                .any(|later| self.slots(later).iter().any(|slot| slots.contains(slot)))
        });
        wants
            && is_available
            && !is_replaced
            && self.selection.held.permission(&entry.to, journal, number) == Permission::Granted
    }

    /// Whether it has expired for a server that has indexed it: by the wall clock, which may have been set back since, or
    /// by the monotonic clock.
    fn may_have_expired(&self, entry: &Entry, at: At) -> bool {
        let (earliest, latest) = self.evidence.clock.wall(entry.absent, at);
        let age = at.saturating_sub(entry.absent).as_millis();
        let has_ended = latest >= entry.time.min(earliest) + entry.ttl
            || i64::try_from(age).is_ok_and(|age| age >= entry.ttl);
        entry.ttl > 0 && has_ended || self.may_be_expired(entry, at)
    }

    /// The slots of the client in which this entry is.
    fn slots(&self, entry: &Entry) -> Vec<Slot> {
        let Some(key) = entry.key else {
            return Vec::new();
        };
        if entry.to.is_empty() {
            return vec![(key, None)];
        }
        let held = entry
            .to
            .iter()
            .filter(|name| self.selection.held.holds_exactly(**name));
        held.map(|name| (key, Some(*name))).collect()
    }
}
