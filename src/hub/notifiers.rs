//! Wakes one task on each worker thread that has streams.
//!
//! A stream waits on the worker thread that it runs on. A thread that adds an entry to the ring notifies one task for
//! each worker, and that task wakes the streams beside it: one wake-up crosses threads for each worker, however many
//! streams it has.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
};

use futures_util::task::AtomicWaker;

use super::holders::Holders;
use crate::runtime::lock;

/// The notifiers of all worker threads of one hub.
pub(super) struct Notifiers {
    hub_id: usize,
    all: Mutex<Vec<Arc<WorkerNotifier>>>,
}

/// What the task of one worker waits for.
#[derive(Default)]
pub(super) struct WorkerNotifier {
    has_new_entries: AtomicBool,
    must_wake_all: AtomicBool,
    must_measure: AtomicBool,
    is_stopped: AtomicBool,
    task_waker: AtomicWaker,
    /// How many entries the worker's slowest stream had not read when that was last measured.
    slowest_stream: AtomicU64,
    /// Which of the worker's streams hold which audiences.
    pub(super) holders: Arc<Mutex<Holders>>,
}

impl Default for Notifiers {
    fn default() -> Self {
        static NEXT_HUB_ID: AtomicUsize = AtomicUsize::new(0);
        Self {
            // Relaxed: the numbers only have to differ.
            hub_id: NEXT_HUB_ID.fetch_add(1, Ordering::Relaxed),
            all: Mutex::default(),
        }
    }
}

impl Notifiers {
    /// Tells the notifiers of several hubs in one process apart.
    pub(super) fn hub_id(&self) -> usize {
        self.hub_id
    }

    /// A notifier for the worker of this thread.
    pub(super) fn add(&self) -> Arc<WorkerNotifier> {
        let notifier = Arc::new(WorkerNotifier::default());
        let mut all = lock(&self.all);
        // The task of a thread that has ended holds its notifier no longer.
        all.retain(|notifier| Arc::strong_count(notifier) > 1);
        all.push(Arc::clone(&notifier));
        notifier
    }

    /// Wakes the streams for which there is something in the ring, on all threads.
    pub(super) fn notify_new_entries(&self) {
        for notifier in lock(&self.all).iter() {
            notifier.notify(&notifier.has_new_entries);
        }
    }

    /// How many streams of all workers hold this audience.
    pub(super) fn count_holders(&self, name: &str) -> usize {
        let all = lock(&self.all);
        let counts = all
            .iter()
            .map(|notifier| lock(&notifier.holders).count(name));
        counts.sum()
    }

    /// Has each worker measure how far behind its streams are.
    pub(super) fn request_measurement(&self) {
        for notifier in lock(&self.all).iter() {
            notifier.notify(&notifier.must_measure);
        }
    }

    /// The largest of the last measurements.
    pub(super) fn slowest_stream(&self) -> u64 {
        let all = lock(&self.all);
        let open = all
            .iter()
            .filter(|notifier| Arc::strong_count(notifier) > 1);
        // Relaxed: the number guards no other data.
        open.map(|notifier| notifier.slowest_stream.load(Ordering::Relaxed))
            .max()
            .unwrap_or(0)
    }

    /// Wakes every stream.
    pub(super) fn notify_all(&self) {
        for notifier in lock(&self.all).iter() {
            notifier.request_wake_all();
        }
    }
}

impl Drop for Notifiers {
    fn drop(&mut self) {
        for notifier in lock(&self.all).iter() {
            notifier.notify(&notifier.is_stopped);
        }
    }
}

/// The flags are `SeqCst` although less would do: `AtomicWaker` already orders "store, then wake"
/// here against "register, then swap" in the task, so either the task sees the flag or it is woken.
/// They change once for each batch of entries, so the stronger ordering costs nothing that counts.
impl WorkerNotifier {
    fn notify(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::SeqCst);
        self.task_waker.wake();
    }

    /// Makes the task wake all streams of its worker.
    pub(super) fn request_wake_all(&self) {
        self.notify(&self.must_wake_all);
    }

    /// Sets the waker of the task. Call it before the flags are read: a notification in between
    /// then wakes the task again.
    pub(super) fn register(&self, waker: &Waker) {
        self.task_waker.register(waker);
    }

    /// Whether entries were added to the ring since the last call.
    pub(super) fn take_new_entries(&self) -> bool {
        self.has_new_entries.swap(false, Ordering::SeqCst)
    }

    /// Whether a wake-up of all streams was requested since the last call.
    pub(super) fn take_wake_all(&self) -> bool {
        self.must_wake_all.swap(false, Ordering::SeqCst)
    }

    /// Whether a measurement was requested since the last call.
    pub(super) fn take_measure(&self) -> bool {
        self.must_measure.swap(false, Ordering::SeqCst)
    }

    pub(super) fn set_slowest_stream(&self, entries: u64) {
        self.slowest_stream.store(entries, Ordering::Relaxed);
    }

    /// Whether the hub is gone, so that the task can end.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }
}
