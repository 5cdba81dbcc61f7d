//! One run: starts all processes and clients, injects the plan's faults, waits until everything has
//! arrived, and checks it.

use std::{
    fmt::Write,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use support::oracle::{At, SavesOn, WriterRole, WriterSetup};

use crate::{
    client::Clients,
    clock::Clock,
    evidence::Evidence,
    figures::Figures,
    folder::FolderStorage,
    plan::{Place, Plan, Size},
    redis::RedisStorage,
    report,
    server::{Addresses, Server, ServerRun},
    storage::Storage,
    writer::{SaveRecord, Writer},
};

/// Without saves and faults, some client makes progress within this time, even on a busy machine.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// The writers inside servers end within this time, even in the middle of a save.
const MAX_END_TIME: Duration = Duration::from_secs(30);

/// The failures of this many clients are printed.
pub(crate) const MAX_SHOWN: usize = 3;

pub(crate) struct Run {
    plan: Plan,
    pub(crate) clock: Arc<Clock>,
    addresses: Addresses,
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) servers: Vec<Server>,
    /// The number of each server's current process.
    pub(crate) numbers: Vec<usize>,
    pub(crate) server_runs: Vec<ServerRun>,
    pub(crate) writers: Vec<Writer>,
    pub(crate) former_writers: Vec<Writer>,
    pub(crate) floods: Vec<Writer>,
    /// Of all writers.
    saves: Vec<SaveRecord>,
    /// Dropped after the processes that use it.
    pub(crate) app: TempDir,
    next_writer: u64,
    /// Whether servers that start now have no writers.
    is_calm: bool,
    /// Servers that were killed, and when they are restarted.
    pub(crate) due: Vec<(At, usize)>,
    pub(crate) figures: Figures,
    /// Clients that have not received everything.
    waiting: Vec<usize>,
}

/// Runs the plan of a seed. An error contains the full report.
pub(crate) fn run(seed: u64, size: Size, place: Place) -> Result<Figures, String> {
    let plan = Plan::new(seed, size, place);
    let planned = format!("{:?}\n{:?}", plan.faults, plan.redis);
    let mut world = Run::new(plan);
    let clients = Clients::start(world.plan.population, seed, &world.clock, &world.addresses);
    let result = world.live(&clients);
    let logs = world.logs();
    let end = world.clock.now();
    let records = clients.end();
    let outages = world.storage.disturbances();
    let Run {
        storage,
        clock,
        server_runs,
        mut figures,
        saves,
        former_writers,
        waiting,
        servers,
        writers,
        floods,
        app: _app,
        ..
    } = world;
    drop((servers, writers, former_writers, floods));
    let (archive, beside) = storage.end();
    let result = beside.and(result);
    let result = result.map_err(|why| {
        let shown = waiting.iter().take(MAX_SHOWN);
        let last = shown.map(|client| report::excerpt(&records[*client], records[*client].len()));
        format!("{why}\n{}", last.collect::<Vec<_>>().join("\n"))
    });
    let verdict = result.and_then(|()| {
        if let Some(why) = &archive.broken {
            return Err(why.clone());
        }
        report::check_saves(&archive, &saves)?;
        let evidence = Evidence::new(&archive, &clock, &server_runs, &saves, &records, &outages);
        report::check_clients(&evidence, &records, end)?;
        figures.count(&archive, &saves, &records);
        figures.check_has_saves_in_servers()
    });
    if let Err(why) = verdict {
        let journals = report::journals(&archive);
        return Err(format!(
            "seed {seed}: {why}\n{journals}outages: {outages:?}\n{planned}\n{logs}"
        ));
    }
    Ok(figures)
}

impl Run {
    fn new(plan: Plan) -> Self {
        let app = tempfile::tempdir_in(memory()).unwrap();
        let clock = Clock::start(app.path().join("clock"), plan.redis.is_some());
        let clock = Arc::new(clock);
        let addresses: Addresses = Arc::new(Mutex::new(vec![None; plan.servers.len()]));
        let storage: Box<dyn Storage> = match &plan.redis {
            Some(redis) => {
                let keep = plan.servers[0].history;
                Box::new(RedisStorage::start(redis.clone(), keep, &clock))
            }
            None => Box::new(FolderStorage::start(app.path(), &clock)),
        };
        let mut world = Self {
            app,
            clock,
            addresses,
            storage,
            servers: Vec::new(),
            numbers: Vec::new(),
            server_runs: Vec::new(),
            writers: Vec::new(),
            former_writers: Vec::new(),
            floods: Vec::new(),
            saves: Vec::new(),
            next_writer: 0,
            is_calm: false,
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
        let inside = setup.writers.iter().filter(|_| !self.is_calm);
        let inside: Vec<SavesOn> = inside.copied().collect();
        let writers: Vec<WriterSetup> = (inside.into_iter())
            .map(|saves_on| self.set_up_writer(WriterRole::Random, saves_on, true))
            .collect();
        let cache = self.storage.address(index);
        Server::start(
            (&setup, &writers),
            (index, number),
            (self.app.path(), cache.as_deref()),
            &self.clock,
            &self.addresses,
        )
    }

    pub(crate) fn new_writer(&mut self, role: WriterRole) -> Writer {
        let setup = self.set_up_writer(role, SavesOn::Thread, false);
        let process = usize::try_from(setup.name).unwrap_or_default();
        let cache = self.storage.address(process);
        Writer::start(&setup, (self.app.path(), cache.as_deref()), &self.clock)
    }

    fn set_up_writer(
        &mut self,
        role: WriterRole,
        saves_on: SavesOn,
        is_in_server: bool,
    ) -> WriterSetup {
        self.next_writer += 1;
        let name = self.next_writer;
        let setup = WriterSetup {
            name,
            seed: self.plan.seed ^ (name << 32),
            saved: self.app.path().join(format!("saved-{name}")),
            saves_on,
            role,
            traffic: self.plan.population.traffic,
        };
        self.saves.push(SaveRecord::new(&setup, is_in_server));
        setup
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
        self.storage.check()?;
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
        self.storage.calm(&mut self.figures)?;
        self.is_calm = true;
        for server in &mut self.servers {
            server.process.resume();
            server.finish_writers();
        }
        for writer in &mut self.writers {
            writer.process.resume();
            writer.finish();
        }
        self.writers.append(&mut self.floods);
        self.let_writers_end()?;
        self.let_writers_in_servers_end()?;
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

    fn let_writers_in_servers_end(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while !self.servers.iter().all(Server::writers_have_ended) {
            self.check()?;
            if start.elapsed() > MAX_END_TIME {
                return Err("the writers inside a server do not end".into());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
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
                let mut waiting = Vec::new();
                self.storage.with_current(&mut |current| {
                    waiting = report::waiting_clients(current, &self.clock, &clients.status());
                });
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
