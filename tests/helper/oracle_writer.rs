//! `oracle-writer`: saves, and records the saves that have returned. Servers have writers, too.

use std::{
    env,
    fs::{self, File},
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use actix_web::rt::{Runtime, time::sleep};
use actix_web_sse::{Cache, Error, EventId, cache::Save};
use fastrand::Rng;
use support::{
    number_in_id,
    oracle::{
        AUDIENCES, At, COPIED, KEYS, SavesOn, Traffic, WriterRole, WriterSetup, elapsed_in_child,
        random_audience,
    },
};

use crate::oracle;

/// After this many saves, the folder that was the newest one has been swept.
const FLOOD_SAVES: u64 = 4_500;

/// A flood is at most about this far ahead of the oracle's copy: what is swept before it was copied is lost to the
/// oracle.
const MAX_AHEAD: u64 = 500;

/// For how many milliseconds a flood waits for the copy. It may end for another reason.
const MAX_WAIT_FOR_COPY: u32 = 10_000;

pub(crate) struct Writer {
    name: u64,
    rng: Rng,
    saves_on: SavesOn,
    role: WriterRole,
    traffic: Traffic,
    cache: Cache,
    saved: File,
    /// Whether a save may fail, because Redis is away.
    may_fail: bool,
    /// Set when it is to end.
    done: Arc<AtomicBool>,
}

/// Ends the process if a writer inside it panics, so that the oracle notices.
struct ExitOnPanic;

impl Drop for ExitOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::exit(1);
        }
    }
}

pub(crate) fn run() {
    env_logger::init();
    let setup = serde_json::from_str(&env::var("ORACLE_WRITER").unwrap()).unwrap();
    let config = oracle::config();
    let cache = oracle::start(|| Cache::open(&config));
    block_on(Writer::new(setup, cache, oracle::input_end()).run());
}

pub(crate) fn block_on(work: impl Future<Output = ()>) {
    Runtime::new().unwrap().block_on(work);
}

impl Writer {
    pub(crate) fn new(setup: WriterSetup, cache: Cache, done: Arc<AtomicBool>) -> Self {
        let role = setup.role;
        Self {
            name: setup.name,
            rng: Rng::with_seed(setup.seed),
            saves_on: setup.saves_on,
            role,
            traffic: setup.traffic,
            cache,
            saved: File::create(setup.saved).unwrap(),
            may_fail: oracle::is_in_redis()
                && matches!(role, WriterRole::Random | WriterRole::Flood),
            done,
        }
    }

    pub(crate) async fn run(mut self) {
        let _exit = ExitOnPanic;
        match self.role {
            WriterRole::Random => self.save_at_random().await,
            WriterRole::Flood => self.flood().await,
            WriterRole::Final => self.save_each_key().await,
            WriterRole::Revoke => self.revoke_some().await,
        }
    }

    async fn save_at_random(&mut self) {
        let mut save = 0;
        while !self.is_done() {
            for _ in 0..self.rng.u32(1..self.traffic.burst) {
                match self.rng.u32(..self.traffic.saves_per_revocation) {
                    0 => self.revoke().await,
                    1 => self.save_for_nobody().await,
                    _ => {
                        self.save_random_value(save).await;
                        save += 1;
                    }
                }
            }
            let pause = self.rng.u64(0..self.traffic.pause);
            self.pause(Duration::from_millis(pause)).await;
        }
    }

    async fn save_random_value(&mut self, save: u64) {
        let began = elapsed_in_child();
        let key = random_key(&mut self.rng);
        let value = random_value(&mut self.rng, self.name, save);
        let mut saving = self.cache.save(key, value).ttl(random_ttl(&mut self.rng));
        if self.rng.u32(..100) >= self.traffic.public_percent {
            saving = saving.to(self.random_audiences());
        }
        let saved = self.save(saving).await;
        let number = self.record(saved, save, began);
        if number % 1_000 == 999 && self.rng.bool() {
            // The folder is full: after this pause, what this writer knows of the next one is old.
            let pause = self.rng.u64(2_000..5_000);
            self.pause(Duration::from_millis(pause)).await;
        }
    }

    /// One to three names.
    fn random_audiences(&mut self) -> Vec<String> {
        let count = self.rng.usize(1..4);
        (0..count).map(|_| self.random_audience()).collect()
    }

    fn random_audience(&mut self) -> String {
        AUDIENCES[random_audience(&mut self.rng, self.traffic.users)].clone()
    }

    async fn revoke(&mut self) {
        let audience = random_audience(&mut self.rng, self.traffic.users);
        let began = elapsed_in_child();
        let revoking = self.cache.revoke(&AUDIENCES[audience]);
        let revoked = match self.saves_on {
            SavesOn::Thread => revoking.blocking(),
            SavesOn::Task => revoking.await,
        };
        self.write_record(revoked, &format!("revoked {audience}"), began);
    }

    /// Revokes a part of the audiences.
    async fn revoke_some(&mut self) {
        for _ in 0..AUDIENCES.len().min(2 * self.traffic.users) / 4 {
            self.revoke().await;
        }
    }

    async fn save_for_nobody(&mut self) {
        let saving = self.cache.save("k1", "for nobody").to([""; 0]);
        let saved = self.save(saving).await;
        assert!(
            saved.is_err(),
            "an empty list of audiences was accepted: {saved:?}"
        );
    }

    async fn flood(&mut self) {
        let mut left = MAX_WAIT_FOR_COPY;
        for save in 0..FLOOD_SAVES {
            let saved = self.save_plain_value("k6", save).await;
            if save.is_multiple_of(20) {
                // Lets others save.
                self.pause(Duration::from_millis(1)).await;
                while left > 0 && saved.is_some_and(is_far_ahead) {
                    self.pause(Duration::from_millis(1)).await;
                    left -= 1;
                }
            }
        }
    }

    async fn save_each_key(&mut self) {
        for (save, (key, ..)) in (0..).zip(KEYS) {
            self.save_plain_value(key, save).await;
        }
        for save in (KEYS.len() as u64..).take(self.traffic.users) {
            let (began, audiences) = (elapsed_in_child(), self.random_audiences());
            let saving = self.cache.save("k1", [self.name, save]).to(audiences);
            let saved = self.save(saving).await;
            self.record(saved, save, began);
        }
    }

    async fn save_plain_value(&mut self, key: &str, save: u64) -> Option<EventId> {
        let began = elapsed_in_child();
        let saving = self.cache.save(key, [self.name, save]);
        let saved = self.save(saving).await;
        let id = saved.as_ref().ok().copied();
        self.record(saved, save, began);
        id
    }

    async fn save(&self, saving: Save) -> Result<EventId, Error> {
        match self.saves_on {
            SavesOn::Thread => saving.blocking(),
            SavesOn::Task => saving.await,
        }
    }

    /// Returns the number.
    fn record(&mut self, saved: Result<EventId, Error>, save: u64, began: At) -> u64 {
        self.write_record(saved, &format!("saved {save}"), began)
    }

    /// In a single write, so that a kill leaves the line complete or absent.
    fn write_record(&mut self, saved: Result<EventId, Error>, what: &str, began: At) -> u64 {
        let (number, what) = match saved {
            Err(error) if self.may_fail => {
                log::warn!("{error}");
                (0, "failed 0")
            }
            saved => (number_in_id(&saved.unwrap().to_string()), what),
        };
        let (began, returned) = (began.as_micros(), elapsed_in_child().as_micros());
        let line = format!("{number} {what} {began} {returned}\n");
        self.saved.write_all(line.as_bytes()).unwrap();
        number
    }

    async fn pause(&self, time: Duration) {
        // Short, so that a writer ends soon after its input.
        const STEP: Duration = Duration::from_millis(20);

        let mut left = time;
        while !left.is_zero() && !self.is_done() {
            let step = left.min(STEP);
            match self.saves_on {
                SavesOn::Thread => thread::sleep(step),
                SavesOn::Task => sleep(step).await,
            }
            left = left.saturating_sub(STEP);
        }
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// Whether the oracle has not copied what is long before this entry in a cache folder.
fn is_far_ahead(saved: EventId) -> bool {
    if oracle::is_in_redis() {
        return false;
    }
    let file = Path::new(&env::var("ORACLE_APP").unwrap()).join(COPIED);
    let (id, notes) = (saved.to_string(), fs::read_to_string(file));
    let (epoch, _) = id.split_once('-').unwrap();
    let notes = notes.unwrap_or_default();
    let mut lines = notes.lines();
    let copied: Option<u64> = lines.find_map(|line| line.strip_prefix(epoch)?.trim().parse().ok());
    copied.is_none_or(|copied| copied.saturating_add(MAX_AHEAD) < number_in_id(&id))
}

fn random_key(rng: &mut Rng) -> &'static str {
    let sum: u32 = KEYS.iter().map(|(_, _, often)| often).sum();
    let mut at = rng.u32(..sum);
    for (key, _, often) in KEYS {
        match at.checked_sub(often) {
            None => return key,
            Some(left) => at = left,
        }
    }
    unreachable!("the number is below the sum")
}

fn random_value(rng: &mut Rng, writer: u64, save: u64) -> serde_json::Value {
    if rng.u32(..20) == 0 {
        // Large values, which soon fill a socket's buffer.
        let filling = "\u{2028}\\n\n\"".repeat(rng.usize(1..500));
        serde_json::json!([writer, save, filling])
    } else {
        serde_json::json!([writer, save])
    }
}

/// Some values never expire, some live as long as a run, some no longer than a client is away.
fn random_ttl(rng: &mut Rng) -> Duration {
    let milliseconds = [0, 0, 60_000, 60_000, 2_500, 400];
    Duration::from_millis(milliseconds[rng.usize(..milliseconds.len())])
}
