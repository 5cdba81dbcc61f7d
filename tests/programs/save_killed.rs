//! `sse save` killed at every step, by SIGKILL, which no program can answer: it leaves a whole
//! value or none, and in no one's way.
//!
//! Nothing here is left to timing. A run under strace lists the system calls on what is in the
//! app's folder; then there is one run for each of them that is killed as it enters the call.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use actix_web_sse::{Cache, Config, Sse};
use serde_json::{Value, json};
use support::{
    App,
    tracing::{calls, kill_at, try_all},
    until,
};

const KEY: &str = "event_cache_key1";
/// Long enough that a part of it is no JSON, and would be seen.
const KILLED: &str = "{\"killed\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}";

#[test]
fn a_killed_save_on_a_new_cache_leaves_a_complete_value_or_none() {
    killed_everywhere(0);
}

#[test]
fn a_killed_save_on_an_existing_cache_leaves_a_complete_value_or_none() {
    killed_everywhere(3);
}

#[test]
fn a_killed_save_that_creates_the_next_folder_leaves_a_complete_value_or_none() {
    killed_everywhere(999);
}

/// Kills a save at every call, in caches with so many entries.
fn killed_everywhere(entries: u64) {
    let save = ["save", KEY, KILLED];
    let before = with_entries(entries);
    let calls = calls(copy_of(&before).path(), &save);
    let changes = calls.iter().filter(|call| call.changes).count();
    assert!(changes >= 3, "{calls:?}");
    try_all(&calls, |at| {
        let app = copy_of(&before);
        kill_at(at, app.path(), &save)
            .and_then(|()| check(&app, entries))
            .map_err(|error| format!("with {entries} entries, killed at {at}\n  {error}"))
    });
}

fn with_entries(entries: u64) -> App {
    let app = App::new();
    if entries > 0 {
        let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
        for number in 1..=entries {
            assert_eq!(cache.save_blocking(KEY, number).unwrap(), number);
        }
    }
    app
}

/// The same app elsewhere. An entry never changes, so its file may be in both.
fn copy_of(app: &App) -> App {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir(to).unwrap();
        fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
        for path in list(from) {
            let target = to.join(name(&path));
            if path.is_dir() {
                copy(&path, &target);
            } else if name(&path) == ".high-water" {
                fs::copy(&path, target).unwrap();
            } else {
                fs::hard_link(&path, target).unwrap();
            }
        }
    }
    let copied = App::new();
    let writable = app.path().join("writable");
    if writable.exists() {
        copy(&writable, &copied.path().join("writable"));
    }
    copied
}

/// What is expected after the kill, after the save that comes next, and of what was left behind.
fn check(app: &App, before: u64) -> Result<(), String> {
    let first: Vec<Value> = (1..=before).map(Value::from).collect();
    let killed: Value = serde_json::from_str(KILLED).unwrap();
    let with_killed = [&first[..], std::slice::from_ref(&killed)].concat();

    let values = saved(app)?;
    if values != first && values != with_killed {
        return Err(format!("it left {}", ends(&values)));
    }
    let next = app.sse().args(["save", KEY, "next"]).output().unwrap();
    if !next.status.success() {
        return Err(format!("the next save fails: {next:?}"));
    }
    let expected = [&values[..], &[json!("next")]].concat();
    let values = saved(app)?;
    if values != expected {
        return Err(format!(
            "after the next save there are {}, and not {}",
            ends(&values),
            ends(&expected)
        ));
    }
    is_cleared_away(app)
}

/// The values in the journal, read as any program may: numbered from 1 on without a hole, and each
/// of them whole.
fn saved(app: &App) -> Result<Vec<Value>, String> {
    let mut entries = Vec::new();
    for folder in folders_of_entries(app) {
        for path in list(&folder)
            .into_iter()
            .filter(|path| !is_unfinished(path) && name(path) != ".high-water")
        {
            let number: u64 = name(&path)[1..]
                .parse()
                .map_err(|_| path.display().to_string())?;
            let bytes = fs::read(&path).unwrap();
            let document: Value = serde_json::from_slice(&bytes)
                .map_err(|error| format!("entry {number} is torn, {error}: {bytes:?}"))?;
            if document["key"] != KEY || !document["time"].is_string() {
                return Err(format!("entry {number} is {document}"));
            }
            if folder.ends_with(format!("{:012}", number / 1_000)) {
                entries.push((number, document["value"].clone()));
            } else {
                return Err(format!("{} is in another's folder", path.display()));
            }
        }
    }
    entries.sort_by_key(|(number, _)| *number);
    let numbers: Vec<u64> = entries.iter().map(|(number, _)| *number).collect();
    if numbers != (1..=entries.len() as u64).collect::<Vec<u64>>() {
        return Err(format!("the numbers have holes: {numbers:?}"));
    }
    Ok(entries.into_iter().map(|(_, value)| value).collect())
}

/// That a server removes what is unfinished, an hour later: all of it but what lies in the newest
/// folder of entries, which leaves with that folder.
fn is_cleared_away(app: &App) -> Result<(), String> {
    let later = SystemTime::now() - Duration::from_secs(3700);
    for path in unfinished(app) {
        File::open(&path).unwrap().set_modified(later).unwrap();
    }
    let config = Config::from_dir(app.path()).unwrap().with_history(1);
    let server = Sse::follow(&Cache::open(&config).unwrap()).map_err(|error| error.to_string())?;
    let newest = folders_of_entries(app).pop().unwrap();
    until("what was left is cleared away", || {
        let left = unfinished(app);
        left.iter()
            .all(|path| path.parent() == Some(&newest))
            .then_some(())
    });
    drop(server);
    Ok(())
}

/// All files and folders whose name begins with a dot, except those that are there to stay.
fn unfinished(app: &App) -> Vec<PathBuf> {
    let own = app.cache().join(".sse");
    let mut folders = vec![
        app.cache(),
        own.clone(),
        own.join("ready"),
        own.join("claimed"),
    ];
    folders.push(own.join("journal-2"));
    folders.extend(folders_of_entries(app));
    let mut found: Vec<PathBuf> = folders.iter().flat_map(|folder| list(folder)).collect();
    found.retain(|path| is_unfinished(path));
    found
}

fn folders_of_entries(app: &App) -> Vec<PathBuf> {
    let mut folders = list(&app.cache().join(".sse/journal-2"));
    folders.retain(|path| !name(path).starts_with('.'));
    folders
}

/// A dot and twelve letters or digits. The names of files that stay are longer or shorter.
fn is_unfinished(path: &Path) -> bool {
    let name = name(path);
    name.starts_with('.') && name.len() == 13
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// What is in a folder, in the order of names; nothing where there is no folder.
fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(items) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = items.map(|item| item.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The last few of many values.
fn ends(values: &[Value]) -> String {
    let last = &values[values.len().saturating_sub(3)..];
    format!("{} values, the last {last:?}", values.len())
}
