//! Many clients on one thread, which read and count events.

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
pub(crate) use self::client::Recording;
use crate::system;

/// Requests sent before their responses are awaited. Every server's accept queue has room for them.
const MAX_PENDING_REQUESTS: usize = 256;

/// Far more than any server needs: what takes longer never happens.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// Stands in a target for the number of the client, so that each has a target of its own.
pub(crate) const CLIENT_NUMBER: &str = "{client}";

/// The clients of one server.
pub(crate) struct Clients {
    epoll: OwnedFd,
    address: SocketAddr,
    request: String,
    clients: Vec<Option<Client>>,
    events: Vec<Event>,
    buffer: Vec<u8>,
    reconnects: bool,
    records: bool,
    pub(crate) counts: Counts,
}

/// What the clients have counted.
pub(crate) struct Counts {
    /// Open streams.
    pub(crate) open: usize,
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    /// Connections that the server has ended.
    pub(crate) ended: u64,
    /// From before publishing to after reading, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
}

/// The share of the time in which the clients' thread was busy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load(pub(crate) f64);

/// A thread that is busy for a larger share of the time may be the bottleneck.
const BOTTLENECK_LOAD: f64 = 0.9;

impl Load {
    /// Whether the clients may have been slower than the server.
    pub(crate) fn is_bottleneck(self) -> bool {
        self.0 > BOTTLENECK_LOAD
    }
}

impl Clients {
    /// `head` is added to the headers that every server gets.
    pub(crate) fn new(address: SocketAddr, target: &str, head: &str) -> io::Result<Self> {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{head}\r\n"
        );
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            address,
            request,
            clients: Vec::new(),
            events: Vec::with_capacity(1024),
            buffer: vec![0; 256 * 1024],
            reconnects: false,
            records: false,
            counts: Counts {
                open: 0,
                deliveries: 0,
                bytes: 0,
                ended: 0,
                latency: Histogram::new(3).map_err(io::Error::other)?,
            },
        })
    }

    /// From now on, a client whose stream ends reconnects at once.
    pub(crate) fn reconnect_when_ended(&mut self) {
        self.reconnects = true;
    }

    /// Streams that open from now on record what they receive.
    pub(crate) fn record(&mut self) {
        self.records = true;
    }

    /// What each open stream has recorded.
    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Recording> {
        self.clients.iter().flatten().filter_map(Client::recording)
    }

    /// Opens `count` more streams, and waits for their responses.
    pub(crate) fn open(&mut self, count: usize) -> io::Result<()> {
        let (open, ended) = (self.counts.open, self.counts.ended);
        for sent in 0..count {
            let index = self.clients.len();
            let client = self.connect(index)?;
            self.clients.push(Some(client));
            if (sent + 1) % MAX_PENDING_REQUESTS == 0 || sent + 1 == count {
                self.read_until("the streams open", OPEN_TIMEOUT, |counts| {
                    counts.open + usize::try_from(counts.ended - ended).unwrap_or(0) > open + sent
                })?;
                if self.counts.ended > ended && !self.reconnects {
                    return Err(io::Error::other("the server refuses streams"));
                }
            }
        }
        Ok(())
    }

    fn connect(&self, index: usize) -> io::Result<Client> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        // Closing a connection frees its port at once.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.connect(&self.address.into())?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        let request = (self.request).replace(CLIENT_NUMBER, &index.to_string());
        stream.write_all(request.as_bytes())?;
        stream.set_nonblocking(true)?;
        epoll::add(
            &self.epoll,
            &stream,
            EventData::new_u64(index as u64),
            EventFlags::IN,
        )?;
        Ok(Client::new(stream, self.records.then(Recording::default)))
    }

    /// Reads until `is_done`. Fails after `timeout`; `expected` describes what was awaited.
    pub(crate) fn read_until(
        &mut self,
        expected: &str,
        timeout: Duration,
        is_done: impl Fn(&Counts) -> bool,
    ) -> io::Result<Load> {
        let start = Instant::now();
        let cpu_time = system::thread_cpu_time();
        while !is_done(&self.counts) {
            if start.elapsed() > timeout {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "timed out after {timeout:?} before {expected}: {} streams, {} deliveries, {} \
                         ended",
                        self.counts.open, self.counts.deliveries, self.counts.ended
                    ),
                ));
            }
            self.read(Duration::from_millis(100))?;
        }
        Ok(load(start, cpu_time))
    }

    /// Reads for this time.
    pub(crate) fn read_for(&mut self, time: Duration) -> io::Result<Load> {
        let start = Instant::now();
        let cpu_time = system::thread_cpu_time();
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.read(left.min(Duration::from_millis(100)))?;
        }
        Ok(load(start, cpu_time))
    }

    /// Reads what has arrived, or waits for more.
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
            let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            self.read_client(index)?;
        }
        self.events = events;
        Ok(())
    }

    fn read_client(&mut self, index: usize) -> io::Result<()> {
        let Some(client) = &mut self.clients[index] else {
            return Ok(());
        };
        let kept = client.restore_kept(&mut self.buffer);
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
        self.clients[index] = None;
        if self.reconnects {
            self.clients[index] = Some(self.connect(index)?);
        }
        Ok(())
    }
}

/// The load since `start`, when the thread had used `cpu_time`.
fn load(start: Instant, cpu_time: Duration) -> Load {
    let used = system::thread_cpu_time() - cpu_time;
    Load(used.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9))
}
