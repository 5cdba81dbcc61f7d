//! One run: starts all processes and clients, injects the plan's faults, waits until everything has
//! arrived, and checks it.

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
    archive::ArchiveFollower,
    client::Clients,
    clock::Clock,
    evidence::Evidence,
    figures::Figures,
    plan::{Plan, Size},
    report,
    server::{Addresses, Server, ServerRun},
    stray_files::Outside,
    writer::Writer,
};

/// Without saves and faults, some client makes progress within this time, even on a busy machine.
const MAX_IDLE_TIME: Duration = Duration::from_secs(10);

/// How long the processor time of idle servers is measured, and how often.
const IDLE_CHECK_DURATION: Duration = Duration::from_millis(600);
const MAX_IDLE_CHECKS: u32 = 8;

/// The failures of this many clients are printed.
pub(crate) const MAX_SHOWN: usize = 3;

pub(crate) struct Run {
    plan: Plan,
    pub(crate) clock: Arc<Clock>,
    addresses: Addresses,
    pub(crate) archive: ArchiveFollower,
    pub(crate) servers: Vec<Server>,
    /// The number of each server's current process.
    pub(crate) numbers: Vec<usize>,
    pub(crate) server_runs: Vec<ServerRun>,
    pub(crate) writers: Vec<Writer>,
    pub(crate) former_writers: Vec<Writer>,
    pub(crate) floods: Vec<Writer>,
    /// Dropped after the processes that use it.
    pub(crate) app: TempDir,
    next_writer: u64,
    pub(crate) outside: Outside,
    /// Programs that clear the cache.
    pub(crate) clears: Vec<JoinHandle<()>>,
    /// Servers that were killed, and when they are restarted.
    pub(crate) due: Vec<(At, usize)>,
    pub(crate) figures: Figures,
    /// Clients that have not received everything.
    waiting: Vec<usize>,
}

/// Runs the plan of a seed. An error contains the full report.
pub(crate) fn run(seed: u64, size: Size) -> Result<Figures, String> {
    let plan = Plan::new(seed, size);
    let mut world = Run::new(plan);
    let clients = Clients::start(world.plan.population, seed, &world.clock, &world.addresses);
    let result = world.live(&clients);
    // This first, because a followed link explains all other failures.
    let result = world.outside.check().and(result);
    let logs = world.logs();
    let end = world.clock.now();
    let records = clients.end();
    let Run {
        archive,
        clock,
        server_runs,
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
    let archive = archive.end();
    let result = result.map_err(|why| {
        let shown = waiting.iter().take(MAX_SHOWN);
        let last = shown.map(|client| report::excerpt(&records[*client], records[*client].len()));
        format!("{why}\n{}", last.collect::<Vec<_>>().join("\n"))
    });
    let verdict = result.and_then(|()| {
        if let Some(why) = &archive.broken {
            return Err(why.clone());
        }
        report::check_saves(&archive, &former_writers)?;
        let evidence = Evidence::new(&archive, &clock, &server_runs, &former_writers, &records);
        report::check_clients(&evidence, &records, end)
    });
    if let Err(why) = verdict {
        let journals = report::journals(&archive);
        return Err(format!("seed {seed}: {why}\n{journals}{logs}"));
    }
    figures.count(&archive, &records);
    Ok(figures)
}

impl Run {
    fn new(plan: Plan) -> Self {
        let app = tempfile::tempdir_in(memory()).unwrap();
        let clock = Arc::new(Clock::start(app.path().join("clock")));
        let addresses: Addresses = Arc::new(Mutex::new(vec![None; plan.servers.len()]));
        let archive = ArchiveFollower::start(cache(app.path()), Arc::clone(&clock));
        let outside = Outside::new(app.path());
        let mut world = Self {
            app,
            clock,
            addresses,
            archive,
            servers: Vec::new(),
            numbers: Vec::new(),
            server_runs: Vec::new(),
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
        for index in 0..world.plan.servers.len() {
            let server = world.new_server(index);
            world.servers.push(server);
        }
        for _ in 0..world.plan.writers {
            let writer = world.new_writer(WriterRole::Random);
            world.writers.push(writer);
        }
        world
    }

    fn new_server(&mut self, index: usize) -> Server {
        let number = self.server_runs.len();
        let setup = self.plan.servers[index].clone();
        self.server_runs.push(ServerRun {
            setup: setup.clone(),
            started: self.clock.now(),
            disturbed: Vec::new(),
        });
        match self.numbers.get_mut(index) {
            Some(of) => *of = number,
            None => self.numbers.push(number),
        }
        Server::start(
            &setup,
            index,
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
            (role, &self.plan.population.traffic),
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
                self.inject(fault);
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
        for (_, index) in due {
            // It may have been killed twice, but is restarted once.
            if self.servers[index].process.has_ended() {
                self.servers[index] = self.new_server(index);
            }
        }
    }

    /// A process that ends by itself has failed.
    fn check(&mut self) -> Result<(), String> {
        if let Some(why) = &self.archive.lock().broken {
            return Err(why.clone());
        }
        for (index, server) in self.servers.iter_mut().enumerate() {
            let is_killed = self.due.iter().any(|(_, due)| *due == index);
            if !is_killed && server.process.has_ended() {
                return Err(format!(
                    "server {index} has ended by itself: {}",
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

    /// Lets all processes run without faults and saves: all clients must soon receive everything, woken by
    /// the earlier saves and not by later ones.
    fn calm(&mut self, clients: &Clients) -> Result<(), String> {
        for clear in self.clears.drain(..) {
            clear.join().map_err(|_| "clearing the cache has failed")?;
        }
        for server in &self.servers {
            server.process.resume();
        }
        for writer in &mut self.writers {
            writer.process.resume();
            writer.finish();
        }
        self.writers.append(&mut self.floods);
        self.let_writers_end()?;
        self.wait_for_all(clients)?;
        // All streams are open and idle, so only a notification ends those that are revoked.
        let revoker = self.new_writer(WriterRole::Revoke);
        self.writers.push(revoker);
        self.let_writers_end()?;
        self.wait_for_all(clients)?;
        // And only a notification delivers the next events.
        let last = self.new_writer(WriterRole::Final);
        self.writers.push(last);
        self.let_writers_end()?;
        self.wait_for_all(clients)?;
        self.check_idle()
    }

    /// Idle servers use no processor time, once they have removed swept and damaged journals.
    fn check_idle(&self) -> Result<(), String> {
        let mut busy = None;
        for _ in 0..MAX_IDLE_CHECKS {
            busy = self.busy_thread();
            if busy.is_none() {
                return Ok(());
            }
        }
        Err(format!(
            "busy: the servers are idle, and in {IDLE_CHECK_DURATION:?} this thread used most time: {busy:?}"
        ))
    }

    /// The busiest thread of a server, if it uses much time, and its time.
    fn busy_thread(&self) -> Option<(usize, String, Duration)> {
        let used = || self.servers.iter().map(|server| server.process.time_used());
        let before: Vec<_> = used().collect();
        thread::sleep(IDLE_CHECK_DURATION);
        let servers = (0..).zip(before).zip(used());
        let threads = servers.flat_map(|((index, before), after)| {
            after.into_iter().map(move |(name, used)| {
                let earlier = before.iter().find(|(earlier, _)| *earlier == name);
                let earlier = earlier.map_or(used, |(_, earlier)| *earlier);
                (index, name, used.saturating_sub(earlier))
            })
        });
        threads
            .max_by_key(|(.., used)| *used)
            .filter(|(.., used)| *used > IDLE_CHECK_DURATION / 4)
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
        let mut ids = Vec::new();
        let mut moved = Instant::now();
        loop {
            self.due.iter_mut().for_each(|(at, _)| *at = At::ZERO);
            self.restart_those_due();
            self.check()?;
            if self.servers.iter().all(Server::is_listening) {
                clients.calm();
                let archive = self
                    .archive
                    .up_to_date(&cache(self.app.path()), &self.clock);
                let waiting = report::waiting_clients(&archive, &self.clock, &clients.status());
                drop(archive);
                self.waiting = waiting.iter().map(|(client, _)| *client).collect();
                let waiting: Vec<String> = waiting
                    .into_iter()
                    .map(|(client, why)| format!("client {client}: {why}"))
                    .collect();
                if waiting.is_empty() {
                    return Ok(());
                }
                let current: Vec<_> = clients.status().iter().map(|status| status.last).collect();
                if current != ids {
                    (ids, moved) = (current, Instant::now());
                }
                if moved.elapsed() > MAX_IDLE_TIME {
                    let shown = &waiting[..waiting.len().min(MAX_SHOWN)];
                    return Err(format!(
                        "not woken: no client has made progress for {MAX_IDLE_TIME:?}, and {} clients have not received everything:\n{}",
                        waiting.len(),
                        shown.join("\n")
                    ));
                }
            } else if moved.elapsed() > MAX_IDLE_TIME {
                return Err("a server does not start".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The warnings and errors of the processes.
    fn logs(&self) -> String {
        let mut text = String::new();
        let writers = self.writers.iter().chain(&self.former_writers);
        for writer in writers.chain(&self.floods) {
            let log = std::fs::read_to_string(&writer.log).unwrap_or_default();
            for line in log.lines().filter(|line| line.contains("actix_web_sse")) {
                let _ = writeln!(text, "writer {}: {line}", writer.name);
            }
        }
        for number in 0..self.server_runs.len() {
            let log = self.app.path().join(format!("server-{number}.log"));
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let setup = &self.server_runs[number].setup;
            let _ = writeln!(text, "server process {number}: {setup:?}");
            for line in log.lines().filter(|line| !line.contains(" INFO ")) {
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }
}

/// A memory file system, if there is one: the oracle does not test the disk.
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
