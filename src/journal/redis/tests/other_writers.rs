//! `docs/guides/save.lua`, with which programs in other languages save.

use std::{fs, path::Path, time::SystemTime};

use ::redis::{RedisResult, Script};

use super::TestRedis;
use crate::journal::{contract::Journal, redis::RedisJournal};

const ENTRY: &[u8] = br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"k","value":1}"#;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

impl TestRedis {
    /// Calls the script as another program does.
    fn save_with(&self, token: &str, arguments: &[&[u8]]) -> RedisResult<String> {
        let script = Script::new(&read("docs/guides/save.lua"));
        let mut call = script.prepare_invoke();
        call.key("{test}:s")
            .key("{test}:m")
            .key(format!("{{test}}:i:{token}"));
        for argument in arguments {
            call.arg(*argument);
        }
        call.invoke(&mut self.connection())
    }

    fn save_value(&self, token: &str, value: &str) -> String {
        self.save_with(token, &[b"k", value.as_bytes(), b"60000"])
            .unwrap()
    }
}

fn token(number: u32) -> String {
    format!("{number:016}")
}

/// The ids and values of all entries.
fn all(journal: &RedisJournal) -> Vec<(String, String)> {
    let entries = journal.read_from(1, 100).unwrap().entries.into_iter();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.id().to_string(), entry.value().to_owned()))
        .collect()
}

#[test]
fn saves_of_other_programs_and_of_the_library_have_one_order() {
    let redis = TestRedis::start();
    // The journal does not exist yet.
    let first = redis.save_value(&token(1), r#""one""#);
    let journal = redis.open_journal();
    assert_eq!(first, format!("{}-1", journal.epoch()));
    assert_eq!(journal.append(ENTRY).unwrap(), 2);
    let third = redis.save_value(&token(3), r#"{"a": [1.50, null]}"#);
    assert_eq!(redis.save_value(&token(3), "3"), third, "it is repeated");
    assert_eq!(journal.append(ENTRY).unwrap(), 4);
    let entries = all(&journal);
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0], (first, r#""one""#.to_owned()));
    assert_eq!(entries[2], (third, r#"{"a": [1.50, null]}"#.to_owned()));
    let entry = journal.read_from(1, 1).unwrap().entries.remove(0).unwrap();
    assert!(entry.age(SystemTime::now()).unwrap().as_secs() < 60);
    assert!(entry.expires_at(SystemTime::now()).is_some());
}

#[test]
fn a_save_of_another_program_begins_the_epoch_that_every_reader_expects() {
    let mut redis = TestRedis::start();
    let former = redis.open_journal();
    former.append(ENTRY).unwrap();
    redis.kill();
    redis.restart();
    let expected = redis.open_journal();
    let id = redis.save_value(&token(1), "2");
    assert_eq!(id, format!("{}-2", expected.epoch()));
    let journal = redis.open_journal();
    assert_eq!(journal.epoch(), expected.epoch());
    let shared = journal.epochs().last_number_shared_with(former.epoch());
    assert_eq!(shared, Some(1));
    assert_eq!(journal.append(ENTRY).unwrap(), 3);
}

#[test]
fn audiences_are_stored_as_the_library_stores_them() {
    let redis = TestRedis::start();
    let arguments: [&[u8]; 5] = [b"k", b"1", b"0", "team:\u{e9}".as_bytes(), b"a\"b"];
    redis.save_with(&token(1), &arguments).unwrap();
    let journal = redis.open_journal();
    let entry = journal.read_from(1, 1).unwrap().entries.remove(0).unwrap();
    let names: Vec<&str> = entry.audiences().collect();
    assert_eq!(names, ["a\"b", "team:\u{e9}"]);
    assert_eq!(entry.expires_at(SystemTime::now()), None);
}

#[test]
fn what_no_reader_could_use_is_refused_and_leaves_no_number_out() {
    let redis = TestRedis::start();
    let large = format!("\"{}\"", "x".repeat(65_536));
    let long = "x".repeat(256);
    let values = [
        "",
        "nan",
        "NaN",
        "0x10",
        "01",
        "+1",
        ".5",
        "1.",
        "1,2",
        "1]",
        "[1",
        "\"a",
        "-",
        "1e",
        "\"\n\"",
        "Infinity",
        "a",
        "{a:1}",
        "1],[2",
        "\"a\" \"b\"",
        "\"\\x\"",
        "1 2",
        "[1,]",
        "\"\\ud800\"",
        "True",
        "{'a':1}",
        &large,
    ];
    let mut wrong: Vec<Vec<&[u8]>> = values
        .iter()
        .map(|value| vec![&b"k"[..], value.as_bytes(), b"0"])
        .collect();
    wrong.push(vec![b"k", b"\"\xff\"", b"0"]);
    for key in ["", ".a", "a/b", "a:b", "a\u{85}", &long] {
        wrong.push(vec![key.as_bytes(), b"1", b"0"]);
    }
    for ttl in ["", "x", "-1", "1.5", "10000000000000"] {
        wrong.push(vec![b"k", b"1", ttl.as_bytes()]);
    }
    for name in [
        "",
        "*",
        " a",
        "a ",
        "a,b",
        "a\u{3000}",
        "\u{a0}a",
        "a\u{2028}b",
        &long,
    ] {
        wrong.push(vec![b"k", b"1", b"0", name.as_bytes()]);
    }
    wrong.push([&[&b"k"[..], b"1", b"0"][..], &[&b"a"[..]; 101]].concat());
    for arguments in wrong {
        let error = redis.save_with(&token(1), &arguments).unwrap_err();
        assert_eq!(error.code(), Some("INVALID"), "{arguments:?}: {error}");
    }
    assert!(redis.save_with("short", &[b"k", b"1", b"0"]).is_err());
    assert!(redis.save_value(&token(1), "1").ends_with("-1"));
    let right = [
        "-0",
        "1.5e-9",
        "[]",
        "{}",
        r#""x\"y, nan""#,
        r#"[[true],{"a":"NaN"}]"#,
        "\"\u{1f600}\"",
    ];
    for (number, value) in (2..).zip(right) {
        redis.save_value(&token(number), value);
    }
    assert_eq!(all(&redis.open_journal()).len(), 8);
}

/// Both must change together.
#[test]
fn the_script_assigns_numbers_as_the_library_does() {
    let script = read("docs/guides/save.lua");
    let [head, append] = ["head", "append"].map(|name| {
        let script = read(&format!("src/journal/redis/scripts/{name}.lua"));
        script.split("\n\n").map(str::to_owned).collect::<Vec<_>>()
    });
    for shared in [
        "local function read_head()",
        "local function text(",
        "local function first_number(",
    ] {
        let function = head.iter().find(|part| part.contains(shared)).unwrap();
        let code = &function[function.find("local function").unwrap()..];
        assert!(script.contains(code), "{code}");
    }
    let append = append.concat();
    let start = append.find("  -- Former epochs without").unwrap();
    let end = append.find("  redis.call('HSET', KEYS[2], 'e'").unwrap();
    assert!(script.contains(&append[start..end]));
}
