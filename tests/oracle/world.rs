//! One run: starts everybody, lets the plan's faults happen, waits for calm, and judges.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use support::oracle::{At, WriterRole};

use crate::{
    client::Clients,
    clock::Clock,
    figures::Figures,
    plan::Plan,
    report,
    server::{Addresses, Life, Server},
    strays::Outside,
    truth::TruthFollower,
    verdict::Case,
    writer::Writer,
};

/// Nobody saves, nobody is disturbed: for so long at most nobody comes further, on a busy machine.
const CALM: Duration = Duration::from_secs(10);

/// For so long servers are watched that have nothing to do.
const IDLE: Duration = Duration::from_millis(600);
const IDLE_LOOKS: u32 = 8;

/// So many clients' failures are shown.
pub(crate) const SHOWN: usize = 3;

pub(crate) struct World {
    plan: Plan,
    pub(crate) clock: Arc<Clock>,
    addresses: Addresses,
    pub(crate) truth: TruthFollower,
    pub(crate) servers: Vec<Server>,
    /// The number of the process that each server is.
    pub(crate) numbers: Vec<usize>,
    pub(crate) lives: Vec<Life>,
    pub(crate) writers: Vec<Writer>,
    pub(crate) former_writers: Vec<Writer>,
    pub(crate) floods: Vec<Writer>,
    /// Dropped after those who work in it.
    pub(crate) app: TempDir,
    next_writer: u64,
    pub(crate) outside: Outside,
    /// Programs that clear the cache.
    pub(crate) clears: Vec<JoinHandle<()>>,
    /// Servers that were killed, and when they begin again.
    pub(crate) due: Vec<(At, usize)>,
    pub(crate) figures: Figures,
    /// Clients that were not woken.
    waiting: Vec<usize>,
}

/// Runs the plan of a seed. What is wrong is told in full.
pub(crate) fn run(seed: u64) -> Result<Figures, String> {
    let plan = Plan::of(seed);
    let mut world = World::new(plan);
    let clients = Clients::start(world.plan.clients, seed, &world.clock, &world.addresses);
    let result = world.live(&clients);
    // First of all: a link that was followed explains whatever else is wrong.
    let result = world.outside.check().and(result);
    let logs = world.logs();
    let end = world.clock.now();
    let records = clients.end();
    let World {
        truth,
        clock,
        lives,
        mut figures,
        former_writers,
        waiting,
        servers,
        writers,
        floods,
        app: _app,
        ..
    } = world;
    drop((servers, writers, floods));
    let truth = truth.end();
    let result = result.map_err(|why| {
        let shown = waiting.iter().take(SHOWN);
        let last = shown.map(|client| report::excerpt(&records[*client], records[*client].len()));
        format!("{why}\n{}", last.collect::<Vec<_>>().join("\n"))
    });
    let verdict = result.and_then(|()| {
        if let Some(why) = &truth.broken {
            return Err(why.clone());
        }
        report::check_saves(&truth, &former_writers)?;
        let case = Case::new(&truth, &clock, &lives, &former_writers, &records);
        report::judge_all(&case, &records, end)
    });
    if let Err(why) = verdict {
        let journals = report::journals(&truth);
        return Err(format!("seed {seed}: {why}\n{journals}{logs}"));
    }
    figures.count(&truth, &records);
    Ok(figures)
}

impl World {
    fn new(plan: Plan) -> Self {
        let app = tempfile::tempdir_in(memory()).unwrap();
        let clock = Arc::new(Clock::start(app.path().join("clock")));
        let addresses: Addresses = Arc::new(Mutex::new(vec![None; plan.servers.len()]));
        let truth = TruthFollower::start(cache(app.path()), Arc::clone(&clock));
        let outside = Outside::new(app.path());
        let mut world = Self {
            app,
            clock,
            addresses,
            truth,
            servers: Vec::new(),
            numbers: Vec::new(),
            lives: Vec::new(),
            writers: Vec::new(),
            former_writers: Vec::new(),
            floods: Vec::new(),
            next_writer: 0,
            outside,
            clears: Vec::new(),
            due: Vec::new(),
            figures: Figures::default(),
            waiting: Vec::new(),
            plan,
        };
        for place in 0..world.plan.servers.len() {
            let server = world.new_server(place);
            world.servers.push(server);
        }
        for _ in 0..world.plan.writers {
            let writer = world.new_writer(WriterRole::Random);
            world.writers.push(writer);
        }
        world
    }

    fn new_server(&mut self, place: usize) -> Server {
        let number = self.lives.len();
        let setup = self.plan.servers[place].clone();
        self.lives.push(Life {
            setup: setup.clone(),
            started: self.clock.now(),
            disturbed: Vec::new(),
        });
        match self.numbers.get_mut(place) {
            Some(of) => *of = number,
            None => self.numbers.push(number),
        }
        Server::start(
            &setup,
            place,
            number,
            self.app.path(),
            &self.clock,
            &self.addresses,
        )
    }

    pub(crate) fn new_writer(&mut self, role: WriterRole) -> Writer {
        self.next_writer += 1;
        Writer::start(
            self.next_writer,
            self.plan.seed,
            role,
            self.app.path(),
            &self.clock,
        )
    }

    fn live(&mut self, clients: &Clients) -> Result<(), String> {
        let mut faults = std::mem::take(&mut self.plan.faults).into_iter().peekable();
        while self.clock.now() < self.plan.chaos || faults.peek().is_some() {
            self.check()?;
            self.restart_those_due();
            if let Some((_, fault)) = faults.next_if(|(at, _)| *at <= self.clock.now()) {
                self.befall(fault);
            } else {
                thread::sleep(Duration::from_millis(2));
            }
        }
        self.calm(clients)
    }

    fn restart_those_due(&mut self) {
        let now = self.clock.now();
        let (due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.due = later;
        for (_, place) in due {
            // It may have been killed twice meanwhile, and begins once.
            if self.servers[place].process.has_ended() {
                self.servers[place] = self.new_server(place);
            }
        }
    }

    /// Whoever ends by itself has a defect to report.
    fn check(&mut self) -> Result<(), String> {
        if let Some(why) = &self.truth.lock().broken {
            return Err(why.clone());
        }
        for (place, server) in self.servers.iter_mut().enumerate() {
            let is_killed = self.due.iter().any(|(_, due)| *due == place);
            if !is_killed && server.process.has_ended() {
                return Err(format!(
                    "server {place} has ended by itself: {}",
                    server.log()
                ));
            }
        }
        for writer in &mut self.writers {
            if writer.process.has_ended() {
                let log = std::fs::read_to_string(&writer.log).unwrap_or_default();
                let status = writer.process.child().wait().unwrap();
                return Err(format!(
                    "writer {} has failed ({status}): {log}",
                    writer.name
                ));
            }
        }
        Ok(())
    }

    /// All run, nobody saves: then everybody has soon had everything, woken by what was saved and
    /// not by what comes later.
    fn calm(&mut self, clients: &Clients) -> Result<(), String> {
        for clear in self.clears.drain(..) {
            clear
                .join()
                .map_err(|_| "a clear of the cache has failed")?;
        }
        for server in &self.servers {
            server.process.go_on();
        }
        for writer in &mut self.writers {
            writer.process.go_on();
            writer.finish();
        }
        self.writers.append(&mut self.floods);
        self.let_writers_end()?;
        self.wait_for_all(clients)?;
        // All streams are open and have nothing to do: only a wake-up brings them what comes now.
        let last = self.new_writer(WriterRole::Final);
        self.writers.push(last);
        self.let_writers_end()?;
        self.wait_for_all(clients)?;
        self.check_idle()
    }

    /// Servers that have nothing to do use no time of a processor, once they have removed what was
    /// swept or damaged.
    fn check_idle(&self) -> Result<(), String> {
        let mut busy = None;
        for _ in 0..IDLE_LOOKS {
            busy = self.busy_thread();
            if busy.is_none() {
                return Ok(());
            }
        }
        Err(format!(
            "busy: there is nothing to do, and in {IDLE:?} the most is done by {busy:?}"
        ))
    }

    /// A server's thread that is busy, and the time that it uses.
    fn busy_thread(&self) -> Option<(usize, String, Duration)> {
        let used = || self.servers.iter().map(|server| server.process.time_used());
        let before: Vec<_> = used().collect();
        thread::sleep(IDLE);
        let servers = (0..).zip(before).zip(used());
        let threads = servers.flat_map(|((place, before), after)| {
            after.into_iter().map(move |(name, used)| {
                let earlier = before.iter().find(|(earlier, _)| *earlier == name);
                let earlier = earlier.map_or(used, |(_, earlier)| *earlier);
                (place, name, used.saturating_sub(earlier))
            })
        });
        threads
            .max_by_key(|(.., used)| *used)
            .filter(|(.., used)| *used > IDLE / 4)
    }

    fn let_writers_end(&mut self) -> Result<(), String> {
        for writer in &mut self.writers {
            let status = writer.process.child().wait().unwrap();
            if !status.success() {
                let log = std::fs::read_to_string(&writer.log).unwrap_or_default();
                return Err(format!("writer {} has failed: {log}", writer.name));
            }
        }
        self.former_writers.append(&mut self.writers);
        Ok(())
    }

    fn wait_for_all(&mut self, clients: &Clients) -> Result<(), String> {
        let mut places = Vec::new();
        let mut moved = Instant::now();
        loop {
            self.due.iter_mut().for_each(|(at, _)| *at = At::ZERO);
            self.restart_those_due();
            self.check()?;
            if self.servers.iter().all(Server::is_listening) {
                clients.calm();
                let truth = self.truth.of_now(&cache(self.app.path()), &self.clock);
                let waiting = report::who_waits(&truth, &self.clock, &clients.status());
                drop(truth);
                self.waiting = waiting.iter().map(|(client, _)| *client).collect();
                let waiting: Vec<String> = waiting
                    .into_iter()
                    .map(|(client, why)| format!("client {client}: {why}"))
                    .collect();
                if waiting.is_empty() {
                    return Ok(());
                }
                let now: Vec<_> = clients.status().iter().map(|status| status.last).collect();
                if now != places {
                    (places, moved) = (now, Instant::now());
                }
                if moved.elapsed() > CALM {
                    let shown = &waiting[..waiting.len().min(SHOWN)];
                    return Err(format!(
                        "not woken: all is calm, nothing has moved for {CALM:?}, and {} clients wait for what was saved before:\n{}",
                        waiting.len(),
                        shown.join("\n")
                    ));
                }
            } else if moved.elapsed() > CALM {
                return Err("a server does not start".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the servers complain about.
    fn logs(&self) -> String {
        let mut text = String::new();
        let writers = self.writers.iter().chain(&self.former_writers);
        for writer in writers.chain(&self.floods) {
            let log = std::fs::read_to_string(&writer.log).unwrap_or_default();
            for line in log.lines().filter(|line| line.contains("actix_web_sse")) {
                let _ = writeln!(text, "writer {}: {line}", writer.name);
            }
        }
        for number in 0..self.lives.len() {
            let log = self.app.path().join(format!("server-{number}.log"));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let setup = &self.lives[number].setup;
            let _ = writeln!(text, "server process {number}: {setup:?}");
            for line in log.lines().filter(|line| !line.contains(" INFO ")) {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }
}

/// Where files cost the least: what is tested is order and not the disk.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

pub(crate) fn cache(app: &Path) -> PathBuf {
    app.join("writable/cache")
}
