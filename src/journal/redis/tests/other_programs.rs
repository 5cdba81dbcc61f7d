//! Other programs that write to the app's keys, and Redis users that may not do everything.

use std::time::{Duration, Instant};

use super::{ENTRY, TestRedis, append};
use crate::{
    journal::{
        BatchEnd,
        contract::Journal,
        redis::{RedisJournal, examine},
    },
    runtime::Interrupt,
};

impl TestRedis {
    /// A line of INFO.
    fn info(&self, section: &str, name: &str) -> String {
        let info: String = self.run(&["INFO", section]);
        let found = info
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.unwrap_or_default().to_owned()
    }

    fn calls_of(&self, command: &str) -> u64 {
        let stat = self.info("commandstats", &format!("cmdstat_{command}"));
        let calls = stat.strip_prefix("calls=").unwrap_or("0");
        calls.split(',').next().unwrap().parse().unwrap()
    }

    fn connections(&self) -> u64 {
        let received = self.info("stats", "total_connections_received");
        received.parse().unwrap()
    }
}

/// Waits for entries as the tail does.
fn follow_for(journal: &dyn Journal, time: Duration) -> u32 {
    let mut watcher = journal.watch();
    let interrupt = Interrupt::new().unwrap();
    let next = journal.newest_number().unwrap() + 1;
    let start = Instant::now();
    let mut wakes = 0;
    while start.elapsed() < time {
        watcher.wait(next, Duration::from_secs(2), &interrupt);
        assert_eq!(journal.newest_number().unwrap() + 1, next);
        wakes += 1;
    }
    wakes
}

#[test]
fn an_entry_of_another_program_does_not_keep_the_reader_awake() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 3);
    let _: String = redis.run(&["XADD", "{test}:s", "*", "field", "value"]);
    let wakes = follow_for(&journal, Duration::from_secs(1));
    assert!(wakes < 30, "{wakes}");
    assert!(redis.calls_of("xread") < 30);
}

#[test]
fn a_user_who_may_not_wait_for_entries_does_not_connect_again_and_again() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 3);
    let () = redis.run(&["ACL", "SETUSER", "default", "-xread"]);
    let before = redis.connections();
    follow_for(&journal, Duration::from_secs(2));
    let opened = redis.connections() - before;
    assert!(opened < 8, "{opened}");
}

#[test]
fn a_save_behind_an_entry_of_another_program_says_whose_fault_it_is() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 3);
    let id: String = redis.run(&["XADD", "{test}:s", "*", "field", "value"]);
    let error = format!("{:?}", journal.append(ENTRY).unwrap_err());
    assert!(
        error.contains("another program has added an entry"),
        "{error}"
    );
    assert!(error.contains("`?prefix=`"), "{error}");
    let _: u64 = redis.run(&["XDEL", "{test}:s", &id]);
    let () = redis.run(&["XSETID", "{test}:s", "3-0"]);
    assert_eq!(journal.append(ENTRY).unwrap(), 4);
}

#[test]
fn a_stream_with_nothing_but_an_entry_of_another_program_hides_no_later_number() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 3);
    let _: String = redis.run(&["XADD", "{test}:s", "*", "field", "value"]);
    let _: u64 = redis.run(&["XDEL", "{test}:s", "1-0", "2-0", "3-0"]);
    let batch = journal.read_from(2, 10).unwrap();
    assert_eq!(batch.end, BatchEnd::Swept { oldest: 4 });
}

#[test]
fn entries_of_another_program_hide_none_of_the_app() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    for number in 1..=3 {
        assert_eq!(journal.append(ENTRY).unwrap(), number);
        for part in 1..=3 {
            let id = format!("{number}-{part}");
            let _: String = redis.run(&["XADD", "{test}:s", &id, "field", "value"]);
        }
    }
    for batch in [journal.read_from(1, 10), journal.read_back(4, 10)] {
        let entries = batch.unwrap().entries;
        assert!(entries.len() == 3 && entries.iter().all(Result::is_ok));
    }
}

/// Redis occupies no other client with it for long, and the limits of its output buffers are higher.
#[test]
fn a_read_ends_after_a_quarter_of_a_megabyte() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 40);
    let text = String::from_utf8(ENTRY.to_vec()).unwrap();
    let large = text.replace(":1}", &format!(":{}}}", "1".repeat(64 * 1024)));
    for _ in 0..40 {
        journal.append(large.as_bytes()).unwrap();
    }
    let sent = || redis.info("stats", "total_net_output_bytes").parse::<u64>();
    let before = sent().unwrap();
    journal.read_from(1, 1_000).unwrap();
    let sent = sent().unwrap() - before;
    assert!((256 * 1024..512 * 1024).contains(&sent), "{sent}");
}

/// Redis pauses writes while it hands over to a replica.
#[test]
fn an_examination_ends_when_redis_stops_answering() {
    let redis = TestRedis::start();
    let () = redis.run(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let start = Instant::now();
    let error = examine(&redis.location()).unwrap_err().to_string();
    assert!(error.contains("no answer in time"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_number_that_is_not_exact_in_lua_is_refused() {
    let redis = TestRedis::start();
    let journal = redis.open_journal();
    append(&journal, 1);
    for newest in [
        "9007199254740992",
        "18446744073709549568",
        "-1",
        "1e300",
        "nan",
    ] {
        let _: u64 = redis.run(&["HSET", "{test}:m", "n", newest]);
        let error = RedisJournal::open(&redis.server(), &redis.config()).err();
        assert!(error.is_some(), "{newest}");
        assert!(journal.newest_number().is_err(), "{newest}");
    }
}
