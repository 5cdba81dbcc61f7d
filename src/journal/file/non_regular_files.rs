//! Links, FIFOs, devices and folders where a regular file belongs.

use std::{fs, path::Path, sync::mpsc, thread, time::Duration};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::{CacheFolder, FileJournal};
use crate::{
    cache::Cache,
    config::Config,
    journal::{Journal, Lookup},
};

/// Creates the cache folder, so that permissions count in it for root, too: there it acts as the
/// folder's owner.
pub(crate) fn make_permissions_apply_to_root(cache: &Path) {
    const SOMEBODY: u32 = 12_345;
    fs::create_dir_all(cache).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(cache, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
}

/// Something that is no regular file, but may lead to one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NonRegularFile {
    Link,
    Fifo,
    /// `/dev/null`; only root can make it.
    Device,
    Folder,
}

impl NonRegularFile {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Link, Self::Fifo, Self::Folder];
        if rustix::process::geteuid().is_root() {
            all.push(Self::Device);
        }
        all
    }

    /// Makes it. A link leads to `target`.
    pub(crate) fn make(self, path: &Path, target: &Path) {
        let node = |file_type, device| {
            mknodat(CWD, path, file_type, Mode::RUSR | Mode::WUSR, device).unwrap();
        };
        match self {
            Self::Link => std::os::unix::fs::symlink(target, path).unwrap(),
            Self::Fifo => node(FileType::Fifo, 0),
            Self::Device => node(FileType::CharacterDevice, makedev(1, 3)),
            Self::Folder => fs::create_dir(path).unwrap(),
        }
    }
}

/// Fails when this takes so long that it waits for something, as opening a FIFO does.
fn at_once(work: impl FnOnce() + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let thread = thread::spawn(move || {
        work();
        let _ = sender.send(());
    });
    match done.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it waits for a file that is none"),
        _ => thread.join().unwrap(),
    }
}

fn open(config: &Config) -> FileJournal {
    FileJournal::open(&CacheFolder::prepare(config).unwrap().into()).unwrap()
}

#[test]
fn under_an_entrys_name_they_are_broken_and_the_entries_around_them_are_not() {
    for odd in NonRegularFile::all() {
        at_once(move || {
            let app = tempfile::tempdir().unwrap();
            let config = Config::new(app.path(), "a:k").unwrap();
            let cache = Cache::open(&config).unwrap();
            assert_eq!(cache.save_blocking("k", "real").unwrap(), 1);
            let folder = config.cache_dir().join(".sse/journal-2/000000000000");
            odd.make(
                &folder.join(".00000000000000000002"),
                &folder.join(".00000000000000000001"),
            );
            let entry = cache.get_blocking("k").unwrap().unwrap();
            assert_eq!((entry.number(), entry.value()), (1, "\"real\""), "{odd:?}");
            assert_eq!(cache.save_blocking("k", 1).unwrap(), 3, "{odd:?}");
            let journal = open(&config);
            assert!(
                matches!(journal.read(2).unwrap(), Lookup::Broken(_)),
                "{odd:?}"
            );
            assert!(matches!(journal.read(3).unwrap(), Lookup::Entry(_)));
        });
    }
}

#[test]
fn in_the_place_of_the_journals_parts_they_make_it_a_damaged_one() {
    for odd in NonRegularFile::all() {
        for part in ["", ".id", "000000000000", "000000000000/.high-water"] {
            let path_of = move |config: &Config| match part {
                "" => config.cache_dir().join(".sse/journal-2"),
                part => config.cache_dir().join(".sse/journal-2").join(part),
            };
            at_once(move || {
                let app = tempfile::tempdir().unwrap();
                let config = Config::new(app.path(), "a:k").unwrap();
                let before = open(&config);
                before.append(b"1").unwrap();
                let path = path_of(&config);
                let away = app.path().join("away");
                fs::rename(&path, &away).unwrap();
                odd.make(&path, &away);
                let after = open(&config);
                assert!(!before.is_in_place(), "{odd:?} {part}");
                assert_ne!(before.epoch(), after.epoch(), "{odd:?} {part}");
                assert_eq!(after.append(b"1").unwrap(), 1, "{odd:?} {part}");
                assert!(away.exists());
            });
        }
    }
}
