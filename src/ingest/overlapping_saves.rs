//! Reports records that are followed by the rest of a longer one.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// An app that saves one key from several processes may do so for as long as it runs, so each key is
/// reported once. Only keys in `SSE_EVENTS` are added.
static REPORTED_KEYS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub(super) fn report(key: &str, trailing_bytes: usize) {
    let mut reported_keys = REPORTED_KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    if reported_keys.insert(key.to_owned()) {
        log::warn!(
            "the record in the drop-in `{key}` is followed by {trailing_bytes} bytes, which are \
             ignored: probably, two programs saved the key at the same moment, and the value of one \
             is lost (logged once per key); help: to lose no value, use `sse save`"
        );
    }
}
