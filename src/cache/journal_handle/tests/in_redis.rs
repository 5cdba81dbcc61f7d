//! The handle of a journal in Redis.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::journal::redis::tests::TestRedis;

const ENTRY: &[u8] = br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"k","value":1}"#;

const DEADLINE: Duration = Duration::from_secs(10);

fn wait_until(what: &str, is_reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_reached() {
        assert!(start.elapsed() < DEADLINE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A failover may begin while the save waits for replicas.
#[test]
fn a_save_that_no_replica_has_confirmed_is_not_repeated_in_the_next_epoch() {
    let redis = TestRedis::start();
    let config = redis.config().with_redis_wait("1:1500");
    let handle = JournalHandle::open(config, Observations::new()).unwrap();
    let journal = handle.current().unwrap();
    let error = thread::scope(|scope| {
        let save = scope.spawn(|| handle.append(ENTRY, save_deadline()));
        wait_until("saved", || journal.newest_number().unwrap() == 1);
        // As if the server had another replication id.
        let _: u64 = redis.run(&["HSET", "{test}:m", "r", "another"]);
        assert!(journal.newest_number().is_err() && journal.is_replaced());
        save.join().unwrap().unwrap_err()
    });
    assert!(error.to_string().contains("was saved"), "{error}");
    assert_eq!(handle.current().unwrap().newest_number().unwrap(), 1);
}

#[test]
fn edits_of_the_other_settings_for_redis_take_effect() {
    let redis = TestRedis::start();
    let config = redis.config();
    let opened = Backend::Configured
        .open(&config, &Observations::new())
        .unwrap();
    assert!(opened.is_configured(&config));
    assert!(!opened.is_configured(&config.with_redis_wait("1:100")));
    let app = tempfile::tempdir().unwrap();
    let config = |line: &str| {
        let env = format!("SSE_EVENTS=a:k\nSSE_CACHE=redis://h\n{line}\n");
        edited(app.path(), &env)
    };
    assert!(config("").has_cache_of(&config("")));
    for line in [
        "SSE_DROP_INS=off",
        "SSE_DROP_INS=other",
        "SSE_REDIS_WAIT=1:1",
    ] {
        assert!(!config("").has_cache_of(&config(line)), "{line}");
    }
}

/// Also if it is restarted before anything is saved in the epoch that begins.
#[test]
fn a_restart_that_loses_nothing_is_no_gap_for_a_follower() {
    let mut redis = TestRedis::start();
    let cache = Cache::open(&redis.config()).unwrap();
    let mut follow = cache.follow().unwrap();
    let mut expect = |expected: &[&str]| {
        let mut values = Vec::new();
        let start = Instant::now();
        loop {
            match follow.next_timeout(Duration::from_millis(100)) {
                Ok(Some(Next::Entry(entry))) => values.push(entry.value().to_owned()),
                Ok(Some(Next::Gap)) => values.push("gap".to_owned()),
                Ok(None) => break,
                // It connects again.
                Err(error) => assert!(start.elapsed() < DEADLINE, "{error}"),
            }
        }
        assert_eq!(values, expected);
    };
    cache.save_blocking("k", 1).unwrap();
    expect(&["1"]);
    for _ in 0..2 {
        redis.kill();
        redis.restart();
        expect(&[]);
    }
    cache.save_blocking("k", 2).unwrap();
    expect(&["2"]);
    redis.kill();
    redis.restart();
    cache.save_blocking("k", 3).unwrap();
    expect(&["3"]);
    let () = redis.run(&["FLUSHALL"]);
    cache.save_blocking("k", 4).unwrap();
    expect(&["gap", "4"]);
}

#[test]
fn drop_ins_are_found_in_a_folder_that_has_taken_the_place_of_another() {
    let redis = TestRedis::start();
    let config = redis.config();
    let config = config.with_poll_interval(Duration::from_millis(50));
    let folder = config.cache_dir().to_owned();
    let handle = JournalHandle::open(config, Observations::new()).unwrap();
    let followed = handle.follow().unwrap();
    let newest = || followed.opened.journal.newest_number().unwrap();
    let save = |folder: &Path| fs::write(folder.join("k"), "1").unwrap();
    wait_until("the folder is there", || {
        folder.join(".sse/claimed").is_dir()
    });
    save(&folder);
    wait_until("ingested", || newest() == 1);
    fs::rename(&folder, folder.with_extension("old")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    save(&folder);
    wait_until("ingested from the new folder", || newest() == 2);
    fs::remove_dir_all(&folder).unwrap();
    wait_until("the folder is there again", || folder.is_dir());
    save(&folder);
    wait_until("ingested from the third folder", || newest() == 3);
}

/// Fewer than the attempts of a save, which takes as long as the machine is slow.
const FLUSHES_PER_SAVE: u32 = MAX_REPLACEMENT_RETRIES / 4;

#[test]
fn a_save_succeeds_although_the_data_is_emptied_again_and_again() {
    let redis = TestRedis::start();
    let handle = JournalHandle::open(redis.config(), Observations::new()).unwrap();
    let saves = AtomicU32::new(0);
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !is_done.load(Ordering::Relaxed) {
                let save = saves.load(Ordering::Relaxed);
                for _ in 0..FLUSHES_PER_SAVE {
                    let () = redis.run(&["FLUSHALL"]);
                    // At each moment of a save.
                    round = (round + 1) % 80;
                    thread::sleep(Duration::from_micros(2_000 + 50 * round));
                    if saves.load(Ordering::Relaxed) != save {
                        break;
                    }
                }
                while saves.load(Ordering::Relaxed) == save && !is_done.load(Ordering::Relaxed) {
                    thread::yield_now();
                }
            }
        });
        let errors: Vec<String> = (0..1_000)
            .filter_map(|_| {
                let error = handle.append(ENTRY, save_deadline()).err();
                saves.fetch_add(1, Ordering::Relaxed);
                error
            })
            .map(|error| error.to_string())
            .collect();
        is_done.store(true, Ordering::Relaxed);
        assert!(
            errors.is_empty(),
            "{} of 1,000: {}",
            errors.len(),
            errors[0]
        );
    });
}

#[test]
fn a_first_save_waits_until_redis_is_back() {
    let mut redis = TestRedis::start();
    let config = redis.config();
    redis.kill();
    let cache = Cache::lazy(None, move || Ok(config.clone()));
    thread::scope(|scope| {
        let save = scope.spawn(|| cache.save_blocking("k", 1));
        thread::sleep(Duration::from_millis(300));
        redis.restart();
        save.join().unwrap().unwrap();
    });
}

#[test]
fn a_save_ends_at_its_time_limit_while_redis_is_away() {
    let mut redis = TestRedis::start();
    let cache = Cache::open(&redis.config()).unwrap();
    cache.save_blocking("k", 1).unwrap();
    redis.kill();
    // A connection that was idle for longer than 5 ms is tested first. So it is certain that nothing was saved, and the
    // save may be tried again.
    thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    assert!(cache.save_blocking("k", 2).is_err());
    let elapsed = start.elapsed();
    assert!((4..20).contains(&elapsed.as_secs()), "{elapsed:?}");
}
