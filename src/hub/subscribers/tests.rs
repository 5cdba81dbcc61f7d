use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Wake,
};

use super::*;

#[derive(Default)]
struct WakeCount(AtomicUsize);

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        // Relaxed: everything runs on one thread.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Stream {
    id: SubscriberId,
    wake_count: Arc<WakeCount>,
}

const EPOCH: Epoch = Epoch(7);

fn at(next: u64) -> EventId {
    EventId::before(EPOCH, next)
}

fn stream(subscribers: &mut Subscribers, names: &[&str]) -> Stream {
    let names: HashSet<String> = names.iter().copied().map(str::to_owned).collect();
    Stream {
        id: subscribers.add((!names.is_empty()).then_some(&names)),
        wake_count: Arc::default(),
    }
}

fn wait(subscribers: &mut Subscribers, stream: &Stream) {
    subscribers.wake_at_next_event(&stream.id, &Waker::from(Arc::clone(&stream.wake_count)));
}

fn wake(subscribers: &mut Subscribers, events: &[(&str, u64)], end: u64) {
    let events = events.iter().map(|(name, first)| ((*name).into(), *first));
    let events = NewEvents::Named(events.collect());
    let mut wakers = Vec::new();
    subscribers.take_wakers_for(&events, at(end), &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
}

fn wake_count(stream: &Stream) -> usize {
    stream.wake_count.0.load(Ordering::Relaxed)
}

#[test]
fn an_event_wakes_the_streams_that_want_it_once() {
    let mut subscribers = Subscribers::new(at(1));
    let all = stream(&mut subscribers, &[]);
    let a = stream(&mut subscribers, &["a"]);
    let both = stream(&mut subscribers, &["a", "b"]);
    for stream in [&all, &a, &both] {
        wait(&mut subscribers, stream);
    }
    wake(&mut subscribers, &[("b", 1)], 2);
    assert_eq!([&all, &a, &both].map(wake_count), [1, 0, 1]);
    wake(&mut subscribers, &[("b", 2)], 3);
    assert_eq!([&all, &a, &both].map(wake_count), [1, 0, 1]);
}

#[test]
fn a_stream_that_sleeps_through_unwanted_events_continues_after_them() {
    let mut subscribers = Subscribers::new(at(1));
    let a = stream(&mut subscribers, &["a"]);
    let both = stream(&mut subscribers, &["a", "b"]);
    assert_eq!(subscribers.first_unchecked(&a.id, EPOCH), None);
    for stream in [&a, &both] {
        wait(&mut subscribers, stream);
    }
    wake(&mut subscribers, &[("c", 1)], 5);
    wake(&mut subscribers, &[("b", 6)], 9);
    // Only the first wanted entry counts, however much is scanned before the stream continues.
    wake(&mut subscribers, &[("a", 20), ("b", 30)], 40);
    wake(&mut subscribers, &[("a", 50)], 60);
    assert_eq!(subscribers.first_unchecked(&a.id, EPOCH), Some(20));
    assert_eq!(subscribers.first_unchecked(&both.id, EPOCH), Some(6));
    assert_eq!(subscribers.first_unchecked(&both.id, Epoch(8)), None);
}

#[test]
fn new_events_for_all_wake_every_stream_where_it_is() {
    let mut subscribers = Subscribers::new(at(1));
    let a = stream(&mut subscribers, &["a"]);
    wait(&mut subscribers, &a);
    wake(&mut subscribers, &[("b", 1)], 5);
    let mut wakers = Vec::new();
    let other_journal = EventId::before(Epoch(8), 3);
    subscribers.take_wakers_for(&NewEvents::All, other_journal, &mut wakers);
    assert_eq!(wakers.len(), 1);
    assert_eq!(subscribers.first_unchecked(&a.id, EPOCH), Some(5));
}

#[test]
fn a_reused_slot_keeps_nothing_of_the_stream_before() {
    let mut subscribers = Subscribers::new(at(1));
    let a = stream(&mut subscribers, &["a"]);
    wait(&mut subscribers, &a);
    subscribers.remove(&a.id);
    let b = stream(&mut subscribers, &["a"]);
    wake(&mut subscribers, &[("a", 1)], 2);
    assert_eq!([&a, &b].map(wake_count), [0, 0]);
    assert_eq!(subscribers.first_unchecked(&b.id, EPOCH), None);
    subscribers.remove(&b.id);
    assert!(subscribers.by_event.is_empty());
}
