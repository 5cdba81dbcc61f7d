//! Ends a wait from another thread.

use std::{io, sync::Arc, time::Duration};

/// A flag that wakes whoever waits for it. It is raised once and stays so.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<imp::Flag>);

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(imp::Flag::new()?)))
    }

    pub(crate) fn raise(&self) {
        self.0.raise();
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.is_raised()
    }

    /// Sleeps for `timeout`, or until the flag is raised.
    pub(crate) fn wait(&self, timeout: Duration) {
        self.0.wait(timeout);
    }

    /// Sleeps until `fd` can be read as well.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_or_readable(&self, fd: &impl std::os::fd::AsFd, timeout: Duration) {
        self.0.wait_or_readable(Some(fd.as_fd()), timeout);
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::{
        io,
        os::fd::{AsFd, BorrowedFd, OwnedFd},
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };

    use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

    /// A descriptor, so that one system call waits for it and for file notifications together.
    pub(super) struct Flag {
        raised: AtomicBool,
        fd: OwnedFd,
    }

    impl Flag {
        pub(super) fn new() -> io::Result<Self> {
            let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            Ok(Self {
                raised: AtomicBool::new(false),
                fd,
            })
        }

        pub(super) fn raise(&self) {
            self.raised.store(true, Ordering::SeqCst);
            // The counter is never read, so the descriptor stays readable. It cannot overflow:
            // that takes 2^64 calls.
            let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
        }

        pub(super) fn is_raised(&self) -> bool {
            self.raised.load(Ordering::SeqCst)
        }

        pub(super) fn wait(&self, timeout: Duration) {
            self.wait_or_readable(None, timeout);
        }

        pub(super) fn wait_or_readable(&self, fd: Option<BorrowedFd<'_>>, timeout: Duration) {
            let timeout = Timespec {
                tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: timeout.subsec_nanos().into(),
            };
            let own = self.fd.as_fd();
            let mut fds = [
                PollFd::from_borrowed_fd(own, PollFlags::IN),
                PollFd::from_borrowed_fd(fd.unwrap_or(own), PollFlags::IN),
            ];
            // A signal ends the wait early, which waits may do.
            let _ = poll(&mut fds, Some(&timeout));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::{
        io,
        sync::{Condvar, Mutex, PoisonError},
        time::Duration,
    };

    pub(super) struct Flag {
        raised: Mutex<bool>,
        changed: Condvar,
    }

    impl Flag {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                raised: Mutex::new(false),
                changed: Condvar::new(),
            })
        }

        pub(super) fn raise(&self) {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_all();
        }

        pub(super) fn is_raised(&self) -> bool {
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(super) fn wait(&self, timeout: Duration) {
            let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = self
                .changed
                .wait_timeout_while(raised, timeout, |raised| !*raised);
        }
    }
}
