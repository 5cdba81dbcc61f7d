//! Wakes the streams of this process when there is something new.
//!
//! Streams wait on the worker thread that they run on. The tail wakes one task on each worker, and
//! that task wakes the streams beside it: one wake-up that crosses threads for each worker,
//! however many streams there are.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    rc::{Rc, Weak},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
};

use futures_util::task::AtomicWaker;

/// One bell for each worker thread that has streams.
pub(super) struct Bells {
    /// Tells these from the bells of other hubs in the same process.
    id: usize,
    all: Mutex<Vec<Arc<Bell>>>,
}

#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    /// No stream will ever wait again.
    gone: AtomicBool,
    task: AtomicWaker,
}

/// The streams that wait on one thread.
pub(crate) struct Waiters {
    slots: RefCell<Slots>,
}

#[derive(Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

thread_local! {
    static ON_THIS_THREAD: RefCell<HashMap<usize, Weak<Waiters>>> = RefCell::default();
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
    /// Wakes every stream, on whatever thread it waits.
    pub(super) fn ring(&self) {
        for bell in self.all().iter() {
            bell.ring();
        }
    }

    /// The waiting streams of this thread; called on a worker.
    pub(super) fn on_this_thread(&self) -> Rc<Waiters> {
        ON_THIS_THREAD.with_borrow_mut(|hubs| {
            if let Some(waiters) = hubs.get(&self.id).and_then(Weak::upgrade) {
                return waiters;
            }
            hubs.retain(|_, waiters| waiters.strong_count() > 0);
            let waiters = Rc::new(Waiters {
                slots: RefCell::default(),
            });
            hubs.insert(self.id, Rc::downgrade(&waiters));
            let bell = Arc::new(Bell::default());
            {
                let mut all = self.all();
                // The bells of threads that have ended: only this list still holds them.
                all.retain(|bell| Arc::strong_count(bell) > 1);
                all.push(Arc::clone(&bell));
            }
            actix_web::rt::spawn(pass_on(bell, Rc::clone(&waiters)));
            waiters
        })
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Bell>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bells {
    fn drop(&mut self) {
        for bell in self.all().iter() {
            bell.gone.store(true, Ordering::SeqCst);
            bell.ring();
        }
    }
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

/// The task of one worker.
///
/// No wake-up is lost between a stream's look at the ring and its waiting: both happen in one go
/// on this thread, so this runs before both or after both.
async fn pass_on(bell: Arc<Bell>, waiters: Rc<Waiters>) {
    poll_fn(|context| {
        // First the waker, then the look: a bell that rings in between is heard.
        bell.task.register(context.waker());
        if bell.rung.swap(false, Ordering::SeqCst) {
            waiters.wake_all();
        }
        if bell.gone.load(Ordering::SeqCst) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

impl Waiters {
    /// A place for one stream.
    pub(crate) fn join(&self) -> usize {
        let mut slots = self.slots.borrow_mut();
        slots.free.pop().unwrap_or_else(|| {
            slots.wakers.push(None);
            slots.wakers.len() - 1
        })
    }

    pub(crate) fn leave(&self, place: usize) {
        let mut slots = self.slots.borrow_mut();
        slots.wakers[place] = None;
        slots.free.push(place);
    }

    /// Wakes the stream at the next bell, once.
    pub(crate) fn wait(&self, place: usize, waker: &Waker) {
        let slot = &mut self.slots.borrow_mut().wakers[place];
        match slot {
            Some(waiting) => waiting.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    fn wake_all(&self) {
        let count = self.slots.borrow().wakers.len();
        for place in 0..count {
            // The list is not borrowed while a waker runs: it may be code of somebody else.
            let waker = self.slots.borrow_mut().wakers[place].take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
