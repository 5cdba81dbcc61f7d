//! Options of TCP connections that every Unix system has.

use std::{io, os::fd::BorrowedFd, time::Duration};

use socket2::{SockRef, TcpKeepalive};

/// Probes a silent connection after `idle`, then as often as the system does by default.
pub(crate) fn set_keepalive(
    socket: &SockRef<'_>,
    idle: Duration,
    _interval: Duration,
) -> io::Result<()> {
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle))
}

/// Limits nothing: the options for it differ between systems.
pub(crate) fn set_user_timeout_and_unsent_limit(
    _socket: &SockRef<'_>,
    _timeout: Duration,
    _max_unsent_bytes: u32,
) -> io::Result<()> {
    Ok(())
}

/// Always `None`, unknown.
pub(crate) fn unacknowledged_bytes(_socket: BorrowedFd<'_>) -> Option<u64> {
    None
}
