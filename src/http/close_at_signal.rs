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

use super::signal_receiver::{ShutdownSignals, signals_with_handler};
use crate::{hub::Hub, runtime::log_or_print};

/// Signals within this time count as one. At Ctrl-C, the terminal signals every program in the
/// foreground, and a program such as `cargo run` may pass the signal on, which takes milliseconds.
const SIGNAL_DEBOUNCE: Duration = Duration::from_millis(100);

/// A task that closes a hub when the process receives a shutdown signal. At most one runs.
#[derive(Default)]
pub(super) struct SignalTask {
    is_running: Arc<AtomicBool>,
}

impl SignalTask {
    /// Starts the task on this worker, unless it runs on another worker.
    ///
    /// Listening for a signal takes away its default action, which is to end the process. So this
    /// listens only for signals that have a handler already, such as actix-web's. A process without
    /// handlers ends at once, with its streams. Handlers may be set late, so this is called whenever
    /// a stream opens.
    pub(super) fn ensure_started(&self, hub: &Arc<Hub>) {
        // Relaxed, here and below: the flag guards no other data, and the swap decides.
        if self.is_running.load(Ordering::Relaxed) {
            return;
        }
        let numbers = signals_with_handler();
        if numbers.is_empty() || self.is_running.swap(true, Ordering::Relaxed) {
            return;
        }
        let guard = RunningGuard(Arc::clone(&self.is_running));
        match ShutdownSignals::listen(&numbers) {
            Ok(signals) => {
                let hub = Arc::downgrade(hub);
                rt::spawn(close_at_signal(signals, hub, guard));
            }
            Err(error) => {
                log_or_print(&format!(
                    "streams do not end at SIGTERM and SIGINT: {error}"
                ));
            }
        }
    }
}

/// Waits for the first SIGTERM or SIGINT, and returns the receiver for the next.
pub(super) async fn shutdown_requested() -> ShutdownSignals {
    match ShutdownSignals::listen_to_all() {
        Ok(mut signals) => {
            signals.wait().await;
            signals
        }
        Err(error) => {
            log_or_print(&format!(
                "SIGTERM and SIGINT end the process at once, because it cannot handle them: {error}"
            ));
            std::future::pending().await
        }
    }
}

/// Ends the process at the next signal.
///
/// Listening for the first signal took away the default action. A user who sends a second signal
/// does not want to wait for requests that take long.
pub(super) fn exit_at_next_signal(mut signals: ShutdownSignals) {
    tokio::spawn(async move {
        sleep(SIGNAL_DEBOUNCE).await;
        // Drops the signals that arrived within the debounce.
        while signals.wait().now_or_never().is_some() {}
        let number = signals.wait().await;
        tracing::warn!("second signal: the process ends at once");
        // The exit code that shells report for a process that a signal has ended.
        std::process::exit(128 + number);
    });
}

/// Dropped with the worker that the task runs on, so that another worker can start it.
struct RunningGuard(Arc<AtomicBool>);

impl Drop for RunningGuard {
    fn drop(&mut self) {
        // Relaxed: see `ensure_started`.
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn close_at_signal(mut signals: ShutdownSignals, hub: Weak<Hub>, _guard: RunningGuard) {
    signals.wait().await;
    if let Some(hub) = hub.upgrade() {
        hub.close();
    }
}
