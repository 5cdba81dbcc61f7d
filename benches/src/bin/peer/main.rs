//! The servers in Rust that this project's is compared with.
//!
//! Each answers `GET /stream` with an event stream that begins with an empty comment, and
//! `POST /publish` by sending the body to all streams as an event. None sets `TCP_NODELAY`, since
//! neither actix-web nor axum does unless it is told to.

mod axum;
mod bare;
mod lab;
mod raw;

use std::{
    env,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::ExitCode,
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

/// All clients of a benchmark may knock at the same time.
const BACKLOG: i32 = 4096;

/// How long a connection may be silent. What publishes is, for longer than actix-web's five seconds.
const IDLE: Duration = Duration::from_secs(3600);

/// What every stream begins with, so that the client knows that it is open.
const OPENING: &str = ":\n\n";

const EVENT: &str = "order";

fn main() -> ExitCode {
    let serve: fn(TcpListener) -> io::Result<()> = match env::args().nth(1).as_deref() {
        Some("raw") => raw::serve,
        Some("axum") => axum::serve,
        Some("actix-web-lab") => lab::serve,
        Some("bare") => bare::serve,
        _ => {
            eprintln!("usage: peer raw|axum|actix-web-lab|bare");
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

/// Listens at a free port and says so.
fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from(socket);
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?)?;
    stdout.flush()?;
    Ok(listener)
}

/// The id of the event that was published as number `number`, as long as an id of this project.
fn id(number: u64) -> String {
    format!("0123456789abcdef-{number}")
}
