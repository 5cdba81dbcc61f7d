//! Checks the latest values with which a stream may begin.
//!
//! A heartbeat follows them, with the position at which the stream continues: everything before it is one of the
//! latest values.

use std::collections::HashSet;

use support::oracle::At;

use crate::{audiences::Audience, disk::Entry, evidence::ClientChecker, journal::Journal};

/// Where a value is: under a key, for everyone or for one audience.
type Slot = (usize, Option<Audience>);

impl ClientChecker<'_> {
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
            if journal.may_be_swept(number, at) {
                break;
            }
            let slots = self.slots(entry);
            let is_received = received.binary_search(&number).is_ok();
            if is_received && slots.iter().all(|slot| replaced.contains(slot)) {
                return Err(format!("the value of entry {number} is not the latest one"));
            }
            let is_newest = slots.iter().filter(|slot| newest.insert(**slot)).count() > 0;
            if is_newest && !is_received && self.must_be_latest(at, journal, number, &slots, end) {
                return Err(format!(
                    "lost: the latest value, of entry {number}: {entry:?}"
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
        let is_available = !journal.may_be_gone(number, at) && !self.may_be_expired(entry, at);
        // A value that was saved meanwhile replaces it.
        let later = (end..).map_while(|number| journal.entry(number));
        let is_replaced = later
            .take_while(|later| later.absent <= at)
            .any(|later| self.slots(later).iter().any(|slot| slots.contains(slot)));
        wants
            && is_available
            && !is_replaced
            && self.selection.held.allow(&entry.to, journal.epoch, number)
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
