//! Ends a wait from another thread, by eventfd.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Tells one thread to stop, and ends the wait it is in. Once raised, it stays raised.
#[derive(Clone)]
pub(crate) struct Interrupt {
    is_raised: Arc<AtomicBool>,
    /// A descriptor, so that one system call waits both for the flag and for file notifications.
    eventfd: Arc<OwnedFd>,
}

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self {
            is_raised: Arc::default(),
            eventfd: Arc::new(eventfd),
        })
    }

    pub(crate) fn raise(&self) {
        // The thread whose wait `wake` ends must see the flag. SeqCst is the simplest ordering that
        // ensures this, and its cost does not matter: a flag is raised once.
        self.is_raised.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Ends the current or the next wait, without raising the interrupt.
    pub(crate) fn wake(&self) {
        // Every wait resets the counter, so it cannot overflow.
        let _ = rustix::io::write(&self.eventfd, &1_u64.to_ne_bytes());
    }

    pub(crate) fn is_raised(&self) -> bool {
        // Pairs with the store in `raise`.
        self.is_raised.load(Ordering::SeqCst)
    }

    /// Sleeps until `timeout`, or until the interrupt is raised or woken. May return spuriously.
    pub(crate) fn wait(&self, timeout: Duration) {
        self.poll(None, timeout);
    }

    /// Waits until `fd` is readable, or for what ends [`wait`](Self::wait). Returns whether only `fd` ended the wait.
    pub(super) fn wait_until_readable(&self, fd: &OwnedFd, timeout: Duration) -> bool {
        self.poll(Some(fd.as_fd()), timeout)
    }

    fn poll(&self, fd: Option<BorrowedFd<'_>>, timeout: Duration) -> bool {
        // An earlier wait may have reset the counter, and then the descriptor would not end this one.
        if self.is_raised() {
            return false;
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let flag = self.eventfd.as_fd();
        let mut fds = [
            PollFd::from_borrowed_fd(flag, PollFlags::IN),
            PollFd::from_borrowed_fd(fd.unwrap_or(flag), PollFlags::IN),
        ];
        // A signal may end the wait early; waits may end spuriously.
        let _ = poll(&mut fds, Some(&timeout));
        let [is_woken, is_readable] = fds.map(|fd| !fd.revents().is_empty());
        // An idle thread's wait usually ends with its timeout, and then there is nothing to read.
        if is_woken {
            let _ = rustix::io::read(&self.eventfd, &mut [0; 8]);
        }
        is_readable && !is_woken
    }
}
