//! Entries and folders that other programs remove, move or create in the journal.

use std::{cell::Cell, fs, os::unix::fs::symlink, path::PathBuf, rc::Rc};

use crate::{
    config::Config,
    journal::{
        Journal,
        batch::StoredEntry,
        file::{
            CacheFolder, FileJournal, OpenFolder,
            find::{folder_numbers, open_first},
            layout::Layout,
            test_hooks::set_hooks,
            trash,
        },
    },
};

struct App {
    dir: tempfile::TempDir,
}

impl App {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The journal as another process opens it.
    fn journal(&self) -> FileJournal {
        let config = Config::new(self.dir.path(), "a:k").unwrap();
        let folder = CacheFolder::prepare(&config).unwrap();
        let mut journal = FileJournal::open(&folder.into()).unwrap();
        journal.set_layout(Layout::with_numbers_per_folder(4));
        journal
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir
            .path()
            .join("writable/cache/.sse/journal-2")
            .join(below)
    }

    fn remove_entry(&self, number: u64) {
        fs::remove_file(self.path(&format!("{:012}/.{number:020}", number / 4))).unwrap();
    }
}

fn is_broken(journal: &FileJournal, number: u64) -> bool {
    matches!(journal.read(number).unwrap(), StoredEntry::Unreadable(_))
}

#[test]
fn the_number_of_a_removed_entry_is_not_assigned_again() {
    let app = App::new();
    let journal = app.journal();
    for number in 1..=6 {
        assert_eq!(journal.append(b"1").unwrap(), number);
    }
    for number in [2, 5, 6] {
        app.remove_entry(number);
    }
    let other = app.journal();
    assert_eq!(other.newest_number().unwrap(), 6);
    assert!(other.is_intact_up_to(6).unwrap(), "6 was assigned");
    assert_eq!(other.append(b"7").unwrap(), 7);
    for number in [2, 5, 6] {
        assert!(is_broken(&journal, number), "{number}");
    }
    assert_eq!(journal.read(7).unwrap(), StoredEntry::Entry(b"7".to_vec()));
    assert_eq!(journal.read(8).unwrap(), StoredEntry::NotYet);
}

#[test]
fn a_writer_that_was_stopped_does_not_assign_the_number_of_a_removed_entry_again() {
    let app = App::new();
    let journal = app.journal();
    assert_eq!(journal.append(b"1").unwrap(), 1);
    // Stopped after it has read that 2 is free.
    let (other, path) = (app.journal(), app.path("000000000000"));
    let (entry, mut steps) = (path.join(".00000000000000000002"), 0..4);
    let stall = move || {
        if steps.next() == Some(3) {
            assert_eq!(other.append(b"2").unwrap(), 2);
            fs::remove_file(&entry).unwrap();
        }
    };
    set_hooks(stall, false);
    assert_eq!(journal.append(b"3").unwrap(), 3);
    set_hooks(|| (), false);
    assert!(is_broken(&journal, 2));
    assert_eq!(journal.read(3).unwrap(), StoredEntry::Entry(b"3".to_vec()));
    let names = fs::read_dir(&path).unwrap().count();
    assert_eq!(names, 3, "the mark and two entries");
    assert_eq!(journal.append(b"4").unwrap(), 4);
}

#[test]
fn a_writer_that_was_stopped_does_not_move_the_entry_of_another_that_has_its_number() {
    let app = App::new();
    let journal = app.journal();
    assert_eq!(journal.append(b"1").unwrap(), 1);
    // The other has read that 2 is free, and takes it once the entry of the first is removed.
    let (other, first) = (app.journal(), app.journal());
    let entry = app.path("000000000000/.00000000000000000002");
    let remove = {
        let (entry, mut steps) = (entry.clone(), 0..5);
        move || {
            if steps.next() == Some(4) {
                fs::remove_file(&entry).unwrap();
                assert_eq!(other.append(b"2").unwrap(), 2);
            }
        }
    };
    set_hooks(remove, false);
    assert_eq!(first.append(b"removed").unwrap(), 2);
    set_hooks(|| (), false);
    assert_eq!(fs::read(entry).unwrap(), b"2");
    assert_eq!(journal.append(b"3").unwrap(), 3);
}

#[test]
fn a_writer_killed_before_it_raised_the_high_water_mark_costs_no_number() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    // The killed writer's entry.
    fs::write(app.path("000000000000/.00000000000000000002"), "2").unwrap();
    assert_eq!(journal.newest_number().unwrap(), 2);
    assert!(journal.is_intact_up_to(2).unwrap());
    assert_eq!(journal.append(b"3").unwrap(), 3);
    assert_eq!(app.journal().newest_number().unwrap(), 3);
}

#[test]
fn a_journal_that_lost_its_newest_folder_is_discarded() {
    let app = App::new();
    let reader = app.journal();
    for _ in 1..=9 {
        reader.append(b"1").unwrap();
    }
    fs::remove_dir_all(app.path("000000000002")).unwrap();
    // A reader that has read nothing of the folder notices it, too.
    assert!(!reader.is_intact_up_to(9).unwrap() && !reader.is_intact_up_to(7).unwrap());
    // A process that has never seen the removed folder does not create it again.
    let writer = app.journal();
    assert!(writer.append(b"new").is_err());
    assert!(!reader.is_in_place() && !writer.is_in_place());
    let after = app.journal();
    assert_ne!(after.epoch(), reader.epoch());
    assert_eq!(after.append(b"new").unwrap(), 1);
}

#[test]
fn finding_the_newest_entry_detects_that_the_newest_folder_was_removed() {
    for lost in ["000000000002", "000000000002/.high-water"] {
        let app = App::new();
        let writer = app.journal();
        for _ in 1..=9 {
            writer.append(b"1").unwrap();
        }
        let lost = app.path(lost);
        let _ = fs::remove_file(&lost).or_else(|_| fs::remove_dir_all(&lost));
        assert!(
            app.journal().newest_number().is_err(),
            "entries 8 and 9 are missing"
        );
        assert!(!writer.is_in_place());
        assert_eq!(app.journal().newest_number().unwrap(), 0);
    }
}

#[test]
fn a_copy_of_the_folder_is_another_epoch() {
    let app = App::new();
    let original = app.journal();
    original.append(b"1").unwrap();
    let sse_folder = app.dir.path().join("writable/cache/.sse");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&sse_folder, &app.dir.path().join("backup")])
        .status();
    assert!(copied.unwrap().success());
    original.append(b"2").unwrap();
    fs::rename(&sse_folder, app.dir.path().join("away")).unwrap();
    fs::rename(app.dir.path().join("backup"), &sse_folder).unwrap();
    assert!(!original.is_in_place());
    let restored = app.journal();
    assert_ne!(restored.epoch(), original.epoch());
    assert_eq!(restored.append(b"3").unwrap(), 2);
}

/// Every user who may write in the folder can create one.
#[test]
fn a_forged_folder_ahead_of_the_newest_is_detected() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    for (name, mark) in [("000000000005", 0), ("999999999999", 4)] {
        fs::create_dir(app.path(name)).unwrap();
        fs::write(app.path(name).join(".high-water"), vec![b'\n'; mark]).unwrap();
        assert!(!journal.is_intact_up_to(1).unwrap(), "{name}");
    }
    // The forged folder has the highest number, so no further folder can be created.
    assert!(app.journal().append(b"2").is_err());
    assert!(!journal.is_in_place());
    assert_eq!(app.journal().append(b"2").unwrap(), 1);
}

#[test]
fn a_reader_raises_a_high_water_mark_that_was_left_low() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    fs::write(app.path("000000000000/.00000000000000000002"), "2").unwrap();
    assert!(journal.is_intact_up_to(2).unwrap());
    app.remove_entry(2);
    assert_eq!(app.journal().append(b"3").unwrap(), 3);
}

#[test]
fn a_listing_whose_folders_were_swept_meanwhile_is_repeated() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    let listed = Cell::new(0);
    let list = |folder: &OpenFolder| {
        listed.set(listed.get() + 1);
        if listed.get() == 1 {
            Ok(vec![7])
        } else {
            folder_numbers(folder)
        }
    };
    let found = open_first(&journal.folder, journal.layout, list).unwrap();
    assert_eq!(found.unwrap().number(), 0);
}

#[test]
fn files_with_a_second_name_are_neither_read_nor_written() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    let private = app.dir.path().join("private");
    fs::write(&private, "secret").unwrap();
    fs::hard_link(&private, app.path("000000000000/.00000000000000000002")).unwrap();
    assert_eq!(journal.append(b"3").unwrap(), 3);
    assert!(is_broken(&journal, 2));
    fs::remove_file(app.path("000000000000/.high-water")).unwrap();
    fs::hard_link(&private, app.path("000000000000/.high-water")).unwrap();
    assert!(journal.append(b"4").is_err());
    assert_eq!(fs::read(&private).unwrap(), b"secret");
}

/// Where a rename always replaces, an entry gets its name by a hard link.
#[test]
fn an_entry_is_readable_if_its_writer_was_killed_before_it_removed_the_unfinished_name() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    let entry = app.path("000000000000/.00000000000000000001");
    fs::hard_link(&entry, app.path("000000000000/.abcdef123456")).unwrap();
    assert_eq!(journal.read(1).unwrap(), StoredEntry::Entry(b"1".to_vec()));
    fs::hard_link(&entry, app.dir.path().join("elsewhere")).unwrap();
    assert!(is_broken(&journal, 1));
}

#[test]
fn a_save_into_a_folder_that_was_moved_away_fails() {
    let app = App::new();
    let journal = app.journal();
    journal.append(b"1").unwrap();
    fs::rename(app.path("000000000000"), app.dir.path().join("away")).unwrap();
    assert!(journal.append(b"lost").is_err());
    assert!(
        !journal.is_in_place(),
        "the next save opens another journal"
    );
    assert_eq!(app.journal().append(b"1").unwrap(), 1);
}

#[test]
fn folders_with_similar_names_are_not_folders_of_entries() {
    let app = App::new();
    let journal = app.journal();
    let elsewhere = app.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for name in ["5", "+7", "20261128", "000000000005", "000000000001"] {
        fs::create_dir(app.path(name)).unwrap();
    }
    fs::write(app.path("000000000006"), "").unwrap();
    symlink(&elsewhere, app.path("000000000002")).unwrap();
    let other = app.journal();
    assert_eq!(other.newest_number().unwrap(), 0);
    for number in 1..=30 {
        assert_eq!(journal.append(b"1").unwrap(), number);
        assert_eq!(
            other.read(number).unwrap(),
            StoredEntry::Entry(b"1".to_vec())
        );
        assert_eq!(app.journal().newest_number().unwrap(), number);
    }
    assert_eq!(
        journal.epoch(),
        app.journal().epoch(),
        "the journal was not replaced"
    );
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    assert!(app.path("20261128").exists(), "a harmless folder stays");
}

/// A writer removes another program's folder that has the name of the next one, and another process empties the trash
/// at one of its steps.
#[test]
fn a_save_removes_a_stray_folder_at_whatever_step_the_trash_is_emptied() {
    let steps = (1..).find(|step| !empties_trash_at(*step, false)).unwrap();
    assert!(steps > 8, "it has at least 8 steps");
}

/// The same, but only the high-water mark of that folder was removed: its numbers must not be assigned again.
#[test]
fn a_damaged_folder_is_detected_at_whatever_step_the_trash_is_emptied() {
    let steps = (1..).find(|step| !empties_trash_at(*step, true)).unwrap();
    assert!(steps > 5, "it has at least 5 steps");
}

/// `false` if the save has fewer steps.
fn empties_trash_at(step: u32, has_entry: bool) -> bool {
    let app = App::new();
    let (journal, other) = (app.journal(), app.journal());
    for _ in 1..4 {
        journal.append(b"1").unwrap();
    }
    fs::create_dir(app.path("000000000001")).unwrap();
    if has_entry {
        fs::write(app.path("000000000001/.00000000000000000004"), "4").unwrap();
    }
    let steps = Rc::new(Cell::new(0));
    let count = steps.clone();
    let empty_trash = move || {
        count.set(count.get() + 1);
        if count.get() == step {
            let trash = other.cache_folder.trash_folder().unwrap();
            trash::delete_contents(&trash).unwrap();
        }
    };
    set_hooks(empty_trash, false);
    let saved = journal.append(b"1");
    set_hooks(|| (), false);
    if has_entry {
        assert!(saved.is_err(), "emptied at step {step}: {saved:?}");
        assert!(!journal.is_in_place(), "emptied at step {step}");
    } else {
        assert_eq!(saved.unwrap(), 4, "emptied at step {step}");
    }
    steps.get() >= step
}

#[test]
fn the_trash_is_emptied_without_following_links() {
    let app = App::new();
    let journal = app.journal();
    let elsewhere = app.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("precious"), "1").unwrap();
    let trash = journal.cache_folder.trash_folder().unwrap();
    let path = trash.path();
    fs::write(path.join("a-file"), "").unwrap();
    symlink(&elsewhere, path.join("a-link")).unwrap();
    fs::create_dir_all(path.join("deep/1/2/3/4")).unwrap();
    fs::write(path.join("deep/1/2/3/4/file"), "").unwrap();
    symlink(&elsewhere, path.join("deep/1/link")).unwrap();
    fs::create_dir(path.join("odd")).unwrap();
    symlink(&elsewhere, path.join("odd/.abcdef123456")).unwrap();
    trash::delete_contents(&trash).unwrap();
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    assert!(elsewhere.join("precious").exists());
}

#[test]
fn a_sweep_ignores_folders_with_other_names() {
    let app = App::new();
    let journal = app.journal();
    for _ in 1..=20 {
        journal.append(b"1").unwrap();
    }
    fs::create_dir(app.path("00000000000x")).unwrap();
    while journal.sweep(4).unwrap() {}
    assert_eq!(journal.read(3).unwrap(), StoredEntry::Swept { oldest: 16 });
    assert_eq!(journal.newest_number().unwrap(), 20);
}
