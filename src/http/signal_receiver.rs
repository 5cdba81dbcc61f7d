//! Receives SIGTERM and SIGINT.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    ptr,
    task::{Context, Poll},
};

use libc::c_int;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a process to end.
const SHUTDOWN_SIGNALS: [c_int; 2] = [libc::SIGTERM, libc::SIGINT];

/// Receives shutdown signals, each with its number.
pub(super) struct ShutdownSignals(Vec<(c_int, Signal)>);

impl ShutdownSignals {
    pub(super) fn listen(numbers: &[c_int]) -> io::Result<Self> {
        let numbers = numbers.iter();
        let signals = numbers.map(|number| Ok((*number, signal(SignalKind::from_raw(*number))?)));
        signals.collect::<io::Result<_>>().map(Self)
    }

    pub(super) fn listen_to_all() -> io::Result<Self> {
        Self::listen(&SHUTDOWN_SIGNALS)
    }

    /// Waits for the next signal and returns its number.
    pub(super) async fn wait(&mut self) -> c_int {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<c_int> {
        let mut signals = self.0.iter_mut();
        let received = signals.find_map(|(number, signal)| {
            let is_received = signal.poll_recv(context).is_ready();
            is_received.then_some(*number)
        });
        received.map_or(Poll::Pending, Poll::Ready)
    }
}

/// The shutdown signals for which this process has a handler now.
pub(super) fn signals_with_handler() -> Vec<c_int> {
    SHUTDOWN_SIGNALS
        .into_iter()
        .filter(|number| has_handler(*number))
        .collect()
}

#[allow(
    unsafe_code,
    reason = "no crate wraps sigaction without setting a handler"
)]
fn has_handler(number: c_int) -> bool {
    let mut current = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null action, `sigaction` only writes to `current`, which has room for it. If it
    // fails, `current` keeps its zeros, which are a valid `sigaction`.
    let action = unsafe {
        libc::sigaction(number, ptr::null(), current.as_mut_ptr());
        current.assume_init()
    };
    ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction)
}
