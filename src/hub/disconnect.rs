//! Ends the connections of clients that do not read, once all streams have to end.
//!
//! actix-web asks a body for more only when the client has taken what came before. A stream whose
//! client does not read is never asked, so it cannot end by itself, and actix-web would wait for its
//! connection until `shutdown_timeout` is over. A library has no handle to that connection. It knows
//! both ends of it from the request, though, and finds its descriptor by them among those of the
//! process. Shut down, the connection is dropped by actix-web at once.
//!
//! All of this happens on the thread that the connection belongs to.

use std::{
    collections::HashMap,
    mem,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use actix_web::{HttpRequest, http::Version, rt};
use tokio::time::sleep;

use super::worker::Worker;

/// How often sockets are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A client does not read if it has taken nothing at so many looks in a row, with its socket full.
const IDLE_LOOKS: u32 = 3;

/// A client whose socket is still full at so many looks is too slow. This is before the second is over
/// after which actix-web looks for the first time whether all connections have ended.
const FULL_LOOKS: u32 = 8;

/// No client is looked at more often.
const MAX_LOOKS: u32 = 100;

/// Both ends of a TCP connection, as far as they tell it from every other connection of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Endpoints {
    client: Ipv6Addr,
    client_port: u16,
    server_port: u16,
}

impl Endpoints {
    /// `None` where the connection cannot be told from others, as over a Unix socket, or is not the
    /// stream's alone: HTTP/2 carries other requests over it.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        if request.version() > Version::HTTP_11 {
            return None;
        }
        let server_port = request.app_config().local_addr().port();
        Some(Self::new(request.peer_addr()?, server_port))
    }

    fn new(client: SocketAddr, server_port: u16) -> Self {
        Self {
            client: match client.ip() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            },
            client_port: client.port(),
            server_port,
        }
    }
}

/// The connections of the streams of one thread.
#[derive(Default)]
pub(super) struct Connections {
    /// By the place of the stream.
    open: Vec<Option<Endpoints>>,
    /// Those whose streams ended because all were told to: the last bytes may still wait to be sent.
    ended: Vec<Endpoints>,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Serving,
    Disconnecting,
    Done,
}

impl Connections {
    pub(super) fn join(&mut self, place: usize, endpoints: Option<Endpoints>) {
        if place >= self.open.len() {
            self.open.resize(place + 1, None);
        }
        self.open[place] = endpoints;
    }

    pub(super) fn leave(&mut self, place: usize) {
        self.open[place] = None;
    }

    /// The stream ends because all are told to.
    pub(super) fn end(&mut self, place: usize) {
        if self.state != State::Done {
            self.ended.extend(self.open[place].take());
        }
    }

    /// `false` if that has begun before.
    fn begin(&mut self) -> bool {
        let is_new = self.state == State::Serving;
        if is_new {
            self.state = State::Disconnecting;
        }
        is_new
    }

    fn finish(&mut self) {
        self.state = State::Done;
        self.ended = Vec::new();
    }

    /// Each with the place of its stream, if that is open.
    fn all(&self) -> HashMap<Endpoints, Option<usize>> {
        let ended = self.ended.iter().map(|endpoints| (*endpoints, None));
        let open = self.open.iter().enumerate();
        let open = open.filter_map(|(place, endpoints)| Some(((*endpoints)?, Some(place))));
        ended.chain(open).collect()
    }

    fn is_open(&self, suspect: &Suspect) -> bool {
        suspect.place.and_then(|place| self.open[place]) == Some(suspect.endpoints)
    }
}

/// A connection whose stream has to end.
struct Suspect {
    descriptor: imp::Descriptor,
    endpoints: Endpoints,
    place: Option<usize>,
    /// How many bytes the client had not taken at the last look.
    waiting: Option<u64>,
    /// Looks in a row at which the socket was full, and of those the last in a row at which the client
    /// had taken nothing.
    full_looks: u32,
    idle_looks: u32,
}

/// Disconnects the clients of this thread that do not read; called when all streams are told to
/// end.
pub(super) fn begin(worker: Rc<Worker>) {
    if worker.connections().begin() {
        rt::spawn(async move {
            disconnect(&worker).await;
            worker.connections().finish();
        });
    }
}

async fn disconnect(worker: &Worker) {
    sleep(LOOK_INTERVAL).await;
    let mut suspects = find(&worker.connections().all());
    for _ in 0..MAX_LOOKS {
        let mut disconnected = 0;
        suspects.retain_mut(|suspect| {
            let is_open = worker.connections().is_open(suspect);
            let verdict = suspect.look(is_open);
            disconnected += usize::from(verdict == Verdict::Disconnected);
            verdict == Verdict::LookAgain
        });
        if disconnected > 0 {
            log::info!("{disconnected} clients are disconnected that did not read to the end");
        }
        if suspects.is_empty() {
            break;
        }
        sleep(LOOK_INTERVAL).await;
    }
}

#[derive(PartialEq, Eq)]
enum Verdict {
    LookAgain,
    Disconnected,
    /// It has ended, or can end.
    Fine,
}

impl Suspect {
    fn look(&mut self, is_open: bool) -> Verdict {
        // The connection may be gone, and its descriptor another one's.
        let Some(socket) = self.descriptor.socket(&self.endpoints) else {
            return Verdict::Fine;
        };
        if socket.has_room() {
            (self.full_looks, self.idle_looks) = (0, 0);
            return if is_open {
                Verdict::LookAgain
            } else {
                Verdict::Fine
            };
        }
        let before = mem::replace(&mut self.waiting, socket.waiting());
        self.full_looks += 1;
        self.idle_looks = if before == self.waiting {
            self.idle_looks + 1
        } else {
            1
        };
        if self.idle_looks < IDLE_LOOKS && self.full_looks < FULL_LOOKS {
            return Verdict::LookAgain;
        }
        socket.shut_down();
        Verdict::Disconnected
    }
}

/// The descriptors of these connections.
fn find(connections: &HashMap<Endpoints, Option<usize>>) -> Vec<Suspect> {
    if connections.is_empty() {
        return Vec::new();
    }
    let descriptors = imp::Descriptor::all().into_iter();
    let found = descriptors.filter_map(|descriptor| {
        let endpoints = descriptor.endpoints()?;
        Some(Suspect {
            descriptor,
            endpoints,
            place: *connections.get(&endpoints)?,
            waiting: None,
            full_looks: 0,
            idle_looks: 0,
        })
    });
    found.collect()
}

mod imp {
    use std::{
        fs,
        net::Shutdown,
        os::fd::{BorrowedFd, RawFd},
    };

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use socket2::SockRef;

    use super::Endpoints;
    use crate::platform::tcp;

    /// Where the system lists the descriptors of a process. This reads no disk.
    const LISTS: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

    /// As many are tried where there is no such list.
    const MAX_TRIED: RawFd = 65_536;

    /// The number of a descriptor. It may be closed at any time, unless it is of a connection of
    /// this thread.
    pub(super) struct Descriptor(RawFd);

    /// A connection of this thread.
    pub(super) struct Socket<'a>(BorrowedFd<'a>);

    impl Descriptor {
        pub(super) fn all() -> Vec<Self> {
            match LISTS.iter().find_map(|list| fs::read_dir(list).ok()) {
                Some(list) => list
                    .flatten()
                    .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
                    .map(Self)
                    .collect(),
                None => (0..MAX_TRIED).map(Self).collect(),
            }
        }

        /// Both ends of it, if it is a TCP connection.
        pub(super) fn endpoints(&self) -> Option<Endpoints> {
            let descriptor = self.borrow();
            let socket = SockRef::from(&descriptor);
            let client = socket.peer_addr().ok()?.as_socket()?;
            let server = socket.local_addr().ok()?.as_socket()?;
            Some(Endpoints::new(client, server.port()))
        }

        /// The connection with these ends, if this is its descriptor still.
        pub(super) fn socket(&self, endpoints: &Endpoints) -> Option<Socket<'_>> {
            (self.endpoints().as_ref() == Some(endpoints)).then(|| Socket(self.borrow()))
        }

        #[allow(
            unsafe_code,
            reason = "actix-web gives nobody the sockets of its connections"
        )]
        fn borrow(&self) -> BorrowedFd<'_> {
            // SAFETY: the number is not -1. Should another thread close the descriptor meanwhile,
            // asking for its ends fails or gives those of another socket, and it is not used any
            // further. One whose ends are those of a connection of this thread stays open as long as
            // this borrow lasts, for only this thread closes it.
            unsafe { BorrowedFd::borrow_raw(self.0) }
        }
    }

    impl Socket<'_> {
        /// Whether it takes more, or has failed, which actix-web notices.
        pub(super) fn has_room(&self) -> bool {
            let mut descriptors = [PollFd::new(&self.0, PollFlags::OUT)];
            let now = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // A failed look proves nothing.
            poll(&mut descriptors, Some(&now)) != Ok(0)
        }

        /// How many bytes the client has not taken; `None` where the system does not say.
        pub(super) fn waiting(&self) -> Option<u64> {
            tcp::unacknowledged_bytes(self.0)
        }

        /// What the system has for the client is still sent, should it begin to read.
        pub(super) fn shut_down(&self) {
            // It may have failed meanwhile, which does as well.
            let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// The server's end of a connection whose buffers are full, and the client's.
    fn full() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        client.set_nonblocking(true).unwrap();
        fill(&mut server);
        (server, client)
    }

    fn fill(server: &mut TcpStream) {
        while server.write(&[0; 64 * 1024]).is_ok() {}
    }

    fn suspect(server: &TcpStream) -> Suspect {
        let port = server.local_addr().unwrap().port();
        let endpoints = Endpoints::new(server.peer_addr().unwrap(), port);
        let mut found = find(&HashMap::from([(endpoints, Some(0))]));
        assert_eq!(found.len(), 1, "one end of it is the server's");
        found.pop().unwrap()
    }

    fn looks_until_disconnected(suspect: &mut Suspect, mut before: impl FnMut()) -> Option<u32> {
        (1..=MAX_LOOKS).find(|_| {
            before();
            suspect.look(true) == Verdict::Disconnected
        })
    }

    #[test]
    fn a_client_that_takes_nothing_is_disconnected() {
        let (mut server, _client) = full();
        let mut suspect = suspect(&server);
        let looks = looks_until_disconnected(&mut suspect, || {});
        assert_eq!(looks, Some(IDLE_LOOKS));
        assert!(server.write(&[0]).is_err());
    }

    #[test]
    fn a_client_that_reads_has_more_time() {
        let (mut server, mut client) = full();
        let mut suspect = suspect(&server);
        let mut received = 0;
        let looks = looks_until_disconnected(&mut suspect, || {
            // More than a window update, so that the server's end hears of it.
            for _ in 0..16 {
                received += client.read(&mut [0; 64 * 1024]).unwrap_or(0);
            }
            received += 1;
            std::thread::sleep(Duration::from_millis(5));
            while server.write(&vec![0; 1 + received % 1_000]).is_ok() {}
        });
        // A system that does not report what the client has read cannot give it more time.
        let expected = if crate::platform::IS_LINUX {
            FULL_LOOKS
        } else {
            IDLE_LOOKS
        };
        assert_eq!(looks, Some(expected), "{received} bytes");
    }

    #[test]
    fn a_client_that_has_room_is_left_alone_until_its_stream_has_ended() {
        let (server, mut client) = full();
        let mut suspect = suspect(&server);
        assert!(suspect.look(true) == Verdict::LookAgain);
        while !suspect
            .descriptor
            .socket(&suspect.endpoints)
            .unwrap()
            .has_room()
        {
            let _ = client.read(&mut [0; 64 * 1024]);
        }
        let looks = looks_until_disconnected(&mut suspect, || {});
        assert_eq!(looks, None);
        assert!(suspect.look(false) == Verdict::Fine);
    }

    #[test]
    fn another_connection_under_the_same_descriptor_is_left_alone() {
        let (server, _client) = full();
        let (other, _other_client) = full();
        let mut suspect = suspect(&server);
        suspect.descriptor = self::suspect(&other).descriptor;
        assert!(suspect.look(true) == Verdict::Fine);
    }
}
