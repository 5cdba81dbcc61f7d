//! The clients: many on one thread, each like a browser, but with shorter delays.

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
    audiences::{Grant, Held, Selection},
    clock::Clock,
    model::{Filter, Format, Id},
    parser::{Block, Parser, Reason},
    plan::Population,
    request::{Request, SentId},
    server::{Address, Addresses},
};

/// The status of a response that refuses an audience.
const FORBIDDEN: u16 = 403;

/// What clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Chaos,
    /// They connect and stay connected.
    Calm,
    Done,
}

/// One line of a client's log.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A request was sent.
    Request {
        at: At,
        server: usize,
        request: Request,
        sent: SentId,
    },
    /// The head of the response has arrived.
    Answer {
        at: At,
        status: u16,
        authenticated: Option<At>,
    },
    Block {
        at: At,
        block: Block,
    },
}

/// The state of a client.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) last: Option<Id>,
    pub(crate) selection: Selection,
    /// When the request of the open stream was authenticated.
    pub(crate) authenticated: Option<At>,
    pub(crate) is_open: bool,
    /// When a server last gave it the position of a new client: entries that had expired by then are
    /// irrelevant to it.
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
    /// One of the first users.
    pub(crate) user: usize,
    pub(crate) population: Population,
    filter: Filter,
    pub(crate) grants: Vec<Grant>,
    pub(crate) request: Request,
    pub(crate) last: Option<Id>,
    records: Vec<Record>,
}

/// How a visit ends, if the server does not end it.
struct Visit {
    after: Duration,
    after_bytes: usize,
    /// The client sometimes pauses reading.
    stalls: bool,
}

impl Clients {
    pub(crate) fn start(
        population: Population,
        seed: u64,
        clock: &Arc<Clock>,
        addresses: &Addresses,
    ) -> Self {
        let (sender, phase) = watch::channel(Phase::Chaos);
        let selection = Selection {
            filter: Filter::ALL,
            held: Arc::default(),
        };
        let status = Status {
            last: None,
            selection: selection.clone(),
            authenticated: None,
            is_open: false,
            new_at: None,
        };
        let count = population.clients;
        let all: Arc<Vec<_>> = Arc::new((0..count).map(|_| Mutex::new(status.clone())).collect());
        let clients: Vec<Client> = (0..count)
            .map(|index| Client {
                rng: Rng::with_seed(seed ^ ((index as u64 + 1) << 40)),
                clock: Arc::clone(clock),
                addresses: Arc::clone(addresses),
                phase: phase.clone(),
                all: Arc::clone(&all),
                index,
                user: index % population.traffic.users,
                population,
                filter: Filter::ALL,
                grants: Vec::new(),
                request: Request {
                    selection: selection.clone(),
                    format: Format::Envelope,
                    wants_latest: false,
                    is_forbidden: false,
                },
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
            .map(|status| {
                status
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
            })
            .collect()
    }

    pub(crate) fn end(self) -> Vec<Vec<Record>> {
        self.phase.send_replace(Phase::Done);
        self.thread.join().unwrap()
    }
}

impl Client {
    async fn live(mut self) -> Vec<Record> {
        self.filter = self.random_filter();
        self.grants = self.random_grants();
        let patience = u64::from(self.population.patience);
        sleep(Duration::from_millis(100 * self.rng.u64(..patience))).await;
        loop {
            let phase = *self.phase.borrow_and_update();
            if phase == Phase::Done {
                return self.records;
            }
            if let Some(address) = self.random_server() {
                self.visit(&address, phase).await;
                self.publish(false);
            }
            let away = match phase {
                Phase::Chaos => self.random_absence(),
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
            self.filter = self.random_filter();
        }
        if phase == Phase::Chaos && self.rng.u32(..6) == 0 {
            self.grants = self.random_grants();
        }
        // A client may resume in another format than before.
        let format = match self.rng.u32(..4) {
            0 => Format::Value,
            _ => Format::Envelope,
        };
        let sent = self.random_id(phase);
        let asked = self.random_asked(phase);
        let held = Held::new(&self.grants, &asked);
        self.request = Request {
            is_forbidden: held.is_none(),
            selection: Selection {
                filter: self.filter,
                held: Arc::new(held.unwrap_or_default()),
            },
            format,
            wants_latest: phase == Phase::Chaos && self.wants_latest(sent),
        };
        let text = self.request_text(address, phase, sent, &asked);
        let visit = Visit {
            after: match (phase, self.rng.u32(..100)) {
                (Phase::Chaos, 0..80) => self.random_stay(400),
                (Phase::Chaos, 80..95) => self.random_stay(3_000),
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
            request: self.request.clone(),
            sent,
        });
        if !matches!(sent, SentId::Last(_)) {
            // The client has no id until a server sends one.
            self.last = None;
        }
        self.publish(true);
        let mut phase = self.phase.clone();
        // The status of a client does not show which of the latest values it lacks.
        let wants_latest = self.request.wants_latest;
        tokio::select! {
            () = self.talk(socket, &text, &visit) => {}
            () = sleep(visit.after) => {}
            _ = phase.wait_for(|phase| *phase == Phase::Done || (*phase != Phase::Chaos && wants_latest)) => {}
        }
    }

    async fn connect(&self, address: &Address) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        // A small buffer, so that a slow client is soon behind.
        socket.set_recv_buffer_size(4 * 1024)?;
        let address = address.address.parse().unwrap();
        // The kernel accepts some connections for a stopped server.
        timeout(Duration::from_secs(5), socket.connect(address)).await?
    }

    /// Sends the request and reads until the server ends the stream or this is dropped. A block that is
    /// unfinished then is not dispatched.
    async fn talk(&mut self, mut socket: TcpStream, request: &str, visit: &Visit) {
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
            let count = buffer.len().min(left);
            let Ok(count @ 1..) = socket.read(&mut buffer[..count]).await else {
                return;
            };
            left -= count;
            parser.feed(&buffer[..count], &mut blocks);
            let at = self.clock.now();
            if let (false, Some(status)) = (answered, parser.status()) {
                answered = true;
                let authenticated = parser.authenticated();
                self.records.push(Record::Answer {
                    at,
                    status,
                    authenticated,
                });
                self.status().authenticated = authenticated;
                if status == FORBIDDEN {
                    return;
                }
            }
            for block in blocks.drain(..) {
                self.receive(at, block);
            }
        }
    }

    fn receive(&mut self, at: At, block: Block) {
        let (id, is_new) = match &block {
            Block::Gap { reason, id } => (
                Some(*id),
                matches!(reason, Reason::UnknownId | Reason::OtherEpoch),
            ),
            Block::Event { id, .. } => (Some(*id), false),
            Block::Heartbeat { id } => (*id, self.last.is_none()),
            Block::Unexpected(_) => (None, false),
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
            selection: self.request.selection.clone(),
            authenticated: None,
            is_open,
            new_at: None,
        };
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        let status = self.all[self.index].lock();
        status.unwrap_or_else(PoisonError::into_inner)
    }
}
