//! A server killed at every step of the ingest of drop-ins: its successor ingests each drop-in, once.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output},
};

use support::{App, tracing::try_all};
use tempfile::NamedTempFile;

/// The calls in which the ingest changes files, and its lock. Files are also written by the calls that
/// open them, because a rename or an append follows.
const CALLS: [&str; 8] = [
    "flock",
    "mkdirat",
    "openat",
    "pwrite64",
    "renameat",
    "renameat2",
    "unlinkat",
    "write",
];

/// A drop-in that a killed server has left, in the format that the documentation describes; and one
/// that came after it; and one of another key.
fn app_with_drop_ins() -> App {
    let app = App::with_env("SSE_EVENTS=event:key1,event:key2\nSSE_POLL_INTERVAL=0.1\n");
    app.save("key1", "0");
    let left = app.cache().join(".sse/claimed/key1");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join(".000000000000000000000001-00000000"), "1").unwrap();
    fs::write(app.cache().join("key1"), "2").unwrap();
    fs::write(app.cache().join("key2"), "3").unwrap();
    app
}

fn ingester() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-helper"));
    command.arg("ingester");
    command
}

/// Runs the ingester under strace. Returns what strace has logged.
fn trace(app: &App, options: &[&str]) -> (Output, String) {
    let log = NamedTempFile::new().unwrap();
    let ingester = ingester();
    let mut strace = Command::new("strace");
    strace
        .args(["--follow-forks", "--quiet=attach,personality", "--output"])
        .arg(log.path())
        .args(options)
        .arg("--")
        .arg(ingester.get_program())
        .args(ingester.get_args())
        .current_dir(app.path());
    let output = strace.output().expect("strace is missing");
    (output, fs::read_to_string(log.path()).unwrap())
}

/// Each call with its number. strace counts the calls of each thread separately, and the first thread
/// that reaches the number is killed with its process.
fn cases() -> Vec<(&'static str, usize)> {
    let (output, log) = trace(&app_with_drop_ins(), &[]);
    assert!(output.status.success(), "{output:?}");
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for line in log.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        if let Some((name, _)) = call.trim_start().split_once('(') {
            *counts.entry((thread, name)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, name), count) in counts {
        if let Some(known) = CALLS.iter().find(|known| **known == name) {
            let most = most.entry(*known).or_insert(0);
            *most = count.max(*most);
        }
    }
    assert!(most["renameat"] >= 2 && most["unlinkat"] >= 3, "{most:?}");
    let cases = most.into_iter();
    cases
        .flat_map(|(name, count)| (1..=count).map(move |number| (name, number)))
        .collect()
}

#[test]
fn a_server_that_is_killed_at_any_call_neither_loses_nor_repeats_a_drop_in() {
    try_all(&cases(), |(name, number)| {
        let app = app_with_drop_ins();
        let only = format!("--trace={name}");
        let inject = format!("--inject={name}:signal=KILL:when={number}");
        let (output, _) = trace(&app, &[&only, &inject]);
        // Threads run in another order each time, so a run may not reach its call.
        let is_killed = output.status.signal() == Some(9);
        assert!(is_killed || output.status.success(), "{output:?}");
        let successor = ingester().current_dir(app.path()).output().unwrap();
        assert!(successor.status.success(), "{successor:?}");
        let found = saved(app.path());
        let of_key = |key| -> Vec<_> {
            let values = found.iter().filter(|(found, _)| found == key);
            values.map(|(_, value)| *value).collect()
        };
        if of_key("key1") == [0, 1, 2] && of_key("key2") == [3] {
            return Ok(());
        }
        Err(format!("killed at {name} number {number}: {found:?}"))
    });
}

/// The keys and values in the journal, in their order.
fn saved(app: &Path) -> Vec<(String, u64)> {
    let folder = app.join("writable/cache/.sse/journal-2/000000000000");
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path());
    // A dot and 20 digits.
    let mut entries: Vec<_> = names
        .filter(|path| path.file_name().unwrap().len() == 21)
        .collect();
    entries.sort_unstable();
    let documents = entries.into_iter().map(|path| {
        let document: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let key = document["key"].as_str().unwrap().to_owned();
        (key, document["value"].as_u64().unwrap())
    });
    documents.collect()
}
