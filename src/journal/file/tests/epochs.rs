//! Programs that open the journal before and after a restart of the machine, and in containers.

use std::{
    cell::OnceCell,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant},
};

use rustix::fs::FlockOperation;

use super::non_regular_files::{can_restrict_this_user, make_permissions_apply_to_root};
use crate::{
    config::Config,
    epoch::Epoch,
    journal::{
        Journal,
        file::{
            CacheFolder, FileJournal,
            flock::{LockResult, try_lock},
            test_hooks::{set_boot_id, set_hooks},
        },
    },
};

struct App(tempfile::TempDir);

impl App {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The journal as a program opens it that sees this boot id.
    fn open(&self, boot_id: Option<u128>) -> FileJournal {
        set_boot_id(boot_id);
        let config = Config::new(self.0.path(), "a:k").unwrap();
        FileJournal::open(&CacheFolder::prepare(&config).unwrap().into()).unwrap()
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("writable/cache")
    }

    fn folder(&self) -> PathBuf {
        self.cache().join(".sse/journal-2")
    }
}

/// Ends the program that uses it. Dropping it would be too little for a moment if another test starts a
/// process, which has all files open until it runs its program.
fn end(journal: FileJournal) -> Epoch {
    let unlock = FlockOperation::NonBlockingUnlock;
    assert_eq!(try_lock(&journal.id, unlock), LockResult::Locked);
    let epoch = journal.epoch();
    drop(journal);
    epoch
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn last_shared(journal: &FileJournal, epoch: Epoch) -> Option<u64> {
    journal.epochs().last_number_shared_with(epoch)
}

#[test]
fn programs_that_run_at_the_same_time_share_an_epoch_whatever_boot_they_see() {
    let app = App::new();
    for first in [Some(1), None] {
        let journal = app.open(first);
        let others = [Some(1), Some(2), None, Some(3)].map(|boot| app.open(boot).epoch());
        assert_eq!(others, [journal.epoch(); 4]);
        assert!(journal.is_in_place());
    }
}

#[test]
fn an_epoch_continues_when_programs_of_its_boot_start_again() {
    let app = App::new();
    let epoch = end(app.open(Some(1)));
    assert_eq!(app.open(Some(1)).epoch(), epoch);
}

#[test]
fn the_first_program_after_a_restart_of_the_machine_starts_an_epoch() {
    for [before, after] in [[Some(1), Some(2)], [None, None], [Some(1), None]] {
        let app = App::new();
        let former = app.open(before);
        former.append(b"1").unwrap();
        let epoch = end(former);
        let journal = app.open(after);
        assert_ne!(journal.epoch(), epoch, "{before:?} {after:?}");
        assert_eq!(last_shared(&journal, epoch), Some(1));
        assert_eq!(journal.append(b"2").unwrap(), 2);
        let ids = [1, 2].map(|number| journal.epochs().epoch_of(number));
        assert_eq!(ids, [epoch, journal.epoch()]);
        assert_eq!(app.open(after).epoch(), journal.epoch());
    }
}

/// Otherwise it would save in an epoch that may have lost entries.
#[test]
fn a_program_that_was_stopped_while_it_starts_an_epoch_holds_up_no_other() {
    let app = App::new();
    let epoch = end(app.open(Some(1)));
    let exclusive = FlockOperation::NonBlockingLockExclusive;
    let held = [app.cache().join(".sse"), app.folder().join(".id")].map(|path| {
        let file = File::open(path).unwrap();
        assert_eq!(try_lock(&file, exclusive), LockResult::Locked);
        file
    });
    let start = Instant::now();
    let journal = app.open(Some(2));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(last_shared(&journal, epoch), Some(0));
    drop(held);
    assert_eq!(app.open(Some(2)).epoch(), journal.epoch());
}

/// For example because the disk is busy. If it replaced the other's id, clients of the other would receive a
/// gap for nothing.
#[test]
fn a_program_that_is_slow_to_start_an_epoch_continues_the_one_that_another_has_started() {
    let app = Rc::new(App::new());
    end(app.open(Some(1)));
    let other = Rc::new(OnceCell::new());
    let start_other = {
        let (app, other) = (Rc::clone(&app), Rc::clone(&other));
        move || {
            other.get_or_init(|| app.open(Some(2)));
        }
    };
    set_hooks(start_other, false);
    let slow = app.open(Some(2));
    let other = other.get().unwrap();
    assert!(other.is_in_place());
    assert_eq!(slow.epoch(), other.epoch());
}

#[test]
fn a_program_notices_that_an_epoch_was_started_while_it_runs() {
    let app = App::new();
    let journal = app.open(Some(1));
    let unlock = FlockOperation::NonBlockingUnlock;
    assert_eq!(try_lock(&journal.id, unlock), LockResult::Locked);
    let other = app.open(Some(2));
    assert!(!journal.is_in_place());
    assert_eq!(app.open(Some(1)).epoch(), other.epoch());
}

#[test]
fn a_user_who_may_only_read_starts_an_epoch_for_itself_alone() {
    if !can_restrict_this_user() {
        return;
    }
    let app = App::new();
    // Other users find the cache folder.
    set_mode(app.0.path(), 0o755);
    make_permissions_apply_to_root(&app.cache());
    let epoch = end(app.open(Some(1)));
    set_mode(&app.folder(), 0o500);
    let reader = app.open(Some(2));
    assert_eq!(last_shared(&reader, epoch), Some(0));
    let id = File::open(app.folder().join(".id")).unwrap();
    let exclusive = FlockOperation::NonBlockingLockExclusive;
    assert_eq!(try_lock(&id, exclusive), LockResult::Locked);
    drop(id);
    set_mode(&app.folder(), 0o700);
    let writer = app.open(Some(2));
    assert_eq!(last_shared(&writer, epoch), Some(0));
    assert_ne!(writer.epoch(), reader.epoch());
    assert_eq!(last_shared(&writer, reader.epoch()), None);
    assert!(!reader.is_in_place());
}

/// A journal of a version that kept no epochs.
#[test]
fn a_journal_without_an_epoch_gets_one_and_keeps_its_entries() {
    let app = App::new();
    let former = app.open(Some(1));
    former.append(b"1").unwrap();
    end(former);
    let boot = format!("{:032x}", 1);
    fs::write(
        app.folder().join(".id"),
        format!("format 2\nid 0f\nboot {boot}\n"),
    )
    .unwrap();
    let journal = app.open(Some(1));
    assert_ne!(journal.epoch(), Epoch::default());
    // No other journal may have the same epoch.
    assert_eq!(last_shared(&journal, Epoch::default()), None);
    assert_eq!(journal.epochs().epoch_of(1), journal.epoch());
    assert_eq!(journal.append(b"2").unwrap(), 2);
    assert_eq!(app.open(Some(1)).epoch(), journal.epoch());
}
