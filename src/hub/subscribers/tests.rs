use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Wake,
};

use super::*;
use crate::hub::authorization::NameGrant;

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
    let filter = match names {
        [] => Filter::All,
        names => Filter::only(names.iter().copied().map(str::to_owned).collect()),
    };
    Stream {
        id: subscribers.add(&filter, &Grants::default()),
        wake_count: Arc::default(),
    }
}

fn wait(subscribers: &mut Subscribers, stream: &Stream) {
    subscribers.wake_at_next_event(&stream.id, &Waker::from(Arc::clone(&stream.wake_count)));
}

fn wake(subscribers: &mut Subscribers, events: &[(&str, u64)], end: u64) {
    let topic = |name: &str| Topic::Event(name.into());
    let topics = events.iter().map(|(name, first)| (topic(name), *first));
    let events = NewEvents::Topics(topics.collect());
    let mut wakers = VecDeque::new();
    subscribers.take_wakers_for(&events, at(end), &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
}

fn wake_count(stream: &Stream) -> usize {
    stream.wake_count.0.load(Ordering::Relaxed)
}

#[test]
fn an_event_wakes_the_streams_that_want_it_once() {
    let mut subscribers = Subscribers::new(at(1), Arc::default());
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
    let mut subscribers = Subscribers::new(at(1), Arc::default());
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
    let mut subscribers = Subscribers::new(at(1), Arc::default());
    let a = stream(&mut subscribers, &["a"]);
    wait(&mut subscribers, &a);
    wake(&mut subscribers, &[("b", 1)], 5);
    let mut wakers = VecDeque::new();
    let other_journal = EventId::before(Epoch(8), 3);
    subscribers.take_wakers_for(&NewEvents::All, other_journal, &mut wakers);
    assert_eq!(wakers.len(), 1);
    assert_eq!(subscribers.first_unchecked(&a.id, EPOCH), Some(5));
}

#[test]
fn a_reused_slot_keeps_nothing_of_the_stream_before() {
    let mut subscribers = Subscribers::new(at(1), Arc::default());
    let a = stream(&mut subscribers, &["a"]);
    wait(&mut subscribers, &a);
    subscribers.remove(&a.id);
    let b = stream(&mut subscribers, &["a"]);
    wake(&mut subscribers, &[("a", 1)], 2);
    assert_eq!([&a, &b].map(wake_count), [0, 0]);
    assert_eq!(subscribers.first_unchecked(&b.id, EPOCH), None);
    subscribers.remove(&b.id);
    assert_eq!(subscribers.by_event.slots("a").count(), 0);
}

fn holder(subscribers: &mut Subscribers, filter: &Filter, names: &[&str]) -> Stream {
    Stream {
        id: subscribers.add(filter, &Grants::of(names)),
        wake_count: Arc::default(),
    }
}

fn wake_topics(subscribers: &mut Subscribers, topics: &[(Topic, u64)], end: u64) {
    let mut wakers = VecDeque::new();
    let events = NewEvents::Topics(topics.to_vec());
    subscribers.take_wakers_for(&events, at(end), &mut wakers);
    wakers.into_iter().for_each(Waker::wake);
}

fn audiences(names: &[&str]) -> Topic {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Topic::Audiences(names.into())
}

#[test]
fn what_is_for_an_audience_wakes_its_holders_only() {
    let mut subscribers = Subscribers::new(at(1), Arc::default());
    let public = stream(&mut subscribers, &[]);
    let user = holder(&mut subscribers, &Filter::All, &["user:4", "team:7"]);
    let named = Filter::only(["a".to_owned()].into());
    let with_filter = holder(&mut subscribers, &named, &["user:5"]);
    let orders = NameGrant {
        name: "order:",
        is_prefix: true,
        after: 0,
    };
    let staff = Stream {
        id: subscribers.add(&Filter::All, &Grants::new([orders])),
        wake_count: Arc::default(),
    };
    let all = [&public, &user, &with_filter, &staff];
    for stream in all {
        wait(&mut subscribers, stream);
    }
    wake_topics(
        &mut subscribers,
        &[(audiences(&["team:7", "user:6"]), 1)],
        2,
    );
    assert_eq!(all.map(wake_count), [0, 1, 0, 0]);
    wake_topics(&mut subscribers, &[(audiences(&["user:5"]), 2)], 3);
    assert_eq!(all.map(wake_count), [0, 1, 1, 0]);
    wake_topics(&mut subscribers, &[(audiences(&["order:1"]), 3)], 4);
    assert_eq!(all.map(wake_count), [0, 1, 1, 1]);
    assert_eq!(subscribers.first_unchecked(&public.id, EPOCH), Some(4));
    assert_eq!(subscribers.first_unchecked(&staff.id, EPOCH), Some(3));
}

#[test]
fn a_stream_continues_at_the_first_entry_for_it_of_either_kind() {
    let mut subscribers = Subscribers::new(at(1), Arc::default());
    let first = holder(&mut subscribers, &Filter::All, &["user:4"]);
    let second = holder(&mut subscribers, &Filter::All, &["user:5"]);
    for stream in [&first, &second] {
        wait(&mut subscribers, stream);
    }
    let topics = [
        (audiences(&["user:4"]), 5),
        (Topic::Event("a".into()), 6),
        (audiences(&["user:5"]), 7),
    ];
    wake_topics(&mut subscribers, &topics, 9);
    assert_eq!(subscribers.first_unchecked(&first.id, EPOCH), Some(5));
    assert_eq!(subscribers.first_unchecked(&second.id, EPOCH), Some(6));
}

#[test]
fn a_closed_stream_holds_nothing() {
    let holders: Arc<Mutex<Holders>> = Arc::default();
    let mut subscribers = Subscribers::new(at(1), Arc::clone(&holders));
    let streams = [(); 3].map(|()| holder(&mut subscribers, &Filter::All, &["user:4"]));
    assert_eq!(lock(&holders).count("user:4"), 3);
    assert_eq!(lock(&holders).count("user:"), 0);
    subscribers.remove(&streams[1].id);
    assert_eq!(lock(&holders).count("user:4"), 2);
    let public = stream(&mut subscribers, &[]);
    wait(&mut subscribers, &public);
    wake_topics(&mut subscribers, &[(audiences(&["user:4"]), 1)], 2);
    assert_eq!(
        wake_count(&public),
        0,
        "although it has the slot of a holder"
    );
    wake(&mut subscribers, &[("a", 2)], 3);
    assert_eq!(wake_count(&public), 1);
}
