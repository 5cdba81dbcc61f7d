//! Ends the connections of clients that do not read, once all streams have to end.
//!
//! actix-web polls a body only when the client has taken what came before. The stream of a client
//! that does not read is never polled, so it cannot end by itself, and actix-web would wait for its
//! connection until `shutdown_timeout`. A library has no handle to that connection, but the request
//! tells both of its ends, and they identify its descriptor among those of the process. Once the
//! socket is shut down, actix-web drops the connection at once.
//!
//! Everything here runs on the thread that owns the connection.

mod socket;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, mem, rc::Rc, time::Duration};

use actix_web::rt;
use tokio::time::sleep;

use self::socket::Descriptor;
use super::{connections::Endpoints, local_hub::LocalHub};

/// How long to wait between two checks of the sockets: long enough for a client that reads to take
/// something.
const SOCKET_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A client is disconnected if its socket was full and it took nothing in this many consecutive
/// checks: after 300 ms, which is longer than almost any round trip.
const MAX_CHECKS_WITHOUT_PROGRESS: u32 = 3;

/// A client is disconnected if its socket was full in this many consecutive checks, even if it reads
/// slowly: after 800 ms, just before actix-web first checks, after a second, whether all connections
/// have ended.
const MAX_CHECKS_WITH_FULL_SOCKET: u32 = 8;

/// A connection is checked at most this often, for 10 s in all. After that, actix-web's
/// `shutdown_timeout` ends what is left.
const MAX_CHECKS_PER_CONNECTION: u32 = 100;

/// A connection whose stream has to end.
struct EndingConnection {
    descriptor: Descriptor,
    endpoints: Endpoints,
    /// The index of the stream while it is open.
    stream: Option<usize>,
    /// How many bytes the client had not acknowledged at the last check.
    unacknowledged_bytes: Option<u64>,
    /// Consecutive checks with a full socket, up to the last one.
    checks_with_full_socket: u32,
    /// How many of the last of those found that the client had taken nothing.
    checks_without_progress: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum CheckResult {
    CheckAgain,
    Disconnected,
    /// It has ended, or can end by itself.
    Done,
}

/// Disconnects the clients of this thread that do not read. Call it when all streams have to end.
pub(super) fn start_disconnecting(local_hub: Rc<LocalHub>) {
    if local_hub.connections().start_disconnecting() {
        rt::spawn(async move {
            disconnect_all(&local_hub).await;
            local_hub.connections().finish_disconnecting();
        });
    }
}

async fn disconnect_all(local_hub: &LocalHub) {
    // Most streams end at once, and need no check.
    sleep(SOCKET_CHECK_INTERVAL).await;
    let mut ending = find_descriptors(&local_hub.connections().streams_by_endpoints());
    for _ in 0..MAX_CHECKS_PER_CONNECTION {
        let disconnected = check_all(&mut ending, local_hub);
        if disconnected > 0 {
            tracing::info!("disconnected {disconnected} clients that did not read to the end");
        }
        if ending.is_empty() {
            break;
        }
        sleep(SOCKET_CHECK_INTERVAL).await;
    }
}

/// Keeps the connections that have to be checked again, and returns how many were disconnected.
fn check_all(ending: &mut Vec<EndingConnection>, local_hub: &LocalHub) -> usize {
    let mut disconnected = 0;
    ending.retain_mut(|connection| {
        let connections = local_hub.connections();
        let is_open = connections.is_open(connection.stream, connection.endpoints);
        let result = connection.check(is_open);
        disconnected += usize::from(result == CheckResult::Disconnected);
        result == CheckResult::CheckAgain
    });
    disconnected
}

impl EndingConnection {
    fn check(&mut self, is_open: bool) -> CheckResult {
        // The connection may have ended, and its descriptor may be another's by now.
        let Some(socket) = self.descriptor.socket(&self.endpoints) else {
            return CheckResult::Done;
        };
        if socket.has_room() {
            self.checks_with_full_socket = 0;
            self.checks_without_progress = 0;
            return if is_open {
                CheckResult::CheckAgain
            } else {
                CheckResult::Done
            };
        }
        let unacknowledged_before = mem::replace(
            &mut self.unacknowledged_bytes,
            socket.unacknowledged_bytes(),
        );
        self.checks_with_full_socket += 1;
        self.checks_without_progress = if unacknowledged_before == self.unacknowledged_bytes {
            self.checks_without_progress + 1
        } else {
            1
        };
        if self.checks_without_progress < MAX_CHECKS_WITHOUT_PROGRESS
            && self.checks_with_full_socket < MAX_CHECKS_WITH_FULL_SOCKET
        {
            return CheckResult::CheckAgain;
        }
        socket.shut_down();
        CheckResult::Disconnected
    }
}

/// Finds the descriptors of these connections.
fn find_descriptors(connections: &HashMap<Endpoints, Option<usize>>) -> Vec<EndingConnection> {
    if connections.is_empty() {
        return Vec::new();
    }
    let descriptors = Descriptor::all().into_iter();
    let found = descriptors.filter_map(|descriptor| {
        let endpoints = descriptor.endpoints()?;
        Some(EndingConnection {
            stream: *connections.get(&endpoints)?,
            descriptor,
            endpoints,
            unacknowledged_bytes: None,
            checks_with_full_socket: 0,
            checks_without_progress: 0,
        })
    });
    found.collect()
}
