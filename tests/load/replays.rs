//! Clients that ask for everything in a long journal.

use std::{
    fmt::{self, Display, Formatter},
    fs,
    io::Write,
    net::TcpStream,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use support::{App, Backend, DEADLINE, Server, Stream, http, on_every_backend};

use crate::{
    process::wait_until_idle,
    scale::{alone, figure, scale},
    stalled::cache,
};

on_every_backend! {
    replays_for_many_clients_delay_neither_saves_nor_events_nor_each_other_for_long
}

/// More than a server keeps in memory, and as many as the journal keeps.
const HISTORY_ENTRIES: usize = 10_000;

/// Some more than the 4,096 that a server keeps in memory.
const MISSED_ENTRIES: usize = 4_300;

/// No entry of the history has the event `rare`, so a client that asks for it has the server read all of
/// them, and receives nothing.
const ENV: &str = "SSE_EVENTS=a:k,rare:rare,probe:probe\nSSE_STREAM_DURATION=0\nSSE_TTL=0\n";
const PATH: &str = "/sse/stream?events=rare";

/// Short enough that users do not notice it, or longer than pauses of a busy machine.
fn max_delay() -> Duration {
    scale(Duration::from_millis(200), Duration::from_secs(5))
}

struct LongHistory {
    server: Server,
    epoch: String,
    /// The processor time that the server needs to read the whole history for one client.
    replay_cost: Duration,
    _app: App,
}

/// The longest times from a request that saves a value to its response, and to the value's event.
#[derive(Default)]
struct Slowest {
    save: Duration,
    event: Duration,
}

impl Slowest {
    fn check(&self) {
        assert!(
            self.save < max_delay() && self.event < max_delay(),
            "{self}"
        );
    }
}

impl Display for Slowest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (save, event) = (self.save.as_millis(), self.event.as_millis());
        write!(
            f,
            "the slowest save took {save} ms, and the slowest event {event} ms"
        )
    }
}

impl LongHistory {
    fn start(backend: Backend) -> Self {
        let app = App::in_memory();
        fs::write(app.path().join(".env"), ENV).unwrap();
        let app = app.on(backend);
        let cache = cache(&app);
        for _ in 0..HISTORY_ENTRIES {
            cache.save_blocking("k", "x".repeat(300)).unwrap();
        }
        cache.save_blocking("rare", "the last entry").unwrap();
        let server = app.start();
        let position = Stream::open(server.address(), PATH, None).next();
        let (epoch, _) = position.id.as_deref().unwrap().split_once('-').unwrap();
        let mut history = Self {
            epoch: epoch.to_owned(),
            server,
            replay_cost: Duration::ZERO,
            _app: app,
        };
        wait_until_idle(&history.server);
        let before = history.server.cpu_time();
        history.stream(PATH, 0).next_event();
        history.replay_cost = history.server.cpu_time() - before;
        history
    }

    /// Requests the whole history for as many clients, which do not read the answer.
    fn request(&self, count: usize) -> Vec<TcpStream> {
        let request = format!(
            "GET {PATH} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {}-0\r\n\r\n",
            self.epoch
        );
        let open = |_| {
            let mut client = TcpStream::connect(self.server.address()).unwrap();
            client.write_all(request.as_bytes()).unwrap();
            client
        };
        (0..count).map(open).collect()
    }

    /// A client that has received this many entries.
    fn stream(&self, path: &str, received: usize) -> Stream {
        let id = format!("{}-{received}", self.epoch);
        Stream::open(self.server.address(), path, Some(&id))
    }

    /// Has a handler of the app save a value every 20 ms.
    fn measure_saves(&self, saves: usize) -> JoinHandle<Slowest> {
        let address = self.server.address().to_owned();
        let stream = Stream::open(&address, "/sse/stream?events=probe", None);
        thread::spawn(move || {
            let mut slowest = Slowest::default();
            for _ in 0..saves {
                let start = Instant::now();
                let headers = [("Content-Type", "application/json"), ("Host", "localhost")];
                let answer = http::request(&address, "POST /trigger/probe", &headers, "1");
                assert_eq!(answer.status, 204);
                slowest.save = slowest.save.max(start.elapsed());
                stream.next_event();
                slowest.event = slowest.event.max(start.elapsed());
                thread::sleep(Duration::from_millis(20));
            }
            slowest
        })
    }
}

#[test]
fn replays_for_clients_that_have_hung_up_cost_little_and_delay_no_save() {
    let _alone = alone();
    let count = scale(1_000, 200);
    let history = LongHistory::start(Backend::Folder);
    let saves = history.measure_saves(scale(200, 50));
    let before = history.server.cpu_time();
    drop(history.request(count));
    let slowest = saves.join().unwrap();
    wait_until_idle(&history.server);
    let cost = history.server.cpu_time() - before;
    figure(
        &format!("{count} clients that request {HISTORY_ENTRIES} entries and hang up cost"),
        format!(
            "{} ms of processor time, compared with {} ms for one that stays; meanwhile, {slowest}",
            cost.as_millis(),
            history.replay_cost.as_millis(),
        ),
    );
    assert!(
        cost < 10 * history.replay_cost,
        "their replays were not cancelled"
    );
    slowest.check();
}

fn replays_for_many_clients_delay_neither_saves_nor_events_nor_each_other_for_long(
    backend: Backend,
) {
    let _alone = alone();
    let count = scale(1_000, 200);
    let history = LongHistory::start(backend);
    let saves = history.measure_saves(scale(200, 50));
    let clients = history.request(count);
    let start = Instant::now();
    let missed = history.stream("/sse/stream?events=a", HISTORY_ENTRIES - MISSED_ENTRIES);
    for _ in 0..MISSED_ENTRIES {
        missed.next_event();
    }
    let caught_up = start.elapsed();
    let slowest = saves.join().unwrap();
    figure(
        &format!(
            "while {count} clients request {HISTORY_ENTRIES} entries, one that missed {MISSED_ENTRIES} has \
             them after"
        ),
        format!("{} ms; {slowest}", caught_up.as_millis()),
    );
    slowest.check();
    assert!(caught_up < scale(Duration::from_secs(15), DEADLINE));
    drop(clients);
    wait_until_idle(&history.server);
}

#[test]
fn clients_that_missed_the_same_entries_share_the_cost_of_reading_them() {
    let _alone = alone();
    let count = scale(1_000_u32, 50);
    let history = LongHistory::start(Backend::Folder);
    let before = history.server.cpu_time();
    let streams: Vec<_> = (0..count).map(|_| history.stream(PATH, 0)).collect();
    for stream in &streams {
        assert_eq!(stream.next_event().name(), "rare");
    }
    let each = (history.server.cpu_time() - before) / count;
    figure(
        &format!("each of {count} clients that request the same {HISTORY_ENTRIES} entries costs"),
        format!(
            "{:.1} ms of processor time, and {} ms alone",
            each.as_secs_f64() * 1_000.0,
            history.replay_cost.as_millis()
        ),
    );
    assert!(each < history.replay_cost / 4);
}
