//! Tells the worker threads that there is something new.
//!
//! Streams wait on the worker thread that they run on. The tail wakes one task on each worker, and
//! that task wakes the streams beside it: one wake-up that crosses threads for each worker,
//! however many streams there are.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    rc::{Rc, Weak},
    sync::{
        self, Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use tokio::time::sleep;

use super::{Feed, disconnect, worker::Worker};

/// One bell for each worker thread that has streams.
pub(super) struct Bells {
    /// Tells these from the bells of other hubs in the same process.
    id: usize,
    all: Mutex<Vec<Arc<Bell>>>,
}

#[derive(Default)]
struct Bell {
    /// There is something in the ring.
    news: AtomicBool,
    /// There is something else, which concerns every stream.
    for_all: AtomicBool,
    /// No stream will ever wait again.
    gone: AtomicBool,
    task: AtomicWaker,
}

thread_local! {
    static ON_THIS_THREAD: RefCell<HashMap<usize, Weak<Worker>>> = RefCell::default();
}

impl Default for Bells {
    fn default() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            all: Mutex::default(),
        }
    }
}

impl Bells {
    /// Wakes the streams that have something in the ring, on whatever thread they wait.
    pub(super) fn ring(&self) {
        for bell in self.all().iter() {
            bell.ring(&bell.news);
        }
    }

    /// Wakes every stream.
    pub(super) fn ring_for_all(&self) {
        for bell in self.all().iter() {
            bell.ring(&bell.for_all);
        }
    }

    /// What the streams of this thread share; called on a worker.
    pub(super) fn on_this_thread(&self, feed: &Arc<Feed>) -> Rc<Worker> {
        ON_THIS_THREAD.with_borrow_mut(|hubs| {
            if let Some(worker) = hubs.get(&self.id).and_then(Weak::upgrade) {
                return worker;
            }
            hubs.retain(|_, worker| worker.strong_count() > 0);
            let bell = Arc::new(Bell::default());
            {
                let mut all = self.all();
                // The bells of threads that have ended: only this list still holds them.
                all.retain(|bell| Arc::strong_count(bell) > 1);
                all.push(Arc::clone(&bell));
            }
            // It was not in the list when the streams began to end.
            if feed.is_closing() {
                bell.ring(&bell.for_all);
            }
            // Behind the bell, so that nothing comes between.
            let worker = Rc::new(Worker::new(&feed.ring));
            hubs.insert(self.id, Rc::downgrade(&worker));
            actix_web::rt::spawn(serve(bell, Rc::clone(&worker), Arc::downgrade(feed)));
            worker
        })
    }

    fn all(&self) -> sync::MutexGuard<'_, Vec<Arc<Bell>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bells {
    fn drop(&mut self) {
        for bell in self.all().iter() {
            bell.ring(&bell.gone);
        }
    }
}

impl Bell {
    fn ring(&self, why: &AtomicBool) {
        why.store(true, Ordering::SeqCst);
        self.task.wake();
    }

    /// Wakes whom it rings for.
    fn pass_on(&self, worker: &Rc<Worker>, feed: &sync::Weak<Feed>, context: &Context<'_>) {
        // First the waker, then the look: a bell that rings in between is heard.
        self.task.register(context.waker());
        if self.news.swap(false, Ordering::SeqCst)
            && let Some(feed) = feed.upgrade()
        {
            worker.hear(&feed.ring);
        }
        if self.for_all.swap(false, Ordering::SeqCst) {
            worker.wake_all();
            if feed.upgrade().is_some_and(|feed| feed.is_closing()) {
                disconnect::begin(Rc::clone(worker));
            }
        }
    }
}

/// The task of one worker.
///
/// No wake-up is lost between a stream's look at the ring and its waiting: both happen in one go
/// on this thread, so this runs before both or after both.
async fn serve(bell: Arc<Bell>, worker: Rc<Worker>, feed: sync::Weak<Feed>) {
    let mut timer = pin!(sleep(Duration::ZERO));
    poll_fn(|context| {
        bell.pass_on(&worker, &feed, context);
        worker.is_served_by(context.waker());
        while let Some(next) = worker.ring_alarms(Instant::now()) {
            timer.as_mut().reset(next.into());
            if timer.as_mut().poll(context).is_pending() {
                break;
            }
        }
        if bell.gone.load(Ordering::SeqCst) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
