//! Ends the streams at SIGTERM and SIGINT.
//!
//! When actix-web stops, it waits for unfinished responses. A stream never finishes by itself, so
//! actix-web would wait for its whole `shutdown_timeout`.

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

use super::shutdown_signal::{ShutdownSignal, handled_signals};
use crate::{hub::Hub, runtime::log_or_print};

/// Signals within this time count as one. At Ctrl-C, the terminal signals every program in the
/// foreground, and a program such as `cargo run` may pass the signal on, which takes milliseconds.
const SIGNAL_DEBOUNCE: Duration = Duration::from_millis(100);

/// Closes a hub when the process is asked to end.
#[derive(Default)]
pub(super) struct SignalListener {
    is_listening: Arc<AtomicBool>,
}

impl SignalListener {
    /// Listens on this worker, unless another worker does.
    ///
    /// Listening for a signal takes away its default action, which is to end the process. So this
    /// listens only for signals that have a handler already, such as actix-web's. A process without
    /// handlers ends at once, with its streams. Handlers may be set late, so this is called whenever
    /// a stream opens.
    pub(super) fn listen(&self, hub: &Arc<Hub>) {
        // Relaxed, here and below: the flag guards no other data, and the swap decides.
        if self.is_listening.load(Ordering::Relaxed) {
            return;
        }
        let handled = handled_signals();
        if handled.is_empty() || self.is_listening.swap(true, Ordering::Relaxed) {
            return;
        }
        let guard = ListeningGuard(Arc::clone(&self.is_listening));
        match ShutdownSignal::listen(&handled) {
            Ok(signal) => {
                let hub = Arc::downgrade(hub);
                rt::spawn(close_at_signal(signal, hub, guard));
            }
            Err(error) => {
                log_or_print(&format!(
                    "streams do not end at SIGTERM and SIGINT: {error}"
                ));
            }
        }
    }
}

/// Waits for the first SIGTERM or SIGINT, and returns what waits for the next.
pub(super) async fn shutdown_requested() -> ShutdownSignal {
    match ShutdownSignal::listen_to_all() {
        Ok(mut signal) => {
            signal.wait().await;
            signal
        }
        Err(error) => {
            log_or_print(&format!(
                "SIGTERM and SIGINT end the process at once, because it cannot listen for them: {error}"
            ));
            std::future::pending().await
        }
    }
}

/// Ends the process at the next signal.
///
/// Listening for the first signal took away the default action. A user who sends a second signal
/// does not want to wait for requests that take long.
pub(super) fn exit_at_next_signal(mut signal: ShutdownSignal) {
    tokio::spawn(async move {
        sleep(SIGNAL_DEBOUNCE).await;
        while signal.wait().now_or_never().is_some() {}
        let number = signal.wait().await;
        log::warn!("second signal: the process ends at once");
        // The exit code that shells report for a process that a signal has ended.
        std::process::exit(128 + number);
    });
}

/// Dropped with the worker whose task listens, so that another worker can take over.
struct ListeningGuard(Arc<AtomicBool>);

impl Drop for ListeningGuard {
    fn drop(&mut self) {
        // Relaxed: see `listen`.
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn close_at_signal(mut signal: ShutdownSignal, hub: Weak<Hub>, _guard: ListeningGuard) {
    signal.wait().await;
    if let Some(hub) = hub.upgrade() {
        hub.close();
    }
}
