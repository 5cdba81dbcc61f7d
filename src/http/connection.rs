//! What the system is asked to do about clients that have gone, or that do not read.
//!
//! A library sees the body of a response and not the socket under it, and a body is not asked for
//! more while the client takes nothing. So it is the kernel that ends such a connection.

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

use actix_web::{dev::Extensions, rt::net::TcpStream};
use socket2::SockRef;

use crate::platform::tcp;

/// How long a client may take nothing of what waits for it, or leave unanswered what was sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// After such a silence the system asks whether the client is there.
const SILENCE: Duration = Duration::from_secs(15);

/// And asks again, where this can be set.
const ASKING: Duration = Duration::from_secs(5);

/// As many bytes may wait in the system to be sent to one client. What is on the way is not
/// counted, so this slows down nobody who reads.
const UNSENT: u32 = 64 * 1024;

/// The address on which a connection was accepted; actix-web itself tells only to which the server is
/// bound.
pub(crate) struct LocalAddress(pub(crate) IpAddr);

/// Whether this process watches connections.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// Has the system end the connections of clients that have gone without a word, or that do not
/// read. For [`HttpServer::on_connect`](actix_web::HttpServer::on_connect), before `bind`:
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
/// On Linux, a connection ends when for 30 seconds the client has acknowledged nothing of what was
/// sent, or its full buffers have let nothing more be sent (`TCP_USER_TIMEOUT`); and no more than
/// 64 KiB wait in the kernel to be sent to one client (`TCP_NOTSENT_LOWAT`). Silent
/// connections are probed after 15 seconds, then every 5 seconds (`SO_KEEPALIVE`). On other systems,
/// silent connections are probed after 15 seconds, then at the system's own interval.
///
/// This is so for all connections of the server, and a download that is paused for longer than that
/// is cut off as well.
///
/// Without it, a client that stays connected and does not read keeps its connection and its place
/// in `SSE_MAX_CONNECTIONS` for as long as it likes, and some megabytes of the kernel's memory.
/// When all streams end, such clients are disconnected with or without it: see
/// [`Sse::close`](crate::Sse::close).
///
/// `h1_allow_half_closed(false)` is a setting of actix-web, and not this function's: with it, a
/// connection that the client has closed is noticed at once, and without it with the second heartbeat
/// from then. Clients that close only their own direction and go on reading, which no
/// browser does, are cut off by it.
///
/// `h1_write_buffer_size`, too, is actix-web's: as much as it keeps for a client before it waits,
/// 32 KiB by default.
///
/// It also notes the local address of each connection, by which a server that is bound to all addresses
/// knows which requests arrived on loopback: see [`check_host`](crate::check_host()).
///
/// Connections with TLS are of another type, which this function does not know: see
/// [`watch_connection`].
pub fn on_connect(connection: &dyn Any, extensions: &mut Extensions) {
    static UNKNOWN: Once = Once::new();
    if connection.is::<actix_web::rt::net::UnixStream>() {
        // Its other end is on this machine, and has no network to get lost in.
        return;
    }
    match connection.downcast_ref::<TcpStream>() {
        Some(stream) => {
            if let Ok(address) = stream.local_addr() {
                extensions.insert(LocalAddress(address.ip()));
            }
            watch_connection(stream);
        }
        None => UNKNOWN.call_once(|| {
            log::warn!(
                "clients that do not read are not ended: actix_web_sse::on_connect does not know \
                 this type of connection; give its TcpStream to actix_web_sse::watch_connection"
            );
        }),
    }
}

/// The same as [`on_connect`] for one connection, for servers with TLS. With rustls:
///
/// ```ignore
/// server.on_connect(|connection, _| {
///     if let Some(tls) = connection.downcast_ref::<TlsStream<TcpStream>>() {
///         actix_web_sse::watch_connection(tls.get_ref().0);
///     }
/// })
/// ```
///
/// A system that refuses is reported once in the log, and the connection goes on without.
pub fn watch_connection(stream: &TcpStream) {
    static REFUSED: Once = Once::new();
    IS_USED.store(true, Ordering::Relaxed);
    if let Err(error) = watch(&SockRef::from(stream)) {
        REFUSED.call_once(|| {
            log::warn!("clients that do not read are not ended, the system refuses: {error}");
        });
    }
}

/// Whether the process is one that has called [`watch_connection`], be it through [`on_connect`].
pub(crate) fn is_watching() -> bool {
    IS_USED.load(Ordering::Relaxed)
}

fn watch(socket: &SockRef<'_>) -> io::Result<()> {
    tcp::set_keepalive(socket, SILENCE, ASKING)?;
    tcp::limit_waiting(socket, PATIENCE, UNSENT)
}
