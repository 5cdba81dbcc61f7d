//! What an installer meets in the field: each test is named after its case.
//!
//! | file | cases |
//! |---|---|
//! | `env_file.rs` | no `.env`, an empty one, line endings, marks, keys, quotes, the block and what owners do to it |
//! | `files.rs` | links, modes, other things than files, changes from elsewhere, crashes, failing writes |
//! | `manifest.rs` | `Cargo.toml`: endings, kinds of dependency tables, dependencies that are there, workspaces |
//! | `terminal.rs` | who sits before it: no terminal, closed streams, colours, JSON |

mod env_file;
mod files;
mod manifest;
mod terminal;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::hello::Hello;

/// The three keys as `install` sets them.
pub(crate) const KEYS: [(&str, &str); 3] = [
    ("SSE_STREAM_DURATION", "15"),
    ("SSE_POLL_INTERVAL", "2"),
    (
        "SSE_EVENTS",
        "event_name1:event_cache_key1,event_name2:event_cache_key2",
    ),
];

/// Everything below a folder: what it is, its bytes, its mode.
pub(crate) type Snapshot = BTreeMap<PathBuf, (String, Vec<u8>, u32)>;

pub(crate) fn snapshot(dir: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    look(dir, &mut found);
    found
}

fn look(dir: &Path, found: &mut Snapshot) {
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let kind = format!("{:?}", metadata.file_type());
        let contents = if metadata.is_file() {
            fs::read(&path).unwrap()
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            target.into_os_string().into_encoded_bytes()
        } else {
            Vec::new()
        };
        found.insert(path.clone(), (kind, contents, mode(&metadata)));
        if metadata.is_dir() {
            look(&path, found);
        }
    }
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

/// What an app that loads this `.env` sees, the first of equal keys winning.
pub(crate) fn as_read(env: &[u8]) -> BTreeMap<String, String> {
    let env = env.strip_prefix(b"\xef\xbb\xbf").unwrap_or(env);
    let mut values = BTreeMap::new();
    for item in dotenvy::from_read_iter(env) {
        let (key, value) = item.expect("every line can be read");
        values.entry(key).or_insert(value);
    }
    values
}

/// Installs and uninstalls: in between an app sees all three keys, the owner's values first, and
/// in the end everything is as it was.
#[track_caller]
pub(crate) fn there_and_back(hello: &Hello) {
    let before = snapshot(hello.path());
    let env = fs::read(hello.path().join(".env")).unwrap_or_default();
    hello.sse_does(&["install"]);
    let values = as_read(&fs::read(hello.path().join(".env")).unwrap());
    let owners = as_read(&env);
    for (key, value) in KEYS {
        let expected = owners.get(key).map_or(value, String::as_str);
        assert_eq!(values.get(key).map(String::as_str), Some(expected), "{key}");
    }
    for (key, value) in &owners {
        assert_eq!(values.get(key), Some(value), "{key}");
    }
    assert_eq!(hello.sse(&["status"]).code, 0);
    hello.sse_does(&["uninstall"]);
    assert_eq!(snapshot(hello.path()), before);
}

/// `install` refuses, says this, and has changed nothing.
#[track_caller]
pub(crate) fn refused(hello: &Hello, what: &str) {
    let before = snapshot(hello.path());
    hello.sse(&["install"]).fails(3, what);
    assert_eq!(snapshot(hello.path()), before);
}
