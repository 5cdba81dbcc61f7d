//! Options of TCP connections.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};

/// Probes a silent connection after `idle`, then every `interval`.
pub(crate) fn set_keepalive(
    socket: &SockRef<'_>,
    idle: Duration,
    interval: Duration,
) -> io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval);
    socket.set_tcp_keepalive(&keepalive)
}

/// Has the kernel end the connection of a client that acknowledges or takes nothing for `timeout`, and
/// queue no more than `max_unsent_bytes` in the kernel.
pub(crate) fn set_user_timeout_and_unsent_limit(
    socket: &SockRef<'_>,
    timeout: Duration,
    max_unsent_bytes: u32,
) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(timeout))?;
    socket.set_tcp_notsent_lowat(max_unsent_bytes)
}

/// How many bytes the client has not acknowledged; `None` if the kernel does not report it.
#[allow(unsafe_code, reason = "no crate wraps SIOCOUTQ")]
pub(crate) fn unacknowledged_bytes(socket: BorrowedFd<'_>) -> Option<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open, and SIOCOUTQ, which has the number of TIOCOUTQ, writes one
    // `int`.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    (result == 0).then(|| u64::try_from(bytes).unwrap_or(0))
}
