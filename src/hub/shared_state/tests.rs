use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::*;
use crate::{
    event_id::Cursor,
    hub::{authorization::Grants, frame::Frame, ring_entry::SavedValue},
};

pub(in crate::hub) const EPOCH: Epoch = Epoch(1);

/// Its ring continues with the entry `next` of the journal.
pub(in crate::hub) fn state_before(next: u64) -> SharedState {
    let config = Config::new("/nowhere", "a:k").unwrap();
    let state = SharedState::new(&config, Observations::new());
    state.restart(EPOCH.into(), next, None);
    state
}

/// The keys in the ring, with the numbers of their entries.
pub(in crate::hub) fn ring_keys(state: &SharedState) -> Vec<(u64, String)> {
    let key = |number, entry: &RingEntry| Some((number, entry.saved.as_ref()?.key.to_string()));
    let mut newest_first = state.ring.newest(10, key);
    newest_first.reverse();
    newest_first
}

pub(in crate::hub) fn keys(first_number: u64, keys: &[&str]) -> Vec<(u64, String)> {
    (first_number..)
        .zip(keys.iter().map(ToString::to_string))
        .collect()
}

fn entry(key: &str, content: Content) -> RingEntry {
    let saved = SavedValue {
        key: key.into(),
        byte_count: 1,
    };
    RingEntry {
        content,
        saved: Some(saved),
        ..RingEntry::unreadable()
    }
}

fn entries(keys: &[&str]) -> Vec<RingEntry> {
    let without_events = || Content::Frames(Vec::new());
    (keys.iter())
        .map(|key| entry(key, without_events()))
        .collect()
}

fn with_event() -> RingEntry {
    let frame = Frame::new("a".into(), 0, "data: 1".into());
    entry("k", Content::Frames(vec![frame]))
}

fn at(next: u64) -> EventId {
    EventId::before(EPOCH, next)
}

fn no_span(_: usize) -> Option<Span> {
    None
}

#[test]
fn entries_that_the_ring_has_are_left_out() {
    let state = state_before(5);
    let worker = state.notifiers.add();
    state.publish(at(5), entries(&["a", "b"]), no_span);
    assert!(worker.take_new_entries());
    state.publish(at(5), entries(&["again", "again", "c"]), no_span);
    assert_eq!(ring_keys(&state), keys(5, &["a", "b", "c"]));
    assert!(worker.take_new_entries());

    state.publish(at(5), entries(&["again", "again"]), no_span);
    state.publish(at(7), entries(&["again"]), no_span);
    assert_eq!(ring_keys(&state), keys(5, &["a", "b", "c"]));
    assert_eq!(state.ring.end(), at(8));
    assert!(!worker.take_new_entries(), "nothing is new");
}

#[test]
fn only_entries_that_are_added_and_trigger_an_event_have_a_span() {
    let state = state_before(5);
    let started = RefCell::new(Vec::new());
    let start = |index: usize| {
        // A subscriber may save, and so come back here.
        state.publish(at(5), entries(&["of the subscriber"]), no_span);
        started.borrow_mut().push(index);
        None
    };
    state.publish(
        at(5),
        vec![with_event(), entry("k", Content::Unreadable)],
        start,
    );
    let batch = [with_event(), with_event(), with_event()];
    state.publish(at(5), batch.into(), start);
    state.publish(at(9), vec![with_event()], start);
    assert_eq!(*started.borrow(), [0, 2]);
}

#[test]
fn streams_are_woken_although_a_subscriber_of_the_app_panics() {
    let state = state_before(5);
    let worker = state.notifiers.add();
    let publish = || state.publish(at(5), vec![with_event()], |_| panic!("of the subscriber"));
    assert!(catch_unwind(AssertUnwindSafe(publish)).is_err());
    assert!(worker.take_new_entries());
}

#[test]
fn no_entry_is_older_than_one_before_it() {
    let state = state_before(5);
    let (encoded_first, encoded_later) = (entries(&["b"]), entries(&["a"]));
    let later = encoded_later[0].seen_at;
    assert!(encoded_first[0].seen_at < later);
    state.publish(at(5), encoded_later, no_span);
    state.publish(at(6), encoded_first, no_span);
    assert_eq!(state.ring.newest_seen_at(), later);
}

#[test]
fn entries_after_a_missing_one_are_not_added() {
    let state = state_before(5);
    let worker = state.notifiers.add();
    state.publish(at(6), entries(&["after 5"]), no_span);
    assert_eq!(state.ring.end(), at(5));
    assert!(!worker.take_new_entries());
}

#[test]
fn entries_of_another_journal_are_not_added() {
    let state = state_before(5);
    let worker = state.notifiers.add();
    state.publish(
        EventId::before(Epoch(2), 5),
        entries(&["elsewhere"]),
        no_span,
    );
    assert_eq!(state.ring.end(), at(5));
    assert!(!worker.take_new_entries());
}

#[test]
fn a_revocation_after_entries_that_are_left_out_keeps_its_number() {
    let state = state_before(5);
    state.publish(at(5), entries(&["a"]), no_span);
    let revocation = Content::Revocation(["user:4".to_owned()].into());
    let mut batch = entries(&["again"]);
    batch.push(entry("", revocation));
    state.publish(at(5), batch, no_span);
    let ends_after = |number: u64| {
        let grants = Grants::of(&["user:4"]);
        let authorization = state.revocations.authorize(grants, Some(at(number + 1)));
        (state.revocations).end_before(&authorization, Cursor::before(7))
    };
    assert!(ends_after(5));
    assert!(!ends_after(6));
}

#[test]
fn the_ring_skips_entries_that_are_swept_but_none_that_it_has() {
    let state = state_before(5);
    let worker = state.notifiers.add();
    state.publish(at(5), entries(&["a", "b"]), no_span);
    assert!(worker.take_new_entries());
    for known in 5..=7 {
        state.skip_to(EPOCH.into(), known, None);
        assert_eq!(ring_keys(&state), keys(5, &["a", "b"]), "{known}");
    }
    assert!(!worker.take_new_entries());
    state.skip_to(EPOCH.into(), 9, None);
    assert_eq!((ring_keys(&state), state.ring.end()), (vec![], at(9)));
    assert!(worker.take_new_entries());
}
