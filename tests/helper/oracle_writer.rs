//! `oracle-writer`: saves, and records the saves that have returned.

use std::{
    env,
    fs::File,
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use actix_web_sse::{Cache, Config};
use fastrand::Rng;
use support::{
    number_in_id,
    oracle::{
        AUDIENCES, At, KEYS, SSE_EVENTS, Traffic, WriterRole, elapsed_in_child, random_audience,
    },
};

/// After this many saves, the folder that was the newest one has been swept.
const FLOOD_SAVES: u64 = 4_500;

struct Writer {
    name: u64,
    rng: Rng,
    traffic: Traffic,
    cache: Cache,
    saved: File,
    /// Set when the input has ended.
    done: Arc<AtomicBool>,
}

pub(crate) fn run() {
    let variable = |name| env::var(name).unwrap();
    env_logger::init();
    let config = Config::new(variable("ORACLE_APP"), SSE_EVENTS).unwrap();
    let mut writer = Writer {
        name: variable("ORACLE_WRITER").parse().unwrap(),
        rng: Rng::with_seed(variable("ORACLE_SEED").parse().unwrap()),
        traffic: serde_json::from_str(&variable("ORACLE_TRAFFIC")).unwrap(),
        cache: Cache::open(&config).unwrap(),
        saved: File::create(variable("ORACLE_SAVED")).unwrap(),
        done: Arc::default(),
    };
    let done = Arc::clone(&writer.done);
    thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        // Nothing else is shared through this flag, so any ordering would do.
        done.store(true, Ordering::Relaxed);
    });
    match serde_json::from_str(&variable("ORACLE_ROLE")).unwrap() {
        WriterRole::Random => writer.save_at_random(),
        WriterRole::Flood => writer.flood(),
        WriterRole::Final => writer.save_each_key(),
        WriterRole::Revoke => writer.revoke_some(),
    }
}

impl Writer {
    fn save_at_random(&mut self) {
        let mut save = 0;
        while !self.is_done() {
            for _ in 0..self.rng.u32(1..self.traffic.burst) {
                match self.rng.u32(..self.traffic.saves_per_revocation) {
                    0 => self.revoke(),
                    1 => self.save_for_nobody(),
                    _ => {
                        self.save_random_value(save);
                        save += 1;
                    }
                }
            }
            let pause = self.rng.u64(0..self.traffic.pause);
            self.pause(Duration::from_millis(pause));
        }
    }

    fn save_random_value(&mut self, save: u64) {
        let began = elapsed_in_child();
        let key = random_key(&mut self.rng);
        let value = random_value(&mut self.rng, self.name, save);
        let mut saving = self.cache.save(key, value).ttl(random_ttl(&mut self.rng));
        if self.rng.u32(..100) >= self.traffic.public_percent {
            saving = saving.to(self.random_audiences());
        }
        let number = number_in_id(&saving.blocking().unwrap().to_string());
        self.record(number, save, began);
        if number % 1_000 == 999 && self.rng.bool() {
            // The folder is full: after this pause, what this writer knows of the next one is old.
            let pause = self.rng.u64(2_000..5_000);
            self.pause(Duration::from_millis(pause));
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

    fn revoke(&mut self) {
        let audience = random_audience(&mut self.rng, self.traffic.users);
        let began = elapsed_in_child();
        let id = self.cache.revoke_blocking(&AUDIENCES[audience]).unwrap();
        let number = number_in_id(&id.to_string());
        self.write_record(number, &format!("revoked {audience}"), began);
    }

    /// Revokes a part of the audiences.
    fn revoke_some(&mut self) {
        for _ in 0..AUDIENCES.len().min(2 * self.traffic.users) / 4 {
            self.revoke();
        }
    }

    fn save_for_nobody(&mut self) {
        let saved = self.cache.save("k1", "for nobody").to([""; 0]).blocking();
        assert!(
            saved.is_err(),
            "an empty list of audiences was accepted: {saved:?}"
        );
    }

    fn flood(&mut self) {
        for save in 0..FLOOD_SAVES {
            self.save_plain_value("k6", save);
            if save.is_multiple_of(20) {
                // Lets others save, and lets the oracle's copy keep up.
                self.pause(Duration::from_millis(1));
            }
        }
    }

    fn save_each_key(&mut self) {
        for (save, (key, ..)) in (0..).zip(KEYS) {
            self.save_plain_value(key, save);
        }
        for save in (KEYS.len() as u64..).take(self.traffic.users) {
            let (began, audiences) = (elapsed_in_child(), self.random_audiences());
            let saving = self.cache.save("k1", [self.name, save]).to(audiences);
            let number = number_in_id(&saving.blocking().unwrap().to_string());
            self.record(number, save, began);
        }
    }

    fn save_plain_value(&mut self, key: &str, save: u64) {
        let began = elapsed_in_child();
        let id = self.cache.save_blocking(key, [self.name, save]).unwrap();
        let number = number_in_id(&id.to_string());
        self.record(number, save, began);
    }

    fn record(&mut self, number: u64, save: u64, began: At) {
        self.write_record(number, &format!("saved {save}"), began);
    }

    /// In a single write, so that a kill leaves the line complete or absent.
    fn write_record(&mut self, number: u64, what: &str, began: At) {
        let (began, returned) = (began.as_micros(), elapsed_in_child().as_micros());
        let line = format!("{number} {what} {began} {returned}\n");
        self.saved.write_all(line.as_bytes()).unwrap();
    }

    fn pause(&self, time: Duration) {
        // Short, so that a writer ends soon after its input.
        const STEP: Duration = Duration::from_millis(20);

        let mut left = time;
        while !left.is_zero() && !self.is_done() {
            thread::sleep(left.min(STEP));
            left = left.saturating_sub(STEP);
        }
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
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
