//! Many clients on one thread, which read and count.

mod client;

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::event::{
    Timespec,
    epoll::{self, CreateFlags, Event, EventData, EventFlags},
};
use socket2::{Domain, Protocol, Socket, Type};

use self::client::Client;
use crate::system;

/// So many requests may be on their way at once, which every server's queue has room for.
const ON_THEIR_WAY: usize = 256;

/// Nothing takes longer than this, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The clients of one server.
pub(crate) struct Clients {
    epoll: OwnedFd,
    address: SocketAddr,
    request: Vec<u8>,
    clients: Vec<Option<Client>>,
    events: Vec<Event>,
    buffer: Vec<u8>,
    returning: bool,
    pub(crate) counts: Counts,
}

/// What the clients have met.
pub(crate) struct Counts {
    /// Whose answer has begun.
    pub(crate) open: usize,
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    /// Connections that the server has ended.
    pub(crate) ended: u64,
    /// From before the publishing to behind the reading, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

/// How busy the thread of the clients was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load(pub(crate) f64);

impl Load {
    /// A thread that is busy nearly all the time may be what everybody waits for.
    pub(crate) fn is_bottleneck(self) -> bool {
        self.0 > 0.9
    }
}

impl Clients {
    /// `head` are lines of the request beyond those that every server gets.
    pub(crate) fn of(address: SocketAddr, target: &str, head: &str) -> io::Result<Self> {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{head}\r\n"
        );
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            address,
            request: request.into_bytes(),
            clients: Vec::new(),
            events: Vec::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            returning: false,
            counts: Counts {
                open: 0,
                deliveries: 0,
                bytes: 0,
                ended: 0,
                latency: Histogram::new(3).map_err(io::Error::other)?,
            },
        })
    }

    /// From now on, a client whose stream ends comes back at once.
    pub(crate) fn come_back(&mut self) {
        self.returning = true;
    }

    /// Opens so many streams more, and waits until all of them are answered.
    pub(crate) fn open(&mut self, count: usize) -> io::Result<()> {
        let (open, ended) = (self.counts.open, self.counts.ended);
        for sent in 0..count {
            let place = self.clients.len();
            let client = self.connect(place)?;
            self.clients.push(Some(client));
            if (sent + 1) % ON_THEIR_WAY == 0 || sent + 1 == count {
                self.read_until("the streams open", PATIENCE, |counts| {
                    counts.open + usize::try_from(counts.ended - ended).unwrap_or(0) > open + sent
                })?;
                if self.counts.ended > ended && !self.returning {
                    return Err(io::Error::other("the server refuses streams"));
                }
            }
        }
        Ok(())
    }

    fn connect(&self, place: usize) -> io::Result<Client> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        // What is closed here is gone at once, and its port free.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.connect(&self.address.into())?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.write_all(&self.request)?;
        stream.set_nonblocking(true)?;
        epoll::add(
            &self.epoll,
            &stream,
            EventData::new_u64(place as u64),
            EventFlags::IN,
        )?;
        Ok(Client::new(stream))
    }

    /// Reads until `done`. It is an error when that takes longer than `patience`.
    pub(crate) fn read_until(
        &mut self,
        what: &str,
        patience: Duration,
        done: impl Fn(&Counts) -> bool,
    ) -> io::Result<Load> {
        let begin = Instant::now();
        let used = system::own_time();
        while !done(&self.counts) {
            if begin.elapsed() > patience {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "waited {patience:?} in vain until {what}: {} streams, {} deliveries, {} \
                         ended",
                        self.counts.open, self.counts.deliveries, self.counts.ended
                    ),
                ));
            }
            self.read(Duration::from_millis(100))?;
        }
        Ok(load(begin, used))
    }

    /// Reads for as long.
    pub(crate) fn read_for(&mut self, time: Duration) -> io::Result<Load> {
        let begin = Instant::now();
        let used = system::own_time();
        while let Some(left) = time.checked_sub(begin.elapsed()) {
            self.read(left.min(Duration::from_millis(100)))?;
        }
        Ok(load(begin, used))
    }

    /// Reads what is there, or waits for it.
    fn read(&mut self, wait: Duration) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: wait.subsec_nanos().into(),
        };
        self.events.clear();
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&timeout),
        )?;
        let events = std::mem::take(&mut self.events);
        for event in &events {
            let place = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            self.read_one(place)?;
        }
        self.events = events;
        Ok(())
    }

    fn read_one(&mut self, place: usize) -> io::Result<()> {
        let Some(client) = &mut self.clients[place] else {
            return Ok(());
        };
        let kept = client.recall(&mut self.buffer);
        let read = match client.stream.read(&mut self.buffer[kept..]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => 0,
        };
        if read > 0 && client.receive(&self.buffer[..kept + read], kept, &mut self.counts) {
            return Ok(());
        }
        if client.is_open() {
            self.counts.open -= 1;
        }
        self.counts.ended += 1;
        self.clients[place] = None;
        if self.returning {
            self.clients[place] = Some(self.connect(place)?);
        }
        Ok(())
    }
}

fn load(begin: Instant, used: Duration) -> Load {
    let used = system::own_time() - used;
    Load(used.as_secs_f64() / begin.elapsed().as_secs_f64().max(1e-9))
}
