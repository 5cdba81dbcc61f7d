//! Saves and reads while Redis is away, stopped, full or not permitted.

use std::{
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{DEADLINE, ENTRY, TestRedis, server_in_use};
use crate::{
    config::CacheLocation,
    journal::{
        contract::Journal,
        redis::{RedisJournal, scripts, server::RedisServer},
    },
};

impl TestRedis {
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

/// The text of the error of a save.
fn save_error(journal: &RedisJournal) -> String {
    format!("{:?}", journal.append(ENTRY).unwrap_err())
}

#[test]
fn a_save_waits_for_a_restart_and_is_appended_once() {
    let mut redis = TestRedis::start();
    let journal = redis.open_journal();
    redis.kill();
    // Now the connection is tested before it is used.
    thread::sleep(Duration::from_millis(20));
    thread::scope(|scope| {
        let save = scope.spawn(|| journal.append_until(ENTRY, Instant::now() + DEADLINE));
        thread::sleep(Duration::from_millis(300));
        redis.restart();
        // The journal has another epoch now, so the caller opens it again.
        assert!(save.join().unwrap().is_err() && journal.is_replaced());
    });
    assert_eq!(redis.open_journal().newest_number().unwrap(), 0);
}

#[test]
fn a_save_whose_answer_is_late_is_repeated_and_appended_once() {
    let redis = TestRedis::start();
    let journal = redis.open_journal_in_use();
    journal.append(ENTRY).unwrap();
    redis.signal(Signal::STOP);
    thread::scope(|scope| {
        let save = scope.spawn(|| journal.append_until(ENTRY, Instant::now() + DEADLINE));
        // The first attempt is in a buffer of the server, and is given up.
        thread::sleep(Duration::from_millis(2_500));
        redis.signal(Signal::CONT);
        assert_eq!(save.join().unwrap().unwrap(), 2);
    });
    assert_eq!(journal.newest_number().unwrap(), 2);
}

#[test]
fn a_save_fails_within_its_limit_while_redis_does_not_answer() {
    let redis = TestRedis::start();
    let journal = redis.open_journal_in_use();
    redis.signal(Signal::STOP);
    let start = Instant::now();
    let errors: Vec<String> = thread::scope(|scope| {
        let saves: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| save_error(&journal)))
            .collect();
        saves.into_iter().map(|save| save.join().unwrap()).collect()
    });
    let elapsed = start.elapsed();
    redis.signal(Signal::CONT);
    // One after the other, they would take 20 s.
    assert!(elapsed < Duration::from_secs(12), "{elapsed:?}");
    assert!(
        errors
            .iter()
            .any(|error| error.contains("may have been saved")),
        "{errors:?}"
    );
    // What was given up is not executed later, unless it already was: no number is missing.
    let newest = journal.append(ENTRY).unwrap();
    assert_eq!(
        journal.read_from(1, 100).unwrap().entries.len() as u64,
        newest
    );
}

#[test]
fn a_refused_save_says_why_and_leaves_no_number_out() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    journal.append(ENTRY).unwrap();
    for (setting, value, reset, expected) in [
        ("maxmemory", "1", "0", "has reached `maxmemory`"),
        ("min-replicas-to-write", "1", "0", "fewer replicas than"),
    ] {
        let () = redis.run(&["CONFIG", "SET", setting, value]);
        let error = save_error(&journal);
        assert!(error.contains(expected), "{error}");
        // Reading goes on.
        assert_eq!(journal.newest_number().unwrap(), 1);
        let () = redis.run(&["CONFIG", "SET", setting, reset]);
    }
    assert_eq!(journal.append(ENTRY).unwrap(), 2);
}

#[test]
fn keys_of_another_program_are_an_error_that_names_the_prefix() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    let () = redis.run(&["SET", "{test}:s", "of another program"]);
    assert!(save_error(&journal).contains("`?prefix=`"));
    let () = redis.run(&["DEL", "{test}:s"]);
    assert_eq!(journal.append(ENTRY).unwrap(), 1);
    let () = redis.run(&["HSET", "{test}:m", "e", "other"]);
    let error = RedisJournal::open(&redis.server(), &redis.config())
        .err()
        .unwrap();
    assert!(format!("{error:?}").contains("`?prefix=`"), "{error:?}");
}

#[test]
fn a_replica_and_an_outage_are_one_error_each() {
    let mut redis = TestRedis::start();
    let journal = redis.open_journal();
    let () = redis.run(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = journal.newest_number().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("READONLY this server is a replica"),
        "{error}"
    );
    redis.kill();
    // The first error of an outage is the one that is reported, whatever the later ones are.
    for _ in 0..3 {
        assert_eq!(
            journal.newest_number().unwrap_err().to_string(),
            error.to_string()
        );
    }
    let refused = RedisJournal::open(&redis.server(), &redis.config())
        .err()
        .unwrap();
    assert!(
        refused
            .to_string()
            .starts_with("cannot open the journal in redis+unix://"),
        "{refused}"
    );
}

/// The answer to the first call was lost, and the new master has no replica yet.
#[test]
fn a_repeated_save_is_found_even_if_nothing_can_be_written() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    let epoch = journal.epoch().to_string();
    let call = || -> Vec<String> {
        let mut invocation = scripts::APPEND.key("{test}:s");
        invocation.key("{test}:m").key("{test}:i:token");
        for argument in [epoch.as_str(), "0", "60", "100", "token"] {
            invocation.arg(argument);
        }
        invocation
            .arg(ENTRY)
            .invoke(&mut redis.connection())
            .unwrap()
    };
    assert_eq!(call(), ["appended", "1"]);
    assert_eq!(call(), ["repeated", "1"]);
    let () = redis.run(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let reply = call();
    assert_eq!(reply[..2], ["repeated", "1"]);
    assert!(reply[2].contains("NOREPLICAS"), "{reply:?}");
}

#[test]
fn a_save_whose_replicas_cannot_be_asked_says_that_it_is_saved() {
    let redis = TestRedis::start();
    let () = redis.run(&["ACL", "SETUSER", "default", "-wait"]);
    let config = redis.config().with_redis_wait("1:100");
    let journal = RedisJournal::open(&redis.server(), &config).unwrap();
    let error = save_error(&journal);
    assert!(
        error.contains("the value was saved") && error.contains("NOPERM"),
        "{error}"
    );
    assert_eq!(journal.newest_number().unwrap(), 1);
}

#[test]
fn a_save_that_was_never_sent_is_not_said_to_be_saved() {
    let mut redis = TestRedis::start();
    let journal = redis.open_journal();
    redis.kill();
    // The idle connection is found to be closed.
    assert!(journal.newest_number().is_err());
    let error = save_error(&journal);
    assert!(!error.contains("may have been saved"), "{error}");
}

#[test]
fn sentinels_that_do_not_answer_take_no_longer_than_one() {
    let redis = TestRedis::start();
    // The kernel accepts the connections.
    let sentinels: Vec<TcpListener> = (0..4)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let hosts = sentinels
        .iter()
        .map(|sentinel| sentinel.local_addr().unwrap().to_string());
    let hosts = hosts.collect::<Vec<_>>().join(",");
    let url = format!("redis+sentinel://{hosts}/service");
    let config = redis.config().with_redis(&url).unwrap();
    let CacheLocation::Redis(location) = config.cache_location() else {
        panic!("the configuration names Redis");
    };
    let server = Arc::new(RedisServer::new(location.clone()));
    let start = Instant::now();
    let error = RedisJournal::open(&server, &config).err().unwrap();
    let elapsed = start.elapsed();
    assert!(error.to_string().contains("no answer in time"), "{error}");
    // One after the other, they would take 8 s.
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
}

/// A proxy or Sentinel may lead to another server for a moment. The first one keeps what it has executed.
#[test]
fn a_save_whose_answer_is_lost_is_not_repeated_on_another_server() {
    let [first, second] = [TestRedis::start(), TestRedis::start()];
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    let lead_to = |redis: &TestRedis| {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(redis.socket(), &link).unwrap();
    };
    lead_to(&second);
    let url = format!("redis+unix://{}?prefix=test", link.display());
    let config = first.config().with_redis(&url).unwrap();
    let open = || {
        let CacheLocation::Redis(location) = config.cache_location().clone() else {
            unreachable!("the configuration names Redis")
        };
        RedisJournal::open(&server_in_use(location), &config).unwrap()
    };
    let on_second = open();
    lead_to(&first);
    let journal = open();
    // So that the server has the script.
    journal.append(ENTRY).unwrap();
    first.signal(Signal::STOP);
    let error = thread::scope(|scope| {
        let save = scope.spawn(|| journal.append(ENTRY).unwrap_err());
        // The first attempt waits for its answer.
        thread::sleep(Duration::from_millis(500));
        lead_to(&second);
        save.join().unwrap()
    });
    assert!(error.must_not_be_repeated(), "{error}");
    assert_eq!(on_second.newest_number().unwrap(), 0);
    first.signal(Signal::CONT);
    lead_to(&first);
    let start = Instant::now();
    while open().newest_number().unwrap() < 2 {
        assert!(start.elapsed() < Duration::from_secs(10), "it is executed");
    }
}
