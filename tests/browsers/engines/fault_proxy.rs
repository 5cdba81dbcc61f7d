//! A proxy between a browser and a server, which can simulate faults of the network.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The answer of a server that asks its clients to wait.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 600\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";

/// How the proxy handles connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Answers 503, like a proxy whose server is down.
    Unavailable,
    /// Drops all data, without closing the connections.
    Silent,
    /// Streams that are open stay open, and requests for others get [`BUSY`].
    Busy,
    /// Streams that are open stay open, and requests for others get no answer, like those to a server that
    /// is down.
    Closed,
}

/// An address that forwards to a server.
pub(crate) struct FaultProxy {
    pub(crate) address: String,
    state: Arc<Mutex<ProxyState>>,
}

struct ProxyState {
    mode: Mode,
    /// The forwarded connections.
    open: Vec<Tunnel>,
    /// The requests for streams that got no stream, in the modes [`Mode::Busy`] and [`Mode::Closed`].
    refused: usize,
}

/// A forwarded connection, and whether its data is dropped.
struct Tunnel {
    is_lost: Arc<Mutex<bool>>,
    ends: [TcpStream; 2],
}

impl FaultProxy {
    pub(crate) fn in_front_of(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(ProxyState {
            mode: Mode::Open,
            open: Vec::new(),
            refused: 0,
        }));
        let server = server.to_owned();
        let shared = Arc::clone(&state);
        // The thread ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut state = lock(&shared);
                let _ = state.accept(client, &server, &shared);
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How new connections are handled from now on.
    pub(crate) fn set_mode(&self, mode: Mode) {
        self.state().mode = mode;
    }

    pub(crate) fn refused(&self) -> usize {
        self.state().refused
    }

    /// Closes all connections, like a server that ends.
    pub(crate) fn cut(&self) {
        for tunnel in self.state().open.drain(..) {
            tunnel.end();
        }
    }

    /// Drops all data on all connections from now on, without closing them.
    pub(crate) fn lose(&self) {
        for tunnel in &self.state().open {
            *tunnel.is_lost.lock().unwrap() = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, ProxyState> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<ProxyState>) -> MutexGuard<'_, ProxyState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ProxyState {
    fn accept(
        &mut self,
        mut client: TcpStream,
        server: &str,
        shared: &Arc<Mutex<Self>>,
    ) -> io::Result<()> {
        match self.mode {
            Mode::Unavailable => {
                // Unread data would reset the connection before the response has arrived.
                let mut request = [0; 4096];
                let _ = client.read(&mut request)?;
                return client.write_all(UNAVAILABLE);
            }
            Mode::Open | Mode::Silent | Mode::Busy | Mode::Closed => {}
        }
        // If the server is down, this fails, and the client's connection is closed, too.
        let server = TcpStream::connect(server)?;
        let tunnel = Tunnel {
            is_lost: Arc::new(Mutex::new(self.mode == Mode::Silent)),
            ends: [client, server],
        };
        let shared = Arc::clone(shared);
        tunnel.forward(0, 1, move |bytes| lock(&shared).refusal(bytes))?;
        tunnel.forward(1, 0, |_| None)?;
        self.open.push(tunnel);
        Ok(())
    }

    /// What a client gets instead of an answer to what it has sent, before its connection is closed.
    fn refusal(&mut self, bytes: &[u8]) -> Option<&'static [u8]> {
        let answer: &[u8] = match self.mode {
            Mode::Busy => BUSY,
            Mode::Closed => &[],
            Mode::Open | Mode::Unavailable | Mode::Silent => return None,
        };
        let is_stream = bytes.starts_with(b"GET /sse/stream");
        self.refused += usize::from(is_stream);
        is_stream.then_some(answer)
    }
}

impl Tunnel {
    /// Forwards data from one end to the other, until there is a refusal.
    fn forward(
        &self,
        from: usize,
        to: usize,
        refusal: impl Fn(&[u8]) -> Option<&'static [u8]> + Send + 'static,
    ) -> io::Result<()> {
        let mut from = self.ends[from].try_clone()?;
        let mut to = self.ends[to].try_clone()?;
        let is_lost = Arc::clone(&self.is_lost);
        thread::spawn(move || {
            let mut bytes = [0; 8192];
            loop {
                let read = from.read(&mut bytes).unwrap_or(0);
                if *is_lost.lock().unwrap() {
                    // The end of the connection is not forwarded either.
                    if read == 0 {
                        return;
                    }
                    continue;
                }
                let refused = refusal(&bytes[..read]).map(|answer| from.write_all(answer));
                if read == 0 || refused.is_some() || to.write_all(&bytes[..read]).is_err() {
                    let _ = to.shutdown(Shutdown::Both);
                    let _ = from.shutdown(Shutdown::Both);
                    return;
                }
            }
        });
        Ok(())
    }

    fn end(&self) {
        for end in &self.ends {
            // The connection may have ended already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}
