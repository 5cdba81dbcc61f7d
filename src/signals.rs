//! Ends the streams when the process is told to end.
//!
//! actix-web waits at its end for answers that are not complete, and a stream would let it wait for
//! its whole `shutdown_timeout`.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use actix_web::rt;

use crate::{fault::report, hub::Hub};

/// Whether somebody listens for the signals already.
#[derive(Default)]
pub(crate) struct Signals {
    is_heard: Arc<AtomicBool>,
}

impl Signals {
    /// Listens on this worker, unless that is done already.
    ///
    /// Who listens for a signal takes its default action away, which is to end the process. So
    /// there is no listening before somebody else does, as actix-web's server does from its start
    /// on: a process without handlers ends at once, and its streams with it. That is looked at
    /// whenever a stream opens.
    pub(crate) fn listen(&self, hub: &Arc<Hub>) {
        if self.is_heard.load(Ordering::Relaxed) {
            return;
        }
        let handled = imp::handled();
        if handled.is_empty() || self.is_heard.swap(true, Ordering::SeqCst) {
            return;
        }
        let heard = Heard(Arc::clone(&self.is_heard));
        match imp::Told::by(&handled) {
            Ok(told) => drop(rt::spawn(close(told, Arc::downgrade(hub), heard))),
            Err(error) => report(&format!(
                "streams go on when the process is told to end: {error}"
            )),
        }
    }
}

/// Returns when the process is told to end: by SIGTERM or SIGINT, and on Windows by Ctrl-C.
pub(crate) async fn told_to_end() {
    match imp::Told::by_all() {
        Ok(told) => told.wait().await,
        Err(error) => {
            report(&format!(
                "the process does not hear when it is told to end, and ends at once then: {error}"
            ));
            std::future::pending::<()>().await;
        }
    }
}

/// Listening ends with the worker that it is done on; then another one takes over.
struct Heard(Arc<AtomicBool>);

impl Drop for Heard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

async fn close(told: imp::Told, hub: Weak<Hub>, _heard: Heard) {
    told.wait().await;
    if let Some(hub) = hub.upgrade() {
        hub.close();
    }
}

#[cfg(unix)]
mod imp {
    use std::{io, task::Poll};

    use libc::c_int;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that ask a process to end.
    const ALL: [c_int; 2] = [libc::SIGTERM, libc::SIGINT];

    pub(super) struct Told(Vec<Signal>);

    impl Told {
        pub(super) fn by(signals: &[c_int]) -> io::Result<Self> {
            let signals = signals.iter();
            let told = signals.map(|number| signal(SignalKind::from_raw(*number)));
            told.collect::<io::Result<_>>().map(Self)
        }

        pub(super) fn by_all() -> io::Result<Self> {
            Self::by(&ALL)
        }

        pub(super) async fn wait(mut self) {
            std::future::poll_fn(|context| {
                let mut told = self.0.iter_mut();
                if told.any(|signal| signal.poll_recv(context).is_ready()) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    }

    /// Those of the signals that end a process which have a handler by now.
    pub(super) fn handled() -> Vec<c_int> {
        ALL.into_iter()
            .filter(|signal| has_handler(*signal))
            .collect()
    }

    #[allow(
        unsafe_code,
        reason = "no crate wraps sigaction without setting a handler"
    )]
    fn has_handler(signal: c_int) -> bool {
        let mut found = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action it only writes to `found`, which has room for it, and all
        // zeros are a valid `sigaction` should it fail.
        let action = unsafe {
            libc::sigaction(signal, std::ptr::null(), found.as_mut_ptr());
            found.assume_init()
        };
        ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction)
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io;

    pub(super) struct Told;

    impl Told {
        pub(super) fn by(_signals: &[i32]) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn by_all() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn wait(mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// There is no telling whether anybody handles Ctrl-C.
    pub(super) fn handled() -> Vec<i32> {
        Vec::new()
    }
}
