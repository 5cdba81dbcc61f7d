use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use super::*;
use crate::{
    epoch::Epoch,
    hub::{EventId, ReplayRange, Selection, StreamPosition},
};

/// Longer than a thread needs to start on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A request that is recognised by its number.
fn request(number: u64) -> ReplayRequest {
    ReplayRequest {
        position: StreamPosition {
            at: EventId::before(Epoch(1), 1),
            ttl_applies_until: 0,
            gap_applies_from: 0,
        },
        selection: Selection::default(),
        range: ReplayRange::UpTo(number),
    }
}

fn number_of(request: &ReplayRequest) -> u64 {
    match request.range {
        ReplayRange::UpTo(number) => number,
        _ => panic!("not a request of these tests"),
    }
}

/// Threads whose reads report their start, and end when the test allows it.
struct Stalled {
    threads: ReplayThreads,
    started: Receiver<u64>,
    allowed: Sender<()>,
}

impl Stalled {
    fn start(count: usize) -> Self {
        let (start, started) = mpsc::channel();
        let (allowed, wait) = mpsc::channel();
        let wait = Mutex::new(wait);
        let threads = ReplayThreads::start(count, move |request| {
            start.send(number_of(request)).unwrap();
            wait.lock().unwrap().recv().unwrap();
            Ok(ReplayResult::Replaced)
        });
        Self {
            threads: threads.unwrap(),
            started,
            allowed,
        }
    }

    fn next_started(&self) -> u64 {
        self.started.recv_timeout(DEADLINE).unwrap()
    }

    fn queue_length(&self) -> usize {
        lock(&self.threads.queue.state).waiting.len()
    }
}

#[test]
fn no_more_replays_run_at_once_than_there_are_threads() {
    let (running, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let threads = ReplayThreads::start(2, {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        move |_| {
            // SeqCst, so that no reasoning is needed in a test.
            let now_running = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now_running, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(ReplayResult::Replaced)
        }
    });
    let threads = threads.unwrap();
    let answers: Vec<_> = (0..200)
        .map(|number| threads.add(request(number)))
        .collect();
    for answer in answers {
        answer.blocking_recv().unwrap().unwrap();
    }
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
}

#[test]
fn replays_are_served_in_the_order_of_their_requests() {
    let stalled = Stalled::start(1);
    let _answers: Vec<_> = (0..100)
        .map(|number| stalled.threads.add(request(number)))
        .collect();
    for number in 0..100 {
        assert_eq!(stalled.next_started(), number);
        stalled.allowed.send(()).unwrap();
    }
}

#[test]
fn replays_of_closed_streams_are_skipped() {
    let stalled = Stalled::start(1);
    let first = stalled.threads.add(request(1));
    assert_eq!(stalled.next_started(), 1);
    drop([
        stalled.threads.add(request(2)),
        stalled.threads.add(request(3)),
    ]);
    let fourth = stalled.threads.add(request(4));
    for _ in 0..2 {
        stalled.allowed.send(()).unwrap();
    }
    assert_eq!(stalled.next_started(), 4);
    for answer in [first, fourth] {
        answer.blocking_recv().unwrap().unwrap();
    }
}

#[test]
fn closed_streams_leave_no_replays_behind_while_the_disk_hangs() {
    let stalled = Stalled::start(1);
    let _first = stalled.threads.add(request(0));
    stalled.next_started();
    let open: Vec<_> = (0..100)
        .map(|number| stalled.threads.add(request(number)))
        .collect();
    for number in 0..10_000 {
        drop(stalled.threads.add(request(number)));
        assert!(stalled.queue_length() <= 2 * open.len() + 1);
    }
}

#[test]
fn a_panic_ends_no_thread() {
    let threads = ReplayThreads::start(1, |request| {
        assert_ne!(number_of(request), 1, "this panic is part of the test");
        Ok(ReplayResult::Replaced)
    });
    let threads = threads.unwrap();
    let (panicked, answered) = (threads.add(request(1)), threads.add(request(2)));
    assert!(panicked.blocking_recv().is_err());
    answered.blocking_recv().unwrap().unwrap();
}

#[test]
fn the_threads_end_with_their_handle() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let threads = ReplayThreads::start(3, move |_| {
        let _ = &held;
        Ok(ReplayResult::Replaced)
    });
    assert_eq!(Arc::strong_count(&alive), 2);
    drop(threads);
    let end = std::time::Instant::now() + DEADLINE;
    while Arc::strong_count(&alive) > 1 {
        assert!(std::time::Instant::now() < end, "the threads are alive");
        thread::yield_now();
    }
}
