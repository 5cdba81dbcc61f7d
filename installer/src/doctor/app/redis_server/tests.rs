use std::path::Path;

use super::*;
use crate::doctor::finding::Level;

const HEALTHY: [(&str, &str); 6] = [
    ("redis_version", "7.0.15"),
    ("maxmemory", "0"),
    ("maxmemory_policy", "noeviction"),
    ("evicted_keys", "0"),
    ("aof_enabled", "1"),
    ("connected_slaves", "0"),
];

fn facts(changes: &[(&str, &str)]) -> RedisFacts {
    let fields = HEALTHY.iter().chain(changes);
    RedisFacts {
        info: fields
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        snapshots: Some(String::new()),
        refused_commands: Vec::new(),
        refuses_keys: false,
        journal: Ok(StoredJournal::Complete { newest: 41 }),
        clock_offset: Some((Duration::from_millis(900), true)),
        silent_sentinels: Vec::new(),
    }
}

fn judge(facts: &RedisFacts, url: &str, replicas_to_wait_for: Option<u64>) -> Vec<Finding> {
    let cache = RedisCache::parse(Path::new("/app"), url).expect("a URL of Redis");
    let judge = Judge {
        facts,
        cache: &cache,
        replicas_to_wait_for,
    };
    judge.findings()
}

/// The only finding about these facts.
#[track_caller]
fn only(facts: &RedisFacts) -> Finding {
    let mut findings = judge(facts, "redis://localhost?prefix=shop", None);
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

#[track_caller]
fn assert_is(finding: &Finding, level: Level, message: &str, help: &str) {
    assert_eq!(finding.level, level, "{finding:?}");
    assert!(finding.message.contains(message), "{finding:?}");
    let found = finding.help.as_deref().unwrap_or_default();
    assert!(found.contains(help), "{finding:?}");
}

#[test]
fn a_healthy_server_has_no_findings() {
    assert_eq!(judge(&facts(&[]), "redis://localhost", None), []);
}

#[test]
fn a_policy_that_evicts_is_a_problem_only_where_it_can_happen() {
    let policy = |policy, maxmemory| {
        only(&facts(&[
            ("maxmemory_policy", policy),
            ("maxmemory", maxmemory),
        ]))
    };
    let noeviction = "noeviction";
    assert_is(
        &policy("allkeys-lru", "1000"),
        Level::Warning,
        "the whole journal",
        noeviction,
    );
    assert_is(
        &policy("volatile-lru", "1000"),
        Level::Warning,
        "arrives twice",
        noeviction,
    );
    assert_is(
        &policy("allkeys-lru", "0"),
        Level::Note,
        "as soon as",
        noeviction,
    );
    let evicted = only(&facts(&[("evicted_keys", "3")]));
    assert_is(&evicted, Level::Note, "evicted 3 keys", noeviction);
}

#[test]
fn data_that_is_only_in_memory_is_a_problem_and_snapshots_are_a_note() {
    let mut memory = facts(&[("aof_enabled", "0")]);
    assert_is(
        &only(&memory),
        Level::Warning,
        "only in memory",
        "appendonly yes",
    );
    memory.snapshots = Some("3600 1".into());
    assert_is(
        &only(&memory),
        Level::Note,
        "`save 3600 1`",
        "appendonly yes",
    );
    memory.snapshots = None;
    assert_is(
        &only(&memory),
        Level::Note,
        "may not read",
        "appendonly yes",
    );
    let failed = only(&facts(&[("aof_last_write_status", "err")]));
    assert_is(&failed, Level::Warning, "to its disk", "log");
}

#[test]
fn replicas_that_no_save_needs_are_a_note() {
    assert_eq!(
        judge(
            &facts(&[("connected_slaves", "1")]),
            "redis://localhost",
            None
        ),
        []
    );
    let replicated = [("connected_slaves", "2")];
    assert_is(
        &only(&facts(&replicated)),
        Level::Note,
        "min-replicas-to-write",
        "min-replicas-to-write 1",
    );
    let guarded = facts(&[replicated[0], ("min_slaves_good_slaves", "1")]);
    assert_eq!(judge(&guarded, "redis://localhost", None), []);
    assert_eq!(judge(&guarded, "redis://localhost", Some(1)), []);
    let [finding] = &judge(&guarded, "redis://localhost", Some(3))[..] else {
        panic!("one finding")
    };
    assert_is(
        finding,
        Level::Error,
        "requires 3 replica(s), and 2",
        "SSE_REDIS_WAIT",
    );
}

#[test]
fn missing_permissions_are_named_as_rules() {
    let mut restricted = facts(&[]);
    restricted.refused_commands = vec!["xtrim", "script|load", "wait"];
    assert_is(
        &only(&restricted),
        Level::Error,
        "xtrim, script|load",
        ": +xtrim +script|load",
    );
    let with_wait = judge(&restricted, "redis://localhost", Some(0));
    assert_is(&with_wait[0], Level::Error, "wait", "+wait");
    restricted.refused_commands.clear();
    restricted.refuses_keys = true;
    assert_is(&only(&restricted), Level::Error, "{shop}:*", "~{shop}:*");
}

#[test]
fn a_missing_hash_a_silent_sentinel_and_a_plain_connection_are_reported() {
    let mut found = facts(&[]);
    found.journal = Ok(StoredJournal::WithoutHead);
    assert_is(
        &only(&found),
        Level::Warning,
        "{shop}:m is missing",
        "noeviction",
    );
    found.journal = Ok(StoredJournal::None);
    found.silent_sentinels = vec!["a:26379".into()];
    assert_is(&only(&found), Level::Warning, "a:26379", "SSE_CACHE");
    let plain = &judge(&facts(&[]), "redis://u:secret@db.example", None)[0];
    assert_is(plain, Level::Note, "db.example", "rediss");
}

#[test]
fn a_difference_of_the_clocks_is_a_note_and_a_large_one_a_problem() {
    let mut found = facts(&[]);
    found.clock_offset = Some((Duration::from_millis(1_100), false));
    assert_is(&only(&found), Level::Note, "1.1 s behind", "NTP");
    found.clock_offset = Some((Duration::from_secs(11), true));
    assert_is(&only(&found), Level::Warning, "11.0 s ahead of", "NTP");
}

#[test]
fn what_the_server_does_not_tell_is_a_note() {
    let mut found = facts(&[]);
    found.info.remove("maxmemory_policy");
    assert_is(&only(&found), Level::Note, "was not checked", "");
}
