//! Ends a wait from another thread.

use std::{io, sync::Arc, time::Duration};

/// A flag that wakes the one thread that waits for it. It is raised once and stays so.
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

    /// Ends one wait, this one or the next, without raising the flag.
    pub(crate) fn wake(&self) {
        self.0.wake();
    }

    /// Sleeps for `timeout`, or until the flag is raised, or for no reason at all.
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
            self.wake();
        }

        pub(super) fn wake(&self) {
            // The counter is read by every wait, so it does not overflow.
            let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
        }

        pub(super) fn is_raised(&self) -> bool {
            self.raised.load(Ordering::SeqCst)
        }

        pub(super) fn wait(&self, timeout: Duration) {
            self.wait_or_readable(None, timeout);
        }

        pub(super) fn wait_or_readable(&self, fd: Option<BorrowedFd<'_>>, timeout: Duration) {
            // An earlier wait has read the counter.
            if self.is_raised() {
                return;
            }
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
            // Fails where it was not the counter that has ended the wait.
            let _ = rustix::io::read(&self.fd, &mut [0; 8]);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::{
        io,
        sync::{Condvar, Mutex, MutexGuard, PoisonError},
        time::Duration,
    };

    #[derive(Default)]
    struct State {
        raised: bool,
        nudged: bool,
    }

    pub(super) struct Flag {
        state: Mutex<State>,
        changed: Condvar,
    }

    impl Flag {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                state: Mutex::default(),
                changed: Condvar::new(),
            })
        }

        pub(super) fn raise(&self) {
            self.state().raised = true;
            self.changed.notify_all();
        }

        pub(super) fn wake(&self) {
            self.state().nudged = true;
            self.changed.notify_all();
        }

        pub(super) fn is_raised(&self) -> bool {
            self.state().raised
        }

        pub(super) fn wait(&self, timeout: Duration) {
            let waited = self
                .changed
                .wait_timeout_while(self.state(), timeout, |state| {
                    !state.raised && !state.nudged
                });
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.nudged = false;
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
