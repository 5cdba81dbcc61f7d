use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{
    epoch::{Epoch, Epochs},
    hub::shared_state::tests::{EPOCH, keys, ring_keys, state_before},
};

/// What threads save while the ring continues with the entry 5.
struct Saves {
    shared_state: Arc<SharedState>,
    tail_wake_ups: Arc<AtomicUsize>,
    receiver: Box<dyn EntryReceiver>,
}

impl Saves {
    fn new() -> Self {
        let shared_state = Arc::new(state_before(5));
        let tail_wake_ups = Arc::<AtomicUsize>::default();
        let wake_tail = {
            let count = Arc::clone(&tail_wake_ups);
            move || {
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        let receiver = SavedEntries::new(Arc::clone(&shared_state), wake_tail);
        Self {
            shared_state,
            tail_wake_ups,
            receiver: Box::new(receiver),
        }
    }

    fn save(&self, epoch: Epoch, number: u64, key: &str) {
        let document = format!(
            r#"{{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"{key}","value":{number}}}"#
        );
        let entry = SavedEntry {
            epochs: &Epochs::from(epoch),
            number,
            document: document.as_bytes(),
        };
        let config = Config::new("/nowhere", "a:k").unwrap();
        self.receiver.receive(&entry, &config);
    }

    #[track_caller]
    fn assert(&self, ring: &[&str], tail_wake_ups: usize) {
        assert_eq!(ring_keys(&self.shared_state), keys(5, ring));
        assert_eq!(self.tail_wake_ups.load(Ordering::Relaxed), tail_wake_ups);
    }
}

#[test]
fn the_next_entry_is_added_to_the_ring() {
    let saves = Saves::new();
    saves.save(EPOCH, 5, "k");
    saves.assert(&["k"], 0);
    saves.save(EPOCH, 6, "other");
    saves.assert(&["k", "other"], 0);
}

#[test]
fn an_entry_that_the_ring_has_is_left_out() {
    let saves = Saves::new();
    saves.save(EPOCH, 5, "a");
    saves.save(EPOCH, 6, "b");
    saves.save(EPOCH, 5, "again");
    saves.save(EPOCH, 6, "again");
    saves.assert(&["a", "b"], 0);
}

#[test]
fn the_tail_reads_an_entry_after_missing_ones() {
    let saves = Saves::new();
    saves.save(EPOCH, 6, "after 5");
    saves.assert(&[], 1);
    saves.save(EPOCH, 5, "a");
    saves.assert(&["a"], 1);
}

#[test]
fn an_entry_of_another_journal_is_ignored() {
    let saves = Saves::new();
    for number in [4, 5, 6] {
        saves.save(Epoch(2), number, "elsewhere");
    }
    saves.assert(&[], 0);
}
