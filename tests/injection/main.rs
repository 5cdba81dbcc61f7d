//! No value can forge, split or drop an event: values of all kinds, saved in all ways, arrive in
//! Chromium and in two other parsers exactly once and unchanged.
//!
//! Without variables, the events are the same in each run. `SSE_INJECTION_EVENTS` sets the number of events, which are
//! then random, and `SSE_INJECTION_SEED` repeats the events of an earlier run.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

mod cases;
mod digest;
mod names;
mod parsers;
mod saving;
mod value;

use std::{
    collections::{HashMap, VecDeque},
    env,
    time::Instant,
};

use actix_web_sse::{Cache, Config, Events};
use fastrand::Rng;
use support::{App, Backend, Server, log_run, on_every_backend, until};

use self::{
    cases::Expected,
    parsers::{ParsedEvent, Parsers},
};

/// Each kind of value is tried some hundred times in a folder. In Redis, the same bytes are stored.
fn default_events(backend: Backend) -> usize {
    match backend {
        Backend::Folder => 20_000,
        Backend::Redis => 4_000,
    }
}

const FIXED_SEED: u64 = 1;

/// This many events are saved before the parsers are read. The server keeps more in memory, so that
/// a slow parser misses nothing.
const BATCH_EVENTS: usize = 1_000;

/// How many of a thousand events are saved as drop-ins, and how many by the command.
const DROP_INS_PER_THOUSAND: usize = 40;
const COMMANDS_PER_THOUSAND: usize = 4;

on_every_backend! {
    every_saved_value_arrives_once_and_unchanged
}

fn every_saved_value_arrives_once_and_unchanged(backend: Backend) {
    let random_events = number("SSE_INJECTION_EVENTS");
    let count = random_events.map_or_else(
        || default_events(backend),
        |count| usize::try_from(count).unwrap(),
    );
    let random_seed = random_events.map_or(FIXED_SEED, |_| fastrand::u64(..));
    let seed = number("SSE_INJECTION_SEED").unwrap_or(random_seed);
    // The test runner prints this only if the test fails.
    println!("seed {seed}: SSE_INJECTION_SEED={seed} repeats these events");
    let start = Instant::now();
    let mut run = Run::start(backend, seed);
    while run.received < count {
        run.batch(BATCH_EVENTS.min(count - run.received));
    }
    run.finish();
    if let Ok(path) = env::var("SSE_INJECTION_LOG") {
        run.report(&path, backend, seed, start.elapsed().as_secs());
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// One event, with envelope and without, from each parser: in the order Rust, Node.js, Chromium.
struct ReceivedEvent {
    with_envelope: [ParsedEvent; 3],
    alone: [ParsedEvent; 3],
}

struct Run {
    rng: Rng,
    app: App,
    server: Server,
    cache: Cache,
    sse_events: String,
    events: Events,
    keys: Vec<String>,
    parsers: Parsers,
    /// The number of the next entry.
    next: u64,
    epoch: Option<String>,
    /// The number of events that each parser has returned.
    received: usize,
    broken: usize,
    by_drop_in: usize,
    by_command: usize,
}

impl Run {
    fn start(backend: Backend, seed: u64) -> Self {
        let pairs = names::pairs();
        let sse_events = names::sse_events(&pairs);
        let app = App::in_memory().on(backend);
        let environment = [
            ("SSE_EVENTS", sse_events.as_str()),
            ("SSE_STREAM_DURATION", "0"),
        ];
        let server = Server::start(app.path(), &environment);
        let mut config = Config::new(app.path(), &sse_events).unwrap();
        if let Some(url) = app.redis() {
            config = config.with_redis(url).unwrap();
        }
        let events = config.events().clone();
        let names: Vec<String> = events.names().map(str::to_owned).collect();
        assert_eq!(
            names.len(),
            pairs.len(),
            "every name is valid and unchanged"
        );
        let parsers = Parsers::connect(&server, &names);
        Self {
            rng: Rng::with_seed(seed),
            cache: Cache::open(&config).unwrap(),
            keys: events.keys().map(str::to_owned).collect(),
            app,
            server,
            sse_events,
            events,
            parsers,
            next: 1,
            epoch: None,
            received: 0,
            broken: 0,
            by_drop_in: 0,
            by_command: 0,
        }
    }

    fn batch(&mut self, count: usize) {
        let (drop_ins, commands) = (
            DROP_INS_PER_THOUSAND * count / 1_000,
            COMMANDS_PER_THOUSAND * count / 1_000,
        );
        self.rng.shuffle(&mut self.keys);
        let (expected, broken) = saving::by_drop_in(
            &mut self.rng,
            &self.app,
            &self.keys[..drop_ins.min(self.keys.len())],
        );
        self.by_drop_in += expected.len();
        self.broken += broken;
        self.expect_in_any_order(expected);

        let keys = &self.keys[..commands];
        let expected = saving::by_command(&mut self.rng, &self.app, &self.sse_events, keys);
        self.by_command += expected.len();
        self.expect(expected);

        let expected = saving::by_library(
            &mut self.rng,
            &self.cache,
            &self.keys,
            count.saturating_sub(drop_ins + commands).max(1),
        );
        self.expect(expected);
    }

    /// Each key has at most one value, so the name of an event identifies its value.
    fn expect_in_any_order(&mut self, expected: Vec<Expected>) {
        let received = self.receive(&expected);
        let mut by_key: HashMap<String, Expected> = expected
            .into_iter()
            .map(|expected| (expected.key.clone(), expected))
            .collect();
        let mut received: VecDeque<_> = received.into();
        while let Some(ReceivedEvent {
            with_envelope: [first, ..],
            ..
        }) = received.front()
        {
            let key = self
                .events
                .iter()
                .find(|(event, _)| *event == first.name)
                .map(|(_, key)| key);
            let expected = key.and_then(|key| by_key.remove(key));
            let expected = expected.unwrap_or_else(|| panic!("this was never saved: {first:?}"));
            self.compare(&expected, &mut received);
        }
        assert!(by_key.is_empty(), "never arrived: {by_key:?}");
    }

    fn expect(&mut self, expected: Vec<Expected>) {
        let mut received: VecDeque<_> = self.receive(&expected).into();
        for expected in expected {
            self.compare(&expected, &mut received);
        }
        assert!(received.is_empty());
    }

    /// The events of these values, from each parser.
    fn receive(&mut self, expected: &[Expected]) -> Vec<ReceivedEvent> {
        let count = expected
            .iter()
            .map(|expected| self.events.of_key(&expected.key).count())
            .sum();
        let with_envelope = self.in_each_parser(self.parsers.next(count), count);
        let alone = self.in_each_parser(self.parsers.next_alone(count), count);
        self.received += count;
        with_envelope
            .zip(alone)
            .map(|(with_envelope, alone)| ReceivedEvent {
                with_envelope,
                alone,
            })
            .collect()
    }

    fn in_each_parser(
        &self,
        [rust, node, chromium]: [Vec<ParsedEvent>; 3],
        count: usize,
    ) -> impl Iterator<Item = [ParsedEvent; 3]> + use<> {
        let counts = [rust.len(), node.len(), chromium.len()];
        if counts != [count; 3] {
            let last = [rust.last(), node.last(), chromium.last()];
            panic!(
                "of {count} events {counts:?} arrived, last {last:?}; {}",
                self.server.log()
            );
        }
        rust.into_iter()
            .zip(node)
            .zip(chromium)
            .map(|((rust, node), chromium)| [rust, node, chromium])
    }

    /// Expects the events of one value next, with their names, and the same from all parsers.
    fn compare(&mut self, expected: &Expected, received: &mut VecDeque<ReceivedEvent>) {
        let names: Vec<&str> = self.events.of_key(&expected.key).collect();
        for (at, name) in names.iter().enumerate() {
            let received = received.pop_front().unwrap();
            let [rust, node, chromium] = received.with_envelope;
            let data = || self.parsers.data(&chromium.id);
            let about = || format!("{expected:?}\nChromium has {:.2000}", data());
            let epoch = self
                .epoch
                .get_or_insert_with(|| rust.id.chars().take(16).collect());
            let id = match at + 1 {
                part if part == names.len() => format!("{epoch}-{}", self.next),
                _ => format!("{epoch}-{}.{:08x}", self.next, support::event_part(name)),
            };
            assert_eq!(
                (rust.id.as_str(), rust.name.as_str()),
                (id.as_str(), *name),
                "{}",
                about()
            );
            assert_eq!(chromium, node, "{}", about());
            let alone = ParsedEvent {
                id: id.clone(),
                name: rust.name.clone(),
                alone: chromium.alone.clone(),
                ..ParsedEvent::default()
            };
            for parsed in received.alone {
                assert_eq!(parsed, alone, "{}", about());
            }
            let without_value = ParsedEvent {
                value: None,
                alone: None,
                ..chromium.clone()
            };
            assert_eq!(without_value, rust, "{}", about());
            assert_eq!(
                chromium.value.as_ref(),
                Some(&expected.value),
                "{}",
                about()
            );
            if let Some(text) = &expected.text {
                assert_eq!(*text, rust.text, "{}", about());
            }
        }
        self.next += 1;
    }

    fn finish(&self) {
        // When this last value has arrived, nothing else can be on its way.
        self.cache.save_blocking(&self.keys[0], "the last").unwrap();
        let count = self.events.of_key(&self.keys[0]).count();
        let last = self.parsers.next(count);
        let last_alone = self.parsers.next_alone(count);
        let ends = |received: &[ParsedEvent]| {
            let end = format!("-{}", self.next);
            received
                .last()
                .is_some_and(|event| event.id.ends_with(&end))
        };
        let mut both = last.iter().chain(&last_alone);
        assert!(
            both.all(|received| ends(received)),
            "{last:?} {last_alone:?}"
        );
        assert!(self.parsers.have_no_more());
        until("the log reports each drop-in without a value", || {
            let reported = reported_as_skipped(&self.server.log());
            assert!(
                reported <= self.broken,
                "{reported} instead of {}",
                self.broken
            );
            (reported == self.broken).then_some(())
        });
        let log = self.server.log();
        let lines = log.lines().all(|line| !line.contains(char::is_control));
        assert!(lines, "a line of the log has a control character");
    }

    fn report(&self, path: &str, backend: Backend, seed: u64, seconds: u64) {
        let result = format!(
            "seed {seed}, {backend:?}: {} events in {seconds} s, {} of them by drop-in and {} by `sse save`; \
             each arrived once and unchanged in Chromium, eventsource-parser and sseer; \
             {} drop-ins without a value triggered nothing",
            self.received, self.by_drop_in, self.by_command, self.broken,
        );
        log_run(path, &result);
    }
}

/// How many drop-ins the log reports as skipped: the first ones of each interval of ten seconds one by one,
/// and then the number of the others.
fn reported_as_skipped(log: &str) -> usize {
    let counts = log.lines().filter_map(|line| {
        let (before, _) = line.split_once(" more drop-ins were skipped")?;
        before.rsplit(' ').next()?.parse::<usize>().ok()
    });
    log.matches("is skipped").count() + counts.sum::<usize>()
}
