//! The connections to the app that are open and without a question.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, sleep_until};

/// Shorter than the limits of most servers (Node.js and Apache: five seconds), and long enough for clients that come
/// back together. Some servers have a process for each open connection.
const MAX_IDLE: Duration = Duration::from_secs(2);

pub(super) type Connection = SendRequest<Empty<Bytes>>;

#[derive(Clone, Default)]
pub(super) struct IdleConnections(Arc<Mutex<Idle>>);

#[derive(Default)]
struct Idle {
    /// The oldest first.
    connections: Vec<(Connection, Instant)>,
    is_closing_planned: bool,
}

impl IdleConnections {
    /// The connection that was used last.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut idle = self.lock();
        while let Some((connection, since)) = idle.connections.pop() {
            if since.elapsed() < MAX_IDLE && connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    pub(super) fn put(&self, connection: Connection) {
        let mut idle = self.lock();
        idle.connections.push((connection, Instant::now()));
        if !idle.is_closing_planned {
            idle.is_closing_planned = true;
            tokio::spawn(self.clone().close_idle());
        }
    }

    /// Ends when no connection is left.
    async fn close_idle(self) {
        while let Some(oldest) = self.close_expired() {
            sleep_until(oldest + MAX_IDLE).await;
        }
    }

    /// Returns since when the oldest of the others has been idle.
    fn close_expired(&self) -> Option<Instant> {
        let mut idle = self.lock();
        idle.connections
            .retain(|(connection, since)| since.elapsed() < MAX_IDLE && !connection.is_closed());
        let oldest = idle.connections.first().map(|(_, since)| *since);
        idle.is_closing_planned = oldest.is_some();
        oldest
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // The list is valid even if another thread has panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
