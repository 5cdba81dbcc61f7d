//! The streams that wait on one thread, by what they wait for.
//!
//! An event wakes the streams that want it and no others, so what a rare event costs does not depend
//! on how many streams are there. One that sleeps through events of others falls behind them only
//! in appearance: what it has been asleep for is known, and it goes on behind that.

use std::{
    collections::{HashMap, HashSet},
    task::Waker,
};

use super::ring::{News, Position};
use crate::epoch::Epoch;

/// The waiting streams of one thread.
#[derive(Default)]
pub(super) struct Waiters {
    of_all: Seats,
    of_one: HashMap<Box<str>, Seats>,
    /// All before this was looked at: those who wait have nothing there.
    looked_at: Position,
}

/// Streams that want the same.
#[derive(Default)]
struct Seats {
    seats: Vec<Seat>,
    free: Vec<usize>,
}

#[derive(Default)]
struct Seat {
    /// There as long as the stream waits.
    waker: Option<Waker>,
    /// Where the first thing lies that it was woken for: before that there is nothing for it.
    woken_at: Position,
}

/// A stream's seats: one among those who want all, or one for each name that it wants.
pub(super) enum Ticket {
    All(usize),
    Named(Vec<(Box<str>, usize)>),
}

impl Waiters {
    pub(super) fn new(looked_at: Position) -> Self {
        Self {
            looked_at,
            ..Self::default()
        }
    }

    /// Takes seats for a stream that wants these events, or all.
    pub(super) fn join(&mut self, names: Option<&HashSet<String>>) -> Ticket {
        let Some(names) = names else {
            return Ticket::All(self.of_all.take());
        };
        let named = names.iter().map(|name| {
            let name = name.as_str().into();
            let seats = self.of_one.entry(Box::clone(&name)).or_default();
            (name, seats.take())
        });
        Ticket::Named(named.collect())
    }

    pub(super) fn leave(&mut self, ticket: &Ticket) {
        match ticket {
            Ticket::All(seat) => self.of_all.give_back(*seat),
            Ticket::Named(named) => {
                for (name, seat) in named {
                    if let Some(seats) = self.of_one.get_mut(name) {
                        seats.give_back(*seat);
                        if seats.are_empty() {
                            self.of_one.remove(name);
                        }
                    }
                }
            }
        }
    }

    /// Has the stream woken by the next event that it wants, once. It must have had all that was
    /// in the ring when it looked last.
    pub(super) fn wait(&mut self, ticket: &Ticket, waker: &Waker) {
        self.each_seat(ticket, |seat| match &mut seat.waker {
            Some(waiting) => waiting.clone_from(waker),
            none => *none = Some(waker.clone()),
        });
    }

    /// Before which entry of this journal there is nothing for the stream, as far as it waited.
    pub(super) fn slept_until(&mut self, ticket: &Ticket, epoch: Epoch) -> Option<u64> {
        let looked_at = self.looked_at;
        let mut earliest = Some(u64::MAX);
        self.each_seat(ticket, |seat| {
            let position = match seat.waker {
                Some(_) => looked_at,
                None => seat.woken_at,
            };
            let next = (position.epoch == epoch).then_some(position.next);
            // `None`, which is what counts where one has it, is the least.
            earliest = earliest.min(next);
        });
        earliest
    }

    /// Up to where the ring was looked at for those who wait.
    pub(super) fn looked_at(&self) -> Position {
        self.looked_at
    }

    /// Takes the wakers of those for whom there is something between the last look and `position`.
    /// They run when this is no longer borrowed: they may be code of somebody else.
    pub(super) fn hear(&mut self, news: &News, position: Position, wakers: &mut Vec<Waker>) {
        let before = self.looked_at;
        self.looked_at = position;
        match news {
            News::ForEverybody => self.wake_all_at(before, wakers),
            News::Of(events) => {
                let at = |next| Position { next, ..position };
                if let Some(first) = events.iter().map(|(_, first)| *first).min() {
                    self.of_all.wake(at(first), wakers);
                }
                for (name, first) in events {
                    if let Some(seats) = self.of_one.get_mut(&**name) {
                        seats.wake(at(*first), wakers);
                    }
                }
            }
        }
    }

    /// Takes the wakers of all.
    pub(super) fn wake_all(&mut self, wakers: &mut Vec<Waker>) {
        self.wake_all_at(self.looked_at, wakers);
    }

    fn wake_all_at(&mut self, position: Position, wakers: &mut Vec<Waker>) {
        self.of_all.wake(position, wakers);
        for seats in self.of_one.values_mut() {
            seats.wake(position, wakers);
        }
    }

    fn each_seat(&mut self, ticket: &Ticket, mut visit: impl FnMut(&mut Seat)) {
        match ticket {
            Ticket::All(seat) => visit(&mut self.of_all.seats[*seat]),
            Ticket::Named(named) => {
                for (name, seat) in named {
                    if let Some(seats) = self.of_one.get_mut(name) {
                        visit(&mut seats.seats[*seat]);
                    }
                }
            }
        }
    }
}

impl Seats {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.seats.push(Seat::default());
            self.seats.len() - 1
        })
    }

    fn give_back(&mut self, seat: usize) {
        self.seats[seat] = Seat::default();
        self.free.push(seat);
    }

    fn are_empty(&self) -> bool {
        self.seats.len() == self.free.len()
    }

    fn wake(&mut self, position: Position, wakers: &mut Vec<Waker>) {
        for seat in &mut self.seats {
            if let Some(waker) = seat.waker.take() {
                seat.woken_at = position;
                wakers.push(waker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Stream {
        ticket: Ticket,
        woken: Arc<Woken>,
    }

    const EPOCH: Epoch = Epoch(7);

    fn at(next: u64) -> Position {
        Position { epoch: EPOCH, next }
    }

    fn stream(waiters: &mut Waiters, names: &[&str]) -> Stream {
        let names: HashSet<String> = names.iter().copied().map(str::to_owned).collect();
        Stream {
            ticket: waiters.join((!names.is_empty()).then_some(&names)),
            woken: Arc::default(),
        }
    }

    fn wait(waiters: &mut Waiters, stream: &Stream) {
        waiters.wait(&stream.ticket, &Waker::from(Arc::clone(&stream.woken)));
    }

    fn hear(waiters: &mut Waiters, events: &[(&str, u64)], end: u64) {
        let events = events.iter().map(|(name, first)| ((*name).into(), *first));
        let mut wakers = Vec::new();
        waiters.hear(&News::Of(events.collect()), at(end), &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn count(stream: &Stream) -> usize {
        stream.woken.0.load(Ordering::Relaxed)
    }

    #[test]
    fn an_event_wakes_those_who_want_it_once() {
        let mut waiters = Waiters::new(at(1));
        let all = stream(&mut waiters, &[]);
        let a = stream(&mut waiters, &["a"]);
        let both = stream(&mut waiters, &["a", "b"]);
        for stream in [&all, &a, &both] {
            wait(&mut waiters, stream);
        }
        hear(&mut waiters, &[("b", 1)], 2);
        assert_eq!([&all, &a, &both].map(count), [1, 0, 1]);
        hear(&mut waiters, &[("b", 2)], 3);
        assert_eq!([&all, &a, &both].map(count), [1, 0, 1]);
    }

    #[test]
    fn who_sleeps_through_events_of_others_is_behind_them() {
        let mut waiters = Waiters::new(at(1));
        let a = stream(&mut waiters, &["a"]);
        let both = stream(&mut waiters, &["a", "b"]);
        assert_eq!(waiters.slept_until(&a.ticket, EPOCH), None);
        for stream in [&a, &both] {
            wait(&mut waiters, stream);
        }
        hear(&mut waiters, &[("c", 1)], 5);
        hear(&mut waiters, &[("b", 6)], 9);
        // What came for it first counts, however much is looked at before it goes on.
        hear(&mut waiters, &[("a", 20), ("b", 30)], 40);
        hear(&mut waiters, &[("a", 50)], 60);
        assert_eq!(waiters.slept_until(&a.ticket, EPOCH), Some(20));
        assert_eq!(waiters.slept_until(&both.ticket, EPOCH), Some(6));
        assert_eq!(waiters.slept_until(&both.ticket, Epoch(8)), None);
    }

    #[test]
    fn what_concerns_everybody_wakes_everybody_where_they_are() {
        let mut waiters = Waiters::new(at(1));
        let a = stream(&mut waiters, &["a"]);
        wait(&mut waiters, &a);
        hear(&mut waiters, &[("b", 1)], 5);
        let mut wakers = Vec::new();
        let elsewhere = Position {
            epoch: Epoch(8),
            next: 3,
        };
        waiters.hear(&News::ForEverybody, elsewhere, &mut wakers);
        assert_eq!(wakers.len(), 1);
        assert_eq!(waiters.slept_until(&a.ticket, EPOCH), Some(5));
    }

    #[test]
    fn seats_are_given_again() {
        let mut waiters = Waiters::new(at(1));
        let a = stream(&mut waiters, &["a"]);
        wait(&mut waiters, &a);
        waiters.leave(&a.ticket);
        let b = stream(&mut waiters, &["a"]);
        hear(&mut waiters, &[("a", 1)], 2);
        assert_eq!([&a, &b].map(count), [0, 0]);
        assert_eq!(waiters.slept_until(&b.ticket, EPOCH), None);
        waiters.leave(&b.ticket);
        assert!(waiters.of_one.is_empty());
    }
}
