//! Saves of PHP as another user than the server's, while the app's cache is cleared now and then.

use std::{
    ops::RangeInclusive,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use support::{DEADLINE, Event, Running, Stream, http};

use crate::{
    app::App,
    arrivals::Arrivals,
    plain::PLAIN,
    site::{Options, Site},
};

/// What two writers save, each under a key of its own: one is a request to PHP-FPM, the other one a command.
pub(crate) struct Load {
    pub(crate) bursts: u64,
    pub(crate) saves_per_burst: u64,
    pub(crate) clears: u64,
    /// The longest time after which 99 % of the last values of the bursts arrive.
    pub(crate) p99: Duration,
}

const LOAD: Load = Load {
    bursts: 12,
    saves_per_burst: 20,
    clears: 2,
    // A busy machine may keep a process waiting. A close that was missed would cost ten seconds.
    p99: Duration::from_secs(9),
};

#[test]
fn the_last_value_of_each_burst_arrives() {
    Saves::start(&PLAIN, "shop_", &LOAD).run();
}

pub(crate) struct Saves<'a> {
    site: Site,
    load: &'a Load,
    stream: Stream,
    command: Running,
    request: JoinHandle<String>,
    arrivals: [Arrivals; 2],
    clears: Vec<Clear>,
}

/// A run of the command that clears the app's cache. It may remove a value that was saved a moment before. The stream
/// then has a gap instead.
struct Clear {
    process: Running,
    has_ended: bool,
    /// It has ended, and what was saved before that has arrived.
    is_over: bool,
    /// The bursts of each writer that were under way.
    bursts: [RangeInclusive<u64>; 2],
}

impl<'a> Saves<'a> {
    pub(crate) fn start(app: &'static App, prefix: &'static str, load: &'a Load) -> Self {
        let options = Options {
            events: "requested:requests,commanded:commands",
            prefix,
            ..Options::default()
        };
        let site = Site::start(app, &options);
        let stream = Stream::open(site.nginx.address(), "/sse/stream", None);
        stream.next();
        let (bursts, saves) = (load.bursts.to_string(), load.saves_per_burst.to_string());
        let mut command = site.command(&["bursts", "commands", &bursts, &saves, "1"]);
        let target = format!("GET /bursts?key=requests&bursts={bursts}&saves={saves}&seed=2");
        let address = site.nginx.address().to_owned();
        Self {
            site,
            load,
            stream,
            command: Running(command.spawn().expect("php is missing: run `tests/setup`")),
            request: thread::spawn(move || http::request(&address, &target, &[], "").read_text()),
            arrivals: Default::default(),
            clears: Vec::new(),
        }
    }

    /// Returns the figures.
    pub(crate) fn run(mut self) -> String {
        let last = (self.load.bursts - 1, self.load.saves_per_burst - 1);
        let mut silent_since = Instant::now();
        while !self
            .arrivals
            .iter()
            .all(|found| found.delay(last).is_some())
        {
            let event = self.stream.next_within(Duration::from_millis(20));
            let is_silent = event.is_none();
            match event {
                Some(event) if event.is_from_app() => {
                    silent_since = Instant::now();
                    self.receive(&event);
                }
                Some(event) if event.name() == "sse.gap" => {
                    assert!(!self.clears.is_empty(), "{event:?}");
                    self.arrivals.iter_mut().for_each(Arrivals::add_gap);
                }
                // A heartbeat.
                Some(_) => {}
                None => assert!(
                    silent_since.elapsed() < DEADLINE,
                    "the last values: {}",
                    self.site.logs()
                ),
            }
            self.clear(is_silent);
        }
        self.check()
    }

    fn receive(&mut self, event: &Event) {
        self.arrivals[usize::from(event.name() == "commanded")].add(&event.value());
    }

    /// Clears the cache at regular intervals of bursts.
    fn clear(&mut self, is_silent: bool) {
        let bursts = [0, 1].map(|writer: usize| self.arrivals[writer].burst());
        for clear in self.clears.iter_mut().filter(|clear| !clear.is_over) {
            for (running, burst) in clear.bursts.iter_mut().zip(bursts) {
                *running = *running.start()..=burst + 1;
            }
            clear.is_over = clear.has_ended && is_silent;
            clear.has_ended = clear.process.try_wait().unwrap().is_some();
        }
        let count = self.clears.len() as u64;
        if count < self.load.clears
            && bursts[1] > self.load.bursts * (count + 1) / (self.load.clears + 1)
        {
            self.clears.push(Clear {
                process: Running(self.site.command(&["cache:clear"]).spawn().unwrap()),
                has_ended: false,
                is_over: false,
                bursts: bursts.map(|burst| burst..=burst + 1),
            });
        }
    }

    fn check(mut self) -> String {
        assert!(self.command.wait().unwrap().success());
        assert!(self.request.join().unwrap().contains("saved"));
        for clear in &mut self.clears {
            assert!(clear.process.wait().unwrap().success());
        }
        let last = self.load.saves_per_burst - 1;
        let mut delays = Vec::new();
        let mut cleared = 0;
        for (writer, found) in self.arrivals.iter().enumerate() {
            for burst in 0..self.load.bursts {
                if let Some(delay) = found.delay((burst, last)) {
                    delays.push(delay);
                } else {
                    let was_cleared = self
                        .clears
                        .iter()
                        .any(|clear| clear.bursts[writer].contains(&burst));
                    assert!(
                        was_cleared,
                        "the last value of burst {burst} of writer {writer}"
                    );
                    assert!(
                        found.has_gap_for((burst, last)),
                        "no gap instead of the last value of burst {burst} of writer {writer}"
                    );
                    cleared += 1;
                }
            }
        }
        delays.sort_unstable();
        let (p99, median) = (
            delays[(delays.len() * 99).div_ceil(100) - 1],
            delays[delays.len() / 2],
        );
        let all = 2 * self.load.bursts * self.load.saves_per_burst;
        let arrived: usize = self.arrivals.iter().map(Arrivals::count).sum();
        let figures = format!(
            "{arrived} of {all} saves; the last ones of the bursts: median {median:?}, p99 {p99:?}, {cleared} cleared and told as a gap"
        );
        println!("{figures}");
        assert!(p99 <= self.load.p99, "{p99:?}");
        let log = self.site.server.log();
        assert!(!log.contains("is skipped"), "{log}");
        figures
    }
}
