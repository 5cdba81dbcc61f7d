//! No value forges, splits or drops an event: values of all kinds, saved in all ways, arrive in
//! Chromium and in two other parsers exactly once and as they were.
//!
//! `SSE_INJECTION_EVENTS` says how many, `SSE_INJECTION_SEED` makes the same ones once more.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod digest;
mod names;
mod parsers;
mod saving;
mod value;

use std::{
    collections::{HashMap, VecDeque},
    env, fs,
    io::Write,
    time::Instant,
};

use actix_web_sse::{Cache, Config, Events};
use fastrand::Rng;
use support::{App, Server, workspace};

use self::{
    cases::Wanted,
    parsers::{Heard, Parsers},
};

/// Enough for every kind of value some hundred times.
const USUALLY: usize = 20_000;

/// As many are saved before all parsers are asked for them. The server keeps more in memory, so
/// that a slow parser misses nothing.
const BATCH: usize = 1_000;

/// Of a thousand events so many come as files, and so many by the command.
const DROP_INS: usize = 40;
const BY_COMMAND: usize = 4;

#[test]
fn whatever_is_saved_arrives_once_and_as_it_was() {
    let count =
        number("SSE_INJECTION_EVENTS").map_or(USUALLY, |count| usize::try_from(count).unwrap());
    let seed = number("SSE_INJECTION_SEED").unwrap_or_else(|| fastrand::u64(..));
    // Shown where the test fails.
    println!("seed {seed}: SSE_INJECTION_SEED={seed} makes the same events");
    let start = Instant::now();
    let mut run = Run::start(seed);
    while run.heard < count {
        run.batch(BATCH.min(count - run.heard));
    }
    run.finish();
    if let Ok(path) = env::var("SSE_INJECTION_LOG") {
        run.report(&path, seed, start.elapsed().as_secs());
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
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
    /// The number of the entry that comes next.
    next: u64,
    epoch: Option<String>,
    /// Events that each parser has had.
    heard: usize,
    broken: usize,
    by_drop_in: usize,
    by_command: usize,
}

impl Run {
    fn start(seed: u64) -> Self {
        let pairs = names::pairs();
        let sse_events = names::sse_events(&pairs);
        let app = App::in_memory();
        let environment = [
            ("SSE_EVENTS", sse_events.as_str()),
            ("SSE_STREAM_DURATION", "0"),
        ];
        let server = Server::start(app.path(), &environment);
        let config = Config::new(app.path(), &sse_events).unwrap();
        let events = config.events().clone();
        let names: Vec<String> = events.names().map(str::to_owned).collect();
        assert_eq!(
            names.len(),
            pairs.len(),
            "every name is allowed and stays as it is"
        );
        let parsers = Parsers::listen(&server, &names);
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
            heard: 0,
            broken: 0,
            by_drop_in: 0,
            by_command: 0,
        }
    }

    fn batch(&mut self, count: usize) {
        let (drop_ins, commands) = (DROP_INS * count / 1_000, BY_COMMAND * count / 1_000);
        self.rng.shuffle(&mut self.keys);
        let (wanted, broken) = saving::by_drop_in(
            &mut self.rng,
            &self.app,
            &self.keys[..drop_ins.min(self.keys.len())],
        );
        self.by_drop_in += wanted.len();
        self.broken += broken;
        self.expect_in_any_order(wanted);

        let keys = &self.keys[..commands];
        let wanted = saving::by_command(&mut self.rng, &self.app, &self.sse_events, keys);
        self.by_command += wanted.len();
        self.expect(wanted);

        let wanted = saving::by_library(
            &mut self.rng,
            &self.cache,
            &self.keys,
            count.saturating_sub(drop_ins + commands).max(1),
        );
        self.expect(wanted);
    }

    /// Each key has one value at most, so that its events say which it is.
    fn expect_in_any_order(&mut self, wanted: Vec<Wanted>) {
        let heard = self.hear(&wanted);
        let mut of_key: HashMap<String, Wanted> = wanted
            .into_iter()
            .map(|wanted| (wanted.key.clone(), wanted))
            .collect();
        let mut heard: VecDeque<_> = heard.into();
        while let Some([first, ..]) = heard.front() {
            let key = self
                .events
                .iter()
                .find(|(event, _)| *event == first.name)
                .map(|(_, key)| key);
            let wanted = key.and_then(|key| of_key.remove(key));
            let wanted = wanted.unwrap_or_else(|| panic!("nobody has saved {first:?}"));
            self.compare(&wanted, &mut heard);
        }
        assert!(of_key.is_empty(), "never arrived: {of_key:?}");
    }

    fn expect(&mut self, wanted: Vec<Wanted>) {
        let mut heard: VecDeque<_> = self.hear(&wanted).into();
        for wanted in wanted {
            self.compare(&wanted, &mut heard);
        }
        assert!(heard.is_empty());
    }

    /// As many events as these values make, from each parser.
    fn hear(&mut self, wanted: &[Wanted]) -> Vec<[Heard; 3]> {
        let count = wanted
            .iter()
            .map(|wanted| self.events.of_key(&wanted.key).count())
            .sum();
        let [rust, node, chromium] = self.parsers.next(count);
        let came = [rust.len(), node.len(), chromium.len()];
        if came != [count; 3] {
            let last = [rust.last(), node.last(), chromium.last()];
            panic!(
                "of {count} events came {came:?}, last {last:?}; {}",
                self.server.log()
            );
        }
        self.heard += count;
        rust.into_iter()
            .zip(node)
            .zip(chromium)
            .map(|((rust, node), chromium)| [rust, node, chromium])
            .collect()
    }

    /// The events of one value: next in turn, under their names, the same for all parsers.
    fn compare(&mut self, wanted: &Wanted, heard: &mut VecDeque<[Heard; 3]>) {
        let names: Vec<&str> = self.events.of_key(&wanted.key).collect();
        for (at, name) in names.iter().enumerate() {
            let [rust, node, chromium] = heard.pop_front().unwrap();
            let data = || self.parsers.data(&chromium.id);
            let about = || format!("{wanted:?}\nChromium has {:.2000}", data());
            let epoch = self
                .epoch
                .get_or_insert_with(|| rust.id.chars().take(16).collect());
            let id = match at + 1 {
                part if part == names.len() => format!("{epoch}-{}", self.next),
                part => format!("{epoch}-{}.{part}", self.next),
            };
            assert_eq!(
                (rust.id.as_str(), rust.name.as_str()),
                (id.as_str(), *name),
                "{}",
                about()
            );
            assert_eq!(chromium, node, "{}", about());
            let of_chromium = Heard {
                value: None,
                ..chromium.clone()
            };
            assert_eq!(of_chromium, rust, "{}", about());
            assert_eq!(chromium.value.as_ref(), Some(&wanted.value), "{}", about());
            if let Some(text) = &wanted.text {
                assert_eq!(*text, rust.text, "{}", about());
            }
        }
        self.next += 1;
    }

    fn finish(&self) {
        // Behind this one nothing can be on its way.
        self.cache.save_blocking(&self.keys[0], "the last").unwrap();
        let last = self.parsers.next(self.events.of_key(&self.keys[0]).count());
        let ends = |heard: &[Heard]| {
            let end = format!("-{}", self.next);
            heard.last().is_some_and(|heard| heard.id.ends_with(&end))
        };
        assert!(last.iter().all(|heard| ends(heard)), "{last:?}");
        assert!(self.parsers.have_no_more());
        let log = self.server.log();
        assert_eq!(log.matches("is left out").count(), self.broken);
        let lines = log.lines().all(|line| !line.contains(char::is_control));
        assert!(lines, "a line of the log has a control character");
    }

    fn report(&self, path: &str, seed: u64, seconds: u64) {
        let today = std::process::Command::new("date")
            .arg("-u")
            .arg("+%F")
            .output()
            .unwrap();
        let path = workspace().join(path);
        let mut log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        writeln!(
            log,
            "{} seed {seed}: {} events in {seconds} s, {} of them by drop-in and {} by `sse save`; \
             each arrived once and as it was in Chromium, eventsource-parser and sseer; \
             {} drop-ins that say nothing sent nothing",
            String::from_utf8_lossy(&today.stdout).trim(),
            self.heard,
            self.by_drop_in,
            self.by_command,
            self.broken,
        )
        .unwrap();
    }
}
