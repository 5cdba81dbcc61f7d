//! The network between a browser and a server, which a test can cut in different ways.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What happens to those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// A proxy answers for a server that is not there.
    Unavailable,
    /// Whatever is sent is lost, and nobody is told.
    Silent,
}

/// One address, with a server behind it.
pub(crate) struct Gate {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

struct State {
    way: Way,
    /// The connections that lead through.
    open: Vec<Passage>,
}

/// A connection, and whether what is sent on it still arrives.
struct Passage {
    is_lost: Arc<Mutex<bool>>,
    ends: [TcpStream; 2],
}

impl Gate {
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State {
            way: Way::Open,
            open: Vec::new(),
        }));
        let server = server.to_owned();
        let shared = Arc::clone(&state);
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = state.let_in(client, &server);
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on, who comes finds it like this.
    pub(crate) fn become_(&self, way: Way) {
        self.state().way = way;
    }

    /// Ends all connections, as a server that goes does.
    pub(crate) fn cut(&self) {
        for passage in self.state().open.drain(..) {
            passage.end();
        }
    }

    /// Loses what is sent on all connections from now on; neither end is told.
    pub(crate) fn lose(&self) {
        for passage in &self.state().open {
            *passage.is_lost.lock().unwrap() = true;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_in(&mut self, mut client: TcpStream, server: &str) -> io::Result<()> {
        match self.way {
            Way::Unavailable => {
                // What is not read would reset the connection before the answer has arrived.
                let mut request = [0; 4096];
                let _ = client.read(&mut request)?;
                return client.write_all(UNAVAILABLE);
            }
            Way::Open | Way::Silent => {}
        }
        // A server that is not there refuses the connection, which ends this one, too.
        let server = TcpStream::connect(server)?;
        let passage = Passage {
            is_lost: Arc::new(Mutex::new(self.way == Way::Silent)),
            ends: [client, server],
        };
        passage.carry(0, 1)?;
        passage.carry(1, 0)?;
        self.open.push(passage);
        Ok(())
    }
}

impl Passage {
    /// Passes on what comes from one end to the other.
    fn carry(&self, from: usize, to: usize) -> io::Result<()> {
        let mut from = self.ends[from].try_clone()?;
        let mut to = self.ends[to].try_clone()?;
        let is_lost = Arc::clone(&self.is_lost);
        thread::spawn(move || {
            let mut bytes = [0; 8192];
            loop {
                let read = from.read(&mut bytes).unwrap_or(0);
                if *is_lost.lock().unwrap() {
                    // Nor is the end of the connection told.
                    if read == 0 {
                        return;
                    }
                    continue;
                }
                if read == 0 || to.write_all(&bytes[..read]).is_err() {
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
            // It may have ended already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}
