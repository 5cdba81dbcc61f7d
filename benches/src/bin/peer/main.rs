//! The Rust servers that this project's server is compared with, and one of its own.
//!
//! Each of the others answers `GET /stream` with an event stream that begins with an empty comment, and
//! `POST /publish` by sending the body to all streams as an event. None sets `TCP_NODELAY`, since
//! neither actix-web nor axum does so by default.

mod actix_web_lab;
mod axum;
mod bare;
mod granting;
mod raw;

use std::{
    env,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::ExitCode,
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

/// Room for all clients that connect at the same time.
const LISTEN_BACKLOG: i32 = 4096;

/// How long a connection may be idle. The publisher's is idle for longer than actix-web's default of
/// five seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(3600);

/// The comment with which every stream begins, so that the client knows that it is open.
const OPENING: &str = ":\n\n";

const EVENT: &str = "order";

fn main() -> ExitCode {
    let serve: fn(TcpListener) -> io::Result<()> = match env::args().nth(1).as_deref() {
        Some("raw") => raw::serve,
        Some("axum") => axum::serve,
        Some("actix-web-lab") => actix_web_lab::serve,
        Some("bare") => bare::serve,
        Some("granting") => granting::serve,
        _ => {
            eprintln!("usage: peer raw|axum|actix-web-lab|bare|granting");
            return ExitCode::from(2);
        }
    };
    match listen().and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Listens on a free port and prints its address.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(LISTEN_BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from(socket);
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;
    Ok(listener)
}

/// The id of the event with this number. It is as long as an id of this project.
fn id(number: u64) -> String {
    format!("0123456789abcdef-{number}")
}
