//! Ends the streams at SIGTERM and SIGINT.
//!
//! actix-web waits at its end for answers that are not complete, and a stream would let it wait for
//! its whole `shutdown_timeout`.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::rt;
use futures_util::FutureExt;
use tokio::time::sleep;

use crate::{hub::Hub, runtime::log_or_print};

pub(crate) use imp::Told;

/// Signals that come within this time are one. At Ctrl-C, the terminal tells all its programs, and
/// some that run others pass it on as well.
const ONE_SIGNAL: Duration = Duration::from_millis(100);

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
        match Told::by(&handled) {
            Ok(told) => drop(rt::spawn(close(told, Arc::downgrade(hub), heard))),
            Err(error) => log_or_print(&format!("streams go on at SIGTERM and SIGINT: {error}")),
        }
    }
}

/// Returns at the first SIGTERM or SIGINT. What it returns waits for the next one.
pub(crate) async fn told_to_end() -> Told {
    match Told::by_all() {
        Ok(mut told) => {
            told.wait().await;
            told
        }
        Err(error) => {
            log_or_print(&format!(
                "SIGTERM and SIGINT end the process at once, because it cannot listen for them: {error}"
            ));
            std::future::pending().await
        }
    }
}

/// Ends the process at the next signal. Its default action was taken away for the first one, and
/// somebody who sends another does not want to wait for requests that take their time.
pub(crate) fn end_at_the_next(mut told: Told) {
    tokio::spawn(async move {
        sleep(ONE_SIGNAL).await;
        while told.wait().now_or_never().is_some() {}
        let signal = told.wait().await;
        log::warn!("second signal: the process ends at once");
        // What shells show for a process that the signal has ended.
        std::process::exit(128 + signal);
    });
}

/// Listening ends with the worker that it is done on; then another one takes over.
struct Heard(Arc<AtomicBool>);

impl Drop for Heard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

async fn close(mut told: Told, hub: Weak<Hub>, _heard: Heard) {
    told.wait().await;
    if let Some(hub) = hub.upgrade() {
        hub.close();
    }
}

mod imp {
    use std::{io, task::Poll};

    use libc::c_int;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals that ask a process to end.
    const ALL: [c_int; 2] = [libc::SIGTERM, libc::SIGINT];

    pub(crate) struct Told(Vec<(c_int, Signal)>);

    impl Told {
        pub(super) fn by(signals: &[c_int]) -> io::Result<Self> {
            let signals = signals.iter();
            let told = signals.map(|number| Ok((*number, signal(SignalKind::from_raw(*number))?)));
            told.collect::<io::Result<_>>().map(Self)
        }

        pub(super) fn by_all() -> io::Result<Self> {
            Self::by(&ALL)
        }

        /// The next signal.
        pub(super) async fn wait(&mut self) -> c_int {
            std::future::poll_fn(|context| {
                let mut told = self.0.iter_mut();
                match told.find_map(|(number, signal)| {
                    signal.poll_recv(context).is_ready().then_some(*number)
                }) {
                    Some(number) => Poll::Ready(number),
                    None => Poll::Pending,
                }
            })
            .await
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
