//! The file that waits for the next save.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{
    non_regular_files::{can_restrict_this_user, make_permissions_apply_to_root},
    open_with_small_folders,
};
use crate::{
    config::Config,
    journal::{
        Journal,
        batch::StoredEntry,
        file::{FileJournal, random::is_unfinished_name},
    },
};

struct App {
    dir: tempfile::TempDir,
    journal: FileJournal,
}

impl App {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// Prepares the cache folder before it is used.
    fn with(prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "a:k").unwrap();
        fs::create_dir_all(config.cache_dir()).unwrap();
        prepare(config.cache_dir());
        let journal = open_with_small_folders(&config);
        Self { dir, journal }
    }

    /// Saves, and returns the inode of the entry. The pause before makes a spare file useful.
    fn save(&self, number: u64) -> u64 {
        thread::sleep(Duration::from_millis(3));
        assert_eq!(self.journal.append(b"value").unwrap(), number);
        self.journal.prepare_append();
        let read = self.journal.read(number).unwrap();
        assert_eq!(read, StoredEntry::Entry(b"value".into()));
        let path = self.folder(number / 4).join(format!(".{number:020}"));
        fs::metadata(path).unwrap().ino()
    }

    fn folder(&self, folder: u64) -> PathBuf {
        let journal = self.dir.path().join("writable/cache/.sse/journal-2");
        journal.join(format!("{folder:012}"))
    }

    /// Waits until the folder has a spare file.
    fn spare(&self, folder: u64) -> PathBuf {
        let start = Instant::now();
        while !self.journal.spare_file.is_ready() {
            assert!(start.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(1));
        }
        let [spare] = &unfinished(&self.folder(folder))[..] else {
            panic!("one file is unfinished");
        };
        spare.clone()
    }
}

fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|item| item.unwrap().path());
    let is_unfinished = |path: &PathBuf| {
        let name = path.file_name().unwrap();
        is_unfinished_name(name.to_str().unwrap())
    };
    paths.filter(is_unfinished).collect()
}

#[test]
fn saves_that_are_far_enough_apart_find_their_file_created() {
    let app = App::new();
    app.save(1);
    assert!(unfinished(&app.folder(0)).is_empty());
    app.save(2);
    let inode = fs::metadata(app.spare(0)).unwrap().ino();
    assert_eq!(app.save(3), inode);
    let spare = app.spare(0);
    // As long as it is open, no other file has its inode.
    let opened = File::open(&spare).unwrap();
    // The next folder has been created: the file is in the former one, so it is of no use.
    assert_ne!(app.save(4), opened.metadata().unwrap().ino());
    assert!(!spare.exists());
    assert!(app.spare(1).exists());
}

#[test]
fn a_spare_file_that_was_changed_is_not_used() {
    type Change = fn(&Path, &Path);
    let changes: [(&str, Change); 8] = [
        ("removed", |spare, _| fs::remove_file(spare).unwrap()),
        ("written to", |spare, _| {
            fs::write(spare, "longer than the value").unwrap();
        }),
        ("replaced by a file", |spare, other| {
            fs::write(other, "").unwrap();
            fs::rename(other, spare).unwrap();
        }),
        ("replaced by a link", |spare, other| {
            fs::write(other, "").unwrap();
            fs::remove_file(spare).unwrap();
            symlink(other, spare).unwrap();
        }),
        ("replaced by a folder", |spare, _| {
            fs::remove_file(spare).unwrap();
            fs::create_dir(spare).unwrap();
        }),
        ("linked", |spare, other| {
            fs::hard_link(spare, other).unwrap();
        }),
        ("linked before", |spare, other| {
            fs::hard_link(spare, other).unwrap();
            fs::remove_file(other).unwrap();
        }),
        ("made readable", |spare, _| {
            fs::set_permissions(spare, fs::Permissions::from_mode(0o666)).unwrap();
        }),
    ];
    for (change, apply) in changes {
        let app = App::new();
        app.save(1);
        app.save(2);
        let (spare, other) = (app.spare(0), app.dir.path().join("other"));
        // As long as they are open, no other files have their inodes.
        let mut unusable = vec![File::open(&spare).unwrap()];
        // Until the change gets another time: some kernels count in steps of 10 ms, and some file systems store
        // seconds.
        let has_nanoseconds = fs::metadata(&spare).unwrap().ctime_nsec() != 0;
        thread::sleep(Duration::from_millis(if has_nanoseconds {
            20
        } else {
            1_000
        }));
        apply(&spare, &other);
        unusable.extend(File::open(&spare));
        let saved = app.save(3);
        for file in unusable {
            assert_ne!(saved, file.metadata().unwrap().ino(), "{change}");
        }
        if let Ok(text) = fs::read(&other) {
            assert_eq!(text, b"", "{change}");
        }
    }
}

/// At once, because the program may end now.
#[test]
fn a_journal_that_is_closed_leaves_no_spare_file() {
    let app = App::new();
    app.save(1);
    app.save(2);
    let spare = app.spare(0);
    drop(app.journal);
    assert!(!spare.exists());
}

/// In a forked process, nobody may release it.
#[test]
fn a_save_does_not_wait_for_the_lock_of_the_spare_file() {
    let app = App::new();
    app.save(1);
    app.save(2);
    let spare = app.spare(0);
    let app = Arc::new(app);
    let (sender, inode) = mpsc::channel();
    app.journal.spare_file.while_locked(|| {
        let saver = Arc::clone(&app);
        thread::spawn(move || sender.send(saver.save(3)));
        let inode = inode.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_ne!(inode, fs::metadata(&spare).unwrap().ino());
    });
}

/// As all its files.
#[test]
fn root_removes_the_spare_file_with_the_rights_of_its_owner() {
    if !can_restrict_this_user() {
        return;
    }
    let app = App::with(make_permissions_apply_to_root);
    app.save(1);
    app.save(2);
    let spare = app.spare(0);
    fs::set_permissions(app.folder(0), fs::Permissions::from_mode(0o500)).unwrap();
    drop(app.journal);
    assert!(spare.exists());
}
