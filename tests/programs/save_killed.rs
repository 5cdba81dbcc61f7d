//! `sse save` killed at every step, by SIGKILL, which a program cannot handle: it leaves a complete
//! value or none, and nothing that blocks later saves.
//!
//! Nothing here depends on timing. A run under strace lists the system calls on files in the app's
//! folder, and for each of them one run is killed as it enters the call.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use actix_web_sse::{Cache, Config, Sse};
use serde_json::{Value, json};
use support::{
    App, number_in_id,
    tracing::{calls, kill_at, try_all},
    until,
};

const KEY: &str = "event_cache_key1";
/// Long enough that a part of it would be recognized as invalid JSON.
const KILLED: &str = "{\"killed\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}";

#[test]
fn a_killed_save_on_a_new_cache_leaves_a_complete_value_or_none() {
    kill_at_every_call(0);
}

#[test]
fn a_killed_save_on_an_existing_cache_leaves_a_complete_value_or_none() {
    kill_at_every_call(3);
}

#[test]
fn a_killed_save_that_creates_the_next_folder_leaves_a_complete_value_or_none() {
    kill_at_every_call(999);
}

/// Kills a save at every call, in caches with this many entries.
fn kill_at_every_call(entries: u64) {
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
            let id = cache.save_blocking(KEY, number).unwrap();
            assert_eq!(number_in_id(&id.to_string()), number);
        }
    }
    app
}

/// A copy of the app. Entries never change, so both can share their files by hard links.
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

/// Checks the journal after the kill and after the next save, and that leftovers are removed.
fn check(app: &App, before: u64) -> Result<(), String> {
    let first: Vec<Value> = (1..=before).map(Value::from).collect();
    let killed: Value = serde_json::from_str(KILLED).unwrap();
    let with_killed = [&first[..], std::slice::from_ref(&killed)].concat();

    let values = saved(app)?;
    if values != first && values != with_killed {
        return Err(format!("the journal contains {}", summary(&values)));
    }
    let next = app.sse().args(["save", KEY, "next"]).output().unwrap();
    if !next.status.success() {
        return Err(format!("the next save fails: {next:?}"));
    }
    let expected = [&values[..], &[json!("next")]].concat();
    let values = saved(app)?;
    if values != expected {
        return Err(format!(
            "after the next save the journal contains {} instead of {}",
            summary(&values),
            summary(&expected)
        ));
    }
    check_leftovers_are_removed(app)
}

/// The values in the journal, read by its documented format. They must be complete, and numbered from
/// 1 without a hole.
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

/// A server removes unfinished files after an hour, except those in the newest folder of entries, which
/// are removed with that folder.
fn check_leftovers_are_removed(app: &App) -> Result<(), String> {
    let later = SystemTime::now() - Duration::from_secs(3700);
    for path in unfinished(app) {
        File::open(&path).unwrap().set_modified(later).unwrap();
    }
    let config = Config::from_dir(app.path()).unwrap().with_history(1);
    let server = Sse::new(&config).map_err(|error| error.to_string())?;
    let newest = folders_of_entries(app).pop().unwrap();
    until("the leftovers are removed", || {
        let left = unfinished(app);
        left.iter()
            .all(|path| path.parent() == Some(&newest))
            .then_some(())
    });
    drop(server);
    Ok(())
}

/// All files and folders that a killed process can leave behind.
fn unfinished(app: &App) -> Vec<PathBuf> {
    let sse = app.cache().join(".sse");
    let mut folders = vec![app.cache(), sse.clone()];
    folders.push(sse.join("journal-2"));
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

/// The name has a dot and twelve letters or digits. Names of permanent files are longer or shorter.
fn is_unfinished(path: &Path) -> bool {
    let name = name(path);
    name.starts_with('.') && name.len() == 13
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The contents of a folder, sorted by name; empty if the folder does not exist.
fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(items) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = items.map(|item| item.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The number of values, and the last three.
fn summary(values: &[Value]) -> String {
    let last = &values[values.len().saturating_sub(3)..];
    format!("{} values, the last {last:?}", values.len())
}
