//! Saves that arrive together go to Redis together.
//!
//! Of the threads that save at the same time, one sends the entries of all in one call. So the order of entries
//! costs one round trip for all of them, and Redis checks its replication id once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    journal::contract::SAVE_TIMEOUT,
    runtime::lock,
};

/// Upper bounds for one call, so that Redis is not busy with it for long.
const MAX_BATCH_ENTRIES: usize = 128;
const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Joins concurrent saves.
#[derive(Default)]
pub(super) struct Appender(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    is_sending: bool,
    /// By ticket.
    results: HashMap<u64, Result<u64, Error>>,
    next_ticket: u64,
}

struct Waiting {
    ticket: u64,
    entry: Vec<u8>,
    deadline: Instant,
    /// Only the threads that have something to do are woken. With a condition variable, each call would wake all.
    thread: Thread,
}

impl Appender {
    /// Appends an entry until the deadline, together with those of other threads. `send` appends several entries until
    /// a time, and returns the number of the first.
    pub(super) fn append(
        &self,
        entry: &[u8],
        deadline: Instant,
        send: impl Fn(&[Vec<u8>], Instant) -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        let mut state = self.lock();
        let ticket = state.enqueue(entry, deadline);
        loop {
            if let Some(result) = state.results.remove(&ticket) {
                return result;
            }
            if !state.is_sending {
                state = self.send_next(state, &send);
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() && state.withdraw(ticket) {
                return Err(too_slow());
            }
            drop(state);
            // Once it is being sent, that ends at the deadline of the oldest entry.
            thread::park_timeout(left.max(Duration::from_millis(50)));
            state = self.lock();
        }
    }

    fn send_next<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        send: impl Fn(&[Vec<u8>], Instant) -> Result<u64, Error>,
    ) -> MutexGuard<'a, State> {
        let batch = state.take_batch();
        let Some(deadline) = batch.iter().map(|waiting| waiting.deadline).min() else {
            return state;
        };
        state.is_sending = true;
        drop(state);
        let (savers, entries): (Vec<(u64, Thread)>, Vec<Vec<u8>>) = batch
            .into_iter()
            .map(|waiting| ((waiting.ticket, waiting.thread), waiting.entry))
            .unzip();
        let mut sending = Sending {
            appender: self,
            savers,
            result: Err(
                Error::new(ErrorKind::Cache, "the thread that saves has panicked").may_be_done(),
            ),
        };
        sending.result = send(&entries, deadline);
        drop(sending);
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

/// A call. When it ends, also by a panic, each of its threads gets its result, and the next thread sends.
struct Sending<'a> {
    appender: &'a Appender,
    /// The tickets and threads of its entries.
    savers: Vec<(u64, Thread)>,
    /// The number of the first entry.
    result: Result<u64, Error>,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let mut state = self.appender.lock();
        for (index, (ticket, _)) in (0..).zip(&self.savers) {
            let result = self.result.clone().map(|first| first + index);
            state.results.insert(*ticket, result);
        }
        state.is_sending = false;
        let next = state.waiting.front().map(|waiting| waiting.thread.clone());
        drop(state);
        // It is still there, because a thread gives up only while another one sends.
        if let Some(next) = next {
            next.unpark();
        }
        for (_, thread) in &self.savers {
            thread.unpark();
        }
    }
}

impl State {
    fn enqueue(&mut self, entry: &[u8], deadline: Instant) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.push_back(Waiting {
            ticket,
            entry: entry.to_vec(),
            deadline,
            thread: thread::current(),
        });
        ticket
    }

    /// `false` if the entry is no longer waiting. Only called while another thread sends, which then wakes the
    /// next one.
    fn withdraw(&mut self, ticket: u64) -> bool {
        let count = self.waiting.len();
        self.waiting.retain(|waiting| waiting.ticket != ticket);
        self.waiting.len() < count
    }

    fn take_batch(&mut self) -> Vec<Waiting> {
        let mut bytes = 0;
        let fitting = self
            .waiting
            .iter()
            .take(MAX_BATCH_ENTRIES)
            .take_while(|waiting| {
                let fits = bytes == 0 || bytes + waiting.entry.len() <= MAX_BATCH_BYTES;
                bytes += waiting.entry.len();
                fits
            });
        let count = fitting.count();
        self.waiting.drain(..count).collect()
    }
}

fn too_slow() -> Error {
    let seconds = SAVE_TIMEOUT.as_secs();
    Error::new(
        ErrorKind::Cache,
        format!("cannot save: Redis has taken no value of this program for {seconds} s; nothing was saved"),
    )
    .with_help("see whether Redis is busy or away, and save again")
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::journal::save_deadline as deadline;

    #[test]
    fn entries_that_wait_are_sent_together_and_each_gets_its_number() {
        let appender = Appender::default();
        let (started, is_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let batches = Mutex::new(Vec::new());
        let send = |entries: &[Vec<u8>], _| {
            let first = batches.lock().unwrap().iter().sum::<usize>() as u64 + 1;
            batches.lock().unwrap().push(entries.len());
            started.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            Ok(first)
        };
        let numbers = thread::scope(|scope| {
            let append = |entry: &'static [u8]| appender.append(entry, deadline(), send);
            let first = scope.spawn(move || append(b"a"));
            is_started.recv().unwrap();
            let later: Vec<_> = (0..3).map(|_| scope.spawn(move || append(b"b"))).collect();
            while appender.lock().waiting.len() < 3 {
                thread::yield_now();
            }
            release.send(()).unwrap();
            release.send(()).unwrap();
            let mut numbers = vec![first.join().unwrap().unwrap()];
            numbers.extend(later.into_iter().map(|save| save.join().unwrap().unwrap()));
            numbers
        });
        assert_eq!(*batches.lock().unwrap(), [1, 3]);
        assert_eq!(numbers[0], 1);
        assert_eq!(numbers.iter().sum::<u64>(), 1 + 2 + 3 + 4);
    }

    #[test]
    fn every_save_of_many_threads_gets_its_own_number_at_once() {
        const THREADS: u64 = 8;
        const SAVES: u64 = 100;
        let appender = Appender::default();
        let count = Mutex::new(0);
        let send = |entries: &[Vec<u8>], _| {
            // The others arrive meanwhile.
            thread::yield_now();
            let mut count = lock(&count);
            let first = *count + 1;
            *count += entries.len() as u64;
            Ok(first)
        };
        // A thread that is not woken would wait until its time is up.
        let (start, limit) = (Instant::now(), Duration::from_secs(60));
        let save = || appender.append(b"a", start + limit, send).unwrap();
        let mut numbers: Vec<u64> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| scope.spawn(|| (0..SAVES).map(|_| save()).collect::<Vec<_>>()))
                .collect();
            let numbers = threads.into_iter().map(|thread| thread.join().unwrap());
            numbers.flatten().collect()
        });
        assert!(start.elapsed() < limit / 2);
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=THREADS * SAVES));
        assert!(appender.lock().results.is_empty());
    }

    #[test]
    fn an_error_reaches_every_entry_of_its_call() {
        let appender = Appender::default();
        let fails = |_: &[Vec<u8>], _| Err(Error::new(ErrorKind::Cache, "full"));
        assert!(appender.append(b"a", deadline(), fails).is_err());
        assert_eq!(appender.append(b"a", deadline(), |_, _| Ok(7)).unwrap(), 7);
        assert!(appender.lock().results.is_empty());
    }

    #[test]
    fn large_entries_are_sent_alone() {
        let mut state = State::default();
        for _ in 0..3 {
            state.enqueue(&vec![0; MAX_BATCH_BYTES / 2 + 1], deadline());
        }
        state.enqueue(&vec![0; 2 * MAX_BATCH_BYTES], deadline());
        let sizes: Vec<usize> = std::iter::repeat_with(|| state.take_batch().len())
            .take(5)
            .collect();
        assert_eq!(sizes, [1, 1, 1, 1, 0]);
    }
}
