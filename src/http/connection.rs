//! Has the kernel disconnect clients that have vanished or that do not read.
//!
//! The library sees the body of a response, but not the socket under it, and actix-web does not poll a
//! body while the client takes nothing. So only the kernel can end such a connection.

use std::{
    any::Any,
    io,
    net::IpAddr,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    dev::Extensions,
    rt::net::{TcpStream, UnixStream},
};
use socket2::SockRef;

use crate::platform::tcp;

/// How long a client may leave sent data unacknowledged, or not take data that waits for it. Twice
/// the default heartbeat, so that a short loss of the network disconnects no client.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection is silent before the kernel probes it. As long as the default heartbeat,
/// so a live stream needs no probes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);

/// Time between probes, where the system lets it be set. After [`KEEPALIVE_IDLE`], three fit into the
/// rest of [`TCP_USER_TIMEOUT`], so one lost probe disconnects no client.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// How many bytes the kernel accepts for one client beyond those in flight. Small enough that a
/// thousand clients that do not read take 64 MiB, and large enough not to slow down a client that
/// does: Linux asks for more when half of these bytes are sent, and sends the others meanwhile.
const MAX_UNSENT_BYTES: u32 = 64 * 1024;

/// The local address of a connection. actix-web itself exposes only the address that the server is
/// bound to.
pub(super) struct LocalAddress(pub(super) IpAddr);

/// Whether [`watch_connection`] was called in this process.
static HAS_WATCHED_CONNECTION: AtomicBool = AtomicBool::new(false);

/// Has the system disconnect clients that have vanished or that do not read. Pass it to
/// [`HttpServer::on_connect`](actix_web::HttpServer::on_connect), before `bind`:
///
/// ```no_run
/// use actix_web::{App, HttpServer};
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// HttpServer::new(|| App::new().configure(actix_web_sse::routes))
///     .on_connect(actix_web_sse::on_connect)
///     .h1_allow_half_closed(false)
///     .h1_write_buffer_size(16 * 1024)
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await
/// # }
/// ```
///
/// On Linux, a connection ends after the client has acknowledged no sent data for 30 seconds, or after
/// its buffers have been full for 30 seconds (`TCP_USER_TIMEOUT`). At most 64 KiB of unsent data wait
/// in the kernel for one client (`TCP_NOTSENT_LOWAT`). Silent connections are probed after 15 seconds,
/// and then every 5 seconds (`SO_KEEPALIVE`). On other systems, silent connections are probed after
/// 15 seconds, and then at the system's own interval.
///
/// These settings apply to all connections of the server, so a download that is paused for 30 seconds
/// is cut off, too.
///
/// Without them, a client that stays connected and does not read keeps its connection, its place in
/// `SSE_MAX_CONNECTIONS`, and some megabytes of the kernel's memory for as long as it likes. When all
/// streams end, such clients are disconnected in either case: see [`Sse::close`](crate::Sse::close).
///
/// The other two lines are settings of actix-web. With `h1_allow_half_closed(false)`, a connection that
/// the client has closed is noticed at once; without it, at the second heartbeat after that. It cuts off
/// clients that close only their own direction and keep reading, which browsers do not do.
/// `h1_write_buffer_size` is how much actix-web buffers for a client before it waits, 32 KiB by
/// default.
///
/// `on_connect` also records the local address of each connection, so that a server bound to all
/// addresses knows which requests arrived on loopback: see [`check_host`](crate::check_host()).
///
/// With the feature `rustls-0_23`, it also knows the TLS connections of `HttpServer::bind_rustls_0_23`.
/// For other kinds of TLS, call [`watch_connection`].
pub fn on_connect(connection: &dyn Any, extensions: &mut Extensions) {
    static UNKNOWN_TYPE_LOGGED: Once = Once::new();
    if connection.is::<UnixStream>() {
        // The client is on this machine, so the kernel notices when it ends.
        return;
    }
    match tcp_stream(connection) {
        Some(stream) => watch_connection(stream, extensions),
        None => UNKNOWN_TYPE_LOGGED.call_once(|| {
            tracing::warn!(
                "stalled clients cannot be disconnected: actix_web_sse::on_connect does not \
                 know this type of connection; pass its TcpStream to \
                 actix_web_sse::watch_connection"
            );
        }),
    }
}

#[cfg(feature = "rustls-0_23")]
fn tcp_stream(connection: &dyn Any) -> Option<&TcpStream> {
    use actix_tls::accept::rustls_0_23::TlsStream;

    let tls = connection.downcast_ref::<TlsStream<TcpStream>>();
    let inner = tls.map(|tls| tls.get_ref().0);
    inner.or_else(|| connection.downcast_ref())
}

#[cfg(not(feature = "rustls-0_23"))]
fn tcp_stream(connection: &dyn Any) -> Option<&TcpStream> {
    connection.downcast_ref()
}

/// Does what [`on_connect`] does, for one connection. Call it in a server whose TLS connections
/// `on_connect` does not know; with OpenSSL:
///
/// ```ignore
/// server.on_connect(|connection, extensions| {
///     if let Some(tls) = connection.downcast_ref::<TlsStream<TcpStream>>() {
///         actix_web_sse::watch_connection(tls.get_ref(), extensions);
///     }
/// })
/// ```
///
/// If the system refuses a setting, that is logged once, and the connection continues without it.
pub fn watch_connection(stream: &TcpStream, extensions: &mut Extensions) {
    static REFUSAL_LOGGED: Once = Once::new();
    if let Ok(address) = stream.local_addr() {
        extensions.insert(LocalAddress(address.ip()));
    }
    // Relaxed, here and below: the flag guards no other data, and a stream that reads it late only
    // sends a few more probes.
    HAS_WATCHED_CONNECTION.store(true, Ordering::Relaxed);
    if let Err(error) = set_options(&SockRef::from(stream)) {
        REFUSAL_LOGGED.call_once(|| {
            tracing::warn!(
                "stalled clients cannot be disconnected, because the system refuses a socket option: {error}"
            );
        });
    }
}

/// Whether this process has called [`watch_connection`], directly or by [`on_connect`].
pub(crate) fn has_watched_connection() -> bool {
    HAS_WATCHED_CONNECTION.load(Ordering::Relaxed)
}

fn set_options(socket: &SockRef<'_>) -> io::Result<()> {
    tcp::set_keepalive(socket, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL)?;
    tcp::set_user_timeout_and_unsent_limit(socket, TCP_USER_TIMEOUT, MAX_UNSENT_BYTES)
}
