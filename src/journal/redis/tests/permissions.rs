//! The permissions of a user of Redis that the guide lists are sufficient, and none of them is superfluous.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use ::redis::Value;

use super::{DEADLINE, TestRedis};
use crate::{
    config::{CacheLocation, Config},
    journal::{
        contract::{Journal, Notified},
        redis::{self, RedisJournal, server::RedisServer, writer::Writer},
    },
    runtime::Interrupt,
};

const ENTRY: &[u8] = br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"k","value":1}"#;

/// The line of the guide, without its beginning, for the user and the prefix of this test.
fn rules_of_the_guide() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/several-machines.md");
    let guide = fs::read_to_string(path).unwrap();
    let line = guide
        .lines()
        .find(|line| line.starts_with("user shop "))
        .unwrap();
    let line = line
        .replace("~{shop}:*", "~{test}:*")
        .replace(">PASSWORD", ">secret");
    line.split(' ').skip(2).map(str::to_owned).collect()
}

impl TestRedis {
    fn set_user(&self, rules: &[String]) {
        let rules = rules.iter().map(String::as_str);
        let command: Vec<&str> = ["ACL", "SETUSER", "shop", "reset"]
            .into_iter()
            .chain(rules)
            .collect();
        let () = self.run(&command);
    }

    /// The configuration of an app that uses every permission.
    fn config_of_user(&self) -> Config {
        let socket = self.socket();
        let env = format!(
            "SSE_EVENTS=a:k\nSSE_REDIS_WAIT=1:1\nSSE_CACHE=redis+unix://shop:secret@{}?prefix=test&db=1\n",
            socket.display()
        );
        fs::write(self.folder.path().join(".env"), env).unwrap();
        Config::from_dir(self.folder.path()).unwrap()
    }

    fn count_refused(&self) -> usize {
        let log: Vec<Value> = self.run(&["ACL", "LOG"]);
        log.len()
    }
}

fn server_of(config: &Config) -> Arc<RedisServer> {
    match config.cache_location() {
        CacheLocation::Redis(location) => Arc::new(RedisServer::new(location.clone())),
        CacheLocation::Folder(_) => unreachable!("the configuration names Redis"),
    }
}

/// Does everything that servers and other programs of an app do, and goes on after errors.
fn use_all(redis: &TestRedis, config: &Config) {
    let server = server_of(config);
    let _ = redis::check(server.location());
    let Ok(journal) = RedisJournal::open(&server, config) else {
        return;
    };
    let _ = journal.append(ENTRY);
    // The second call repeats the first.
    let writer = Writer::new(config).unwrap();
    for _ in 0..2 {
        let deadline = Instant::now() + Duration::from_secs(5);
        let repeated = writer.of_token("repeated");
        let _ = repeated.append(&server, journal.epoch(), &[ENTRY.to_vec()], deadline);
    }
    let _ = journal.read_from(1, 10);
    let _ = journal.read_back(3, 10);
    let _ = journal.sweep(1);
    wait_for_entry(redis, &journal);
    let _ = journal.discard();
}

/// The entry exists, so this returns as soon as Redis has answered, or refused something.
fn wait_for_entry(redis: &TestRedis, journal: &RedisJournal) {
    let (mut watcher, interrupt) = (journal.watch(), Interrupt::new().unwrap());
    let start = Instant::now();
    // The first notification only means that the watcher has connected.
    let mut notifications = 0;
    while notifications < 2 && redis.count_refused() == 0 && start.elapsed() < DEADLINE {
        let notified = watcher.wait(1, Duration::from_millis(100), &interrupt);
        notifications += u32::from(notified != Notified::Nothing);
    }
    assert!(
        start.elapsed() < DEADLINE,
        "Redis neither answers nor refuses"
    );
}

#[test]
fn a_user_with_the_permissions_of_the_guide_can_do_all_and_needs_each_of_them() {
    let redis = TestRedis::start();
    let config = redis.config_of_user();
    let rules = rules_of_the_guide();
    let count_refused = |rules: &[String]| {
        let () = redis.run(&["FLUSHALL"]);
        let () = redis.run(&["SCRIPT", "FLUSH"]);
        redis.set_user(rules);
        let () = redis.run(&["ACL", "LOG", "RESET"]);
        use_all(&redis, &config);
        redis.count_refused()
    };
    assert_eq!(count_refused(&rules), 0, "{rules:?}");
    let mut commands = 0;
    for rule in rules.iter().filter(|rule| rule.starts_with('+')) {
        let others: Vec<String> = rules
            .iter()
            .filter(|other| *other != rule)
            .cloned()
            .collect();
        assert!(count_refused(&others) > 0, "{rule} is superfluous");
        commands += 1;
    }
    assert!(commands > 10, "{rules:?}");
}

/// Redis has other words for what a script may not do.
#[test]
fn a_missing_permission_is_an_error_that_names_the_guide() {
    let redis = TestRedis::start();
    let config = redis.config_of_user();
    for missing in ["+info", "+hmget", "~{test}:*"] {
        let rules = rules_of_the_guide();
        let rules: Vec<String> = rules.into_iter().filter(|rule| rule != missing).collect();
        redis.set_user(&rules);
        let opened = RedisJournal::open(&server_of(&config), &config);
        let error = format!("{:?}", opened.err().unwrap());
        assert!(
            error.contains("the commands and keys that docs/guides/several-machines.md lists"),
            "{missing}: {error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}
