//! Links, named pipes, devices and folders where a regular file belongs.

use std::{
    fs,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use serde_json::value::to_raw_value;

use crate::{
    config::Config,
    entry,
    journal::{
        Journal, Slot,
        batch::StoredEntry,
        file::{CacheFolder, FileJournal},
    },
    platform,
};

/// Whether permissions can apply to this user. To root they do only on Linux, where it impersonates
/// the owner of the cache folder.
pub(crate) fn can_restrict_this_user() -> bool {
    platform::IS_LINUX || !rustix::process::geteuid().is_root()
}

/// Creates the cache folder for another user, so that permissions apply to root, too: root
/// impersonates the folder's owner.
pub(crate) fn make_permissions_apply_to_root(cache: &Path) {
    /// A user that does not exist.
    const OTHER_USER: u32 = 12_345;
    fs::create_dir_all(cache).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(cache, Some(OTHER_USER), Some(OTHER_USER)).unwrap();
    }
}

/// Not a regular file, but possibly a path to one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NonRegularFile {
    Link,
    NamedPipe,
    /// `/dev/null`; only root can create it.
    Device,
    Folder,
}

impl NonRegularFile {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Link, Self::NamedPipe, Self::Folder];
        if rustix::process::geteuid().is_root() {
            all.push(Self::Device);
        }
        all
    }

    /// A link leads to `target`.
    pub(crate) fn create(self, path: &Path, target: &Path) {
        let node = |file_type, device| {
            mknodat(CWD, path, file_type, Mode::RUSR | Mode::WUSR, device).unwrap();
        };
        match self {
            Self::Link => std::os::unix::fs::symlink(target, path).unwrap(),
            Self::NamedPipe => node(FileType::Fifo, 0),
            Self::Device => node(FileType::CharacterDevice, makedev(1, 3)),
            Self::Folder => fs::create_dir(path).unwrap(),
        }
    }
}

/// Fails if `work` takes so long that it must be waiting, as opening a named pipe does.
fn without_waiting(work: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let thread = thread::spawn(move || {
        work();
        let _ = sender.send(());
    });
    match done.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it waits for a file that is not regular"),
        _ => thread.join().unwrap(),
    }
}

fn open(config: &Config) -> FileJournal {
    FileJournal::open(&CacheFolder::prepare(config).unwrap().into()).unwrap()
}

#[test]
fn a_non_regular_file_with_an_entrys_name_breaks_no_other_entry() {
    for file in NonRegularFile::all() {
        without_waiting(move || {
            let app = tempfile::tempdir().unwrap();
            let config = Config::new(app.path(), "a:k").unwrap();
            let journal = Arc::new(open(&config));
            let value = to_raw_value("real").unwrap();
            let document = entry::encode_document("k", value, Duration::ZERO, SystemTime::now());
            assert_eq!(journal.append(&document).unwrap(), 1);
            let folder = config.cache_dir().join(".sse/journal-2/000000000000");
            file.create(
                &folder.join(".00000000000000000002"),
                &folder.join(".00000000000000000001"),
            );
            let entry = journal.latest(&Slot::public("k")).unwrap().unwrap();
            assert_eq!((entry.number, entry.value()), (1, "\"real\""), "{file:?}");
            assert_eq!(journal.append(&document).unwrap(), 3, "{file:?}");
            let journal = open(&config);
            assert!(
                matches!(journal.read(2).unwrap(), StoredEntry::Unreadable(_)),
                "{file:?}"
            );
            assert!(matches!(journal.read(3).unwrap(), StoredEntry::Entry(_)));
        });
    }
}

#[test]
fn a_non_regular_file_in_place_of_a_part_of_the_journal_replaces_the_journal() {
    for file in NonRegularFile::all() {
        for part in ["", ".id", "000000000000", "000000000000/.high-water"] {
            let path_of = move |config: &Config| match part {
                "" => config.cache_dir().join(".sse/journal-2"),
                part => config.cache_dir().join(".sse/journal-2").join(part),
            };
            without_waiting(move || {
                let app = tempfile::tempdir().unwrap();
                let config = Config::new(app.path(), "a:k").unwrap();
                let before = open(&config);
                before.append(b"1").unwrap();
                let path = path_of(&config);
                let away = app.path().join("away");
                fs::rename(&path, &away).unwrap();
                file.create(&path, &away);
                let after = open(&config);
                assert!(!before.is_in_place(), "{file:?} {part}");
                assert_ne!(before.epoch(), after.epoch(), "{file:?} {part}");
                assert_eq!(after.append(b"1").unwrap(), 1, "{file:?} {part}");
                assert!(away.exists());
            });
        }
    }
}
