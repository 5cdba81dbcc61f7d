//! An address that forwards connections to a server, which can be replaced.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    Forwarded,
    /// Requests reach the server, but no answers the client.
    WithoutAnswers,
    /// New connections are closed at once.
    Refused,
}

/// Forwards connections to a port of this machine. It ends with the test's process.
pub struct Forwarder {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    target: u16,
    traffic: Traffic,
    /// Both ends of the open connections.
    open: Vec<TcpStream>,
}

impl Forwarder {
    #[must_use]
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            target,
            traffic: Traffic::Forwarded,
            open: Vec::new(),
        }));
        thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for client in listener.incoming().map_while(Result::ok) {
                    forward(&state, client);
                }
            }
        });
        Self { port, state }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Forwards new connections to this port, and cuts the open ones.
    pub fn switch(&self, target: u16) {
        lock(&self.state).target = target;
        self.cut();
    }

    /// Changes what happens to all connections.
    pub fn set_traffic(&self, traffic: Traffic) {
        lock(&self.state).traffic = traffic;
        if traffic == Traffic::Refused {
            self.cut();
        }
    }

    /// Cuts the open connections.
    pub fn cut(&self) {
        for stream in lock(&self.state).open.drain(..) {
            // The other side may have closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forward(state: &Arc<Mutex<State>>, client: TcpStream) {
    let target = {
        let state = lock(state);
        if state.traffic == Traffic::Refused {
            return;
        }
        SocketAddr::from((Ipv4Addr::LOCALHOST, state.target))
    };
    let Ok(server) = TcpStream::connect(target) else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (Ok(client_end), Ok(server_end)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    {
        let mut state = lock(state);
        // The server was replaced while this connected to it.
        if state.target != target.port() {
            return;
        }
        // Ended connections are dropped, so that their number stays small.
        state.open.retain(|stream| stream.peer_addr().is_ok());
        state.open.extend([client_end, server_end]);
    }
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    thread::spawn(move || copy(from_client, to_server, || true));
    let state = Arc::clone(state);
    thread::spawn(move || {
        copy(server, client, || {
            lock(&state).traffic != Traffic::WithoutAnswers
        });
    });
}

/// Copies until one side is closed. What arrives while `is_passed` is false is dropped, and then nothing that follows
/// would have a meaning: the connection is closed.
fn copy(mut from: TcpStream, mut to: TcpStream, is_passed: impl Fn() -> bool) {
    let (mut buffer, mut is_broken) = ([0; 16 * 1024], false);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let passes = is_passed();
        if is_broken && passes {
            break;
        }
        is_broken |= !passes;
        if passes && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
