//! The clients: many, on one thread, each as a browser is, but less patient.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

use support::oracle::At;

use crate::{
    clock::Clock,
    model::{Filter, Id},
    parser::{Block, Parser, Reason},
    server::{Address, Addresses},
};

/// What clients do at the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Chaos,
    /// They come, and stay.
    Calm,
    Done,
}

/// One line of what happened to a client.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A request was sent.
    Request {
        at: At,
        server: usize,
        filter: Filter,
        sent: Sent,
    },
    /// The head of the answer was there.
    Answer {
        at: At,
        status: u16,
    },
    Block {
        at: At,
        block: Block,
    },
}

/// The id that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// None: a new client.
    Nothing,
    /// The last one that it had.
    Last(Id),
    /// One that no server gave to it.
    Invented(Id),
    /// Something that is no id.
    Garbage,
}

/// Where a client is now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status {
    pub(crate) last: Option<Id>,
    pub(crate) filter: Filter,
    pub(crate) is_open: bool,
    /// When it was put to where it is as one that is new: what was over by then is nothing to it.
    pub(crate) new_at: Option<At>,
}

/// All clients of a run.
pub(crate) struct Clients {
    phase: watch::Sender<Phase>,
    status: Arc<Vec<Mutex<Status>>>,
    thread: JoinHandle<Vec<Vec<Record>>>,
}

pub(crate) struct Client {
    pub(crate) rng: Rng,
    clock: Arc<Clock>,
    pub(crate) addresses: Addresses,
    phase: watch::Receiver<Phase>,
    all: Arc<Vec<Mutex<Status>>>,
    index: usize,
    filter: Filter,
    pub(crate) last: Option<Id>,
    records: Vec<Record>,
}

/// How a visit ends, if not by the server.
struct Visit {
    after: Duration,
    after_bytes: usize,
    /// Now and then nothing is read for a while.
    stalls: bool,
}

impl Clients {
    pub(crate) fn start(
        count: usize,
        seed: u64,
        clock: &Arc<Clock>,
        addresses: &Addresses,
    ) -> Self {
        let (sender, phase) = watch::channel(Phase::Chaos);
        let status = Status {
            last: None,
            filter: Filter::ALL,
            is_open: false,
            new_at: None,
        };
        let all: Arc<Vec<_>> = Arc::new((0..count).map(|_| Mutex::new(status)).collect());
        let clients: Vec<Client> = (0..count)
            .map(|index| Client {
                rng: Rng::with_seed(seed ^ ((index as u64 + 1) << 40)),
                clock: Arc::clone(clock),
                addresses: Arc::clone(addresses),
                phase: phase.clone(),
                all: Arc::clone(&all),
                index,
                filter: Filter::ALL,
                last: None,
                records: Vec::new(),
            })
            .collect();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let tasks: Vec<_> = clients
                    .into_iter()
                    .map(|client| tokio::spawn(client.live()))
                    .collect();
                let mut records = Vec::new();
                for task in tasks {
                    records.push(task.await.unwrap());
                }
                records
            })
        });
        Self {
            phase: sender,
            status: all,
            thread,
        }
    }

    pub(crate) fn calm(&self) {
        self.phase.send_replace(Phase::Calm);
    }

    pub(crate) fn status(&self) -> Vec<Status> {
        self.status
            .iter()
            .map(|status| *status.lock().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }

    pub(crate) fn end(self) -> Vec<Vec<Record>> {
        self.phase.send_replace(Phase::Done);
        self.thread.join().unwrap()
    }
}

impl Client {
    async fn live(mut self) -> Vec<Record> {
        self.filter = self.some_filter();
        loop {
            let phase = *self.phase.borrow_and_update();
            if phase == Phase::Done {
                return self.records;
            }
            if let Some(address) = self.some_server() {
                self.visit(&address, phase).await;
                self.publish(false);
            }
            let away = match phase {
                Phase::Chaos => self.some_absence(),
                _ => Duration::from_millis(20),
            };
            tokio::select! {
                () = sleep(away) => {}
                _ = self.phase.changed() => {}
            }
        }
    }

    async fn visit(&mut self, address: &Address, phase: Phase) {
        if phase == Phase::Chaos && self.rng.u32(..10) == 0 {
            self.filter = self.some_filter();
        }
        let sent = self.some_id(phase);
        let visit = Visit {
            after: match (phase, self.rng.u32(..100)) {
                (Phase::Chaos, 0..80) => Duration::from_millis(self.rng.u64(1..400)),
                (Phase::Chaos, 80..95) => Duration::from_millis(self.rng.u64(1..3_000)),
                _ => Duration::from_secs(3_600),
            },
            after_bytes: match (phase, self.rng.u32(..3)) {
                (Phase::Chaos, 0) => self.rng.usize(1..20_000),
                _ => usize::MAX,
            },
            stalls: phase == Phase::Chaos && self.rng.u32(..8) == 0,
        };
        let Ok(socket) = self.connect(address).await else {
            return;
        };
        let at = self.clock.now();
        self.records.push(Record::Request {
            at,
            server: address.server,
            filter: self.filter,
            sent,
        });
        if !matches!(sent, Sent::Last(_)) {
            // It forgets what it was, until a server says so.
            self.last = None;
        }
        self.publish(true);
        let mut phase = self.phase.clone();
        tokio::select! {
            () = self.talk(socket, address, sent, &visit) => {}
            () = sleep(visit.after) => {}
            _ = phase.wait_for(|phase| *phase == Phase::Done) => {}
        }
    }

    async fn connect(&self, address: &Address) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        // Little is under way at a time, so that who reads slowly is soon behind.
        socket.set_recv_buffer_size(4 * 1024)?;
        let address = address.address.parse().unwrap();
        // The kernel takes connections for a server that is stopped, up to a point.
        timeout(Duration::from_secs(5), socket.connect(address)).await?
    }

    /// Sends the request and takes what comes, until the server ends it or this is dropped. A
    /// block that is unfinished then was never dispatched.
    async fn talk(&mut self, mut socket: TcpStream, address: &Address, sent: Sent, visit: &Visit) {
        let request = self.request(address, sent);
        if socket.write_all(request.as_bytes()).await.is_err() {
            return;
        }
        let (mut parser, mut blocks) = (Parser::default(), Vec::new());
        let mut buffer = [0; 4 * 1024];
        let (mut left, mut answered) = (visit.after_bytes, false);
        while left > 0 {
            if visit.stalls && self.rng.u32(..4) == 0 {
                sleep(Duration::from_millis(self.rng.u64(50..600))).await;
            }
            let most = buffer.len().min(left);
            let Ok(count @ 1..) = socket.read(&mut buffer[..most]).await else {
                return;
            };
            left -= count;
            parser.feed(&buffer[..count], &mut blocks);
            let at = self.clock.now();
            if let (false, Some(status)) = (answered, parser.status()) {
                answered = true;
                self.records.push(Record::Answer { at, status });
            }
            for block in blocks.drain(..) {
                self.take(at, block);
            }
        }
    }

    fn request(&mut self, address: &Address, sent: Sent) -> String {
        let mut query = self.filter.query();
        let mut header = String::new();
        let id = match sent {
            Sent::Nothing => None,
            Sent::Last(id) | Sent::Invented(id) => Some(id.to_string()),
            Sent::Garbage => {
                Some(["0", "x-1", "-", "ffffffffffffffff"][self.rng.usize(..4)].into())
            }
        };
        if let Some(id) = id {
            if self.rng.bool() {
                header = format!("Last-Event-ID: {id}\r\n");
            } else {
                let mark = if query.is_empty() { '?' } else { '&' };
                query.push_str(&format!("{mark}last_event_id={id}"));
            }
        }
        let host = &address.address;
        format!("GET /sse/stream{query} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n")
    }

    fn take(&mut self, at: At, block: Block) {
        let (id, is_new) = match &block {
            Block::Gap { reason, id } => (
                Some(*id),
                matches!(reason, Reason::UnknownId | Reason::OtherEpoch),
            ),
            Block::Event { id, .. } => (Some(*id), false),
            Block::Heartbeat { id } => (*id, self.last.is_none()),
            Block::Strange(_) => (None, false),
        };
        self.records.push(Record::Block { at, block });
        if id.is_some() {
            self.last = id;
            let mut status = self.status();
            status.last = id;
            if is_new {
                status.new_at = Some(at);
            }
        }
    }

    fn publish(&self, is_open: bool) {
        *self.status() = Status {
            last: self.last,
            filter: self.filter,
            is_open,
            new_at: None,
        };
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        let status = self.all[self.index].lock();
        status.unwrap_or_else(PoisonError::into_inner)
    }
}
