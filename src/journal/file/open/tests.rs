//! Opening of journals, also of damaged ones and of other formats.

use std::{fs, path::Path};

use super::*;
use crate::{
    config::Config,
    journal::{Journal, batch::StoredEntry},
};

fn try_open(app: &Path) -> Result<FileJournal, Error> {
    let config = Config::new(app, "a:k").unwrap();
    FileJournal::open(&Arc::new(CacheFolder::prepare(&config)?))
}

fn open(app: &Path) -> FileJournal {
    try_open(app).unwrap()
}

#[test]
fn every_process_opens_the_same_journal() {
    let app = tempfile::tempdir().unwrap();
    assert_eq!(open(app.path()).epoch(), open(app.path()).epoch());
}

#[test]
fn an_incomplete_journal_is_replaced() {
    for remove in [".id", "000000000000", "000000000000/.high-water"] {
        let app = tempfile::tempdir().unwrap();
        let before = open(app.path());
        let path = app
            .path()
            .join("writable/cache/.sse")
            .join(JOURNAL_NAME)
            .join(remove);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        let after = open(app.path());
        assert!(!before.is_in_place(), "{remove}");
        assert_eq!(after.append(b"1").unwrap(), 1, "{remove}");
    }
}

#[test]
fn a_journal_whose_folder_was_replaced_never_writes_into_the_new_one() {
    let app = tempfile::tempdir().unwrap();
    let old = open(app.path());
    for _ in 0..5 {
        old.append(b"old").unwrap();
    }
    fs::rename(app.path().join("writable"), app.path().join("elsewhere")).unwrap();
    let new = open(app.path());
    assert!(!old.is_in_place() && new.is_in_place());
    assert!(old.append(b"old").is_err());
    assert_eq!(new.newest_number().unwrap(), 0);
    assert_eq!(new.append(b"new").unwrap(), 1);
}

#[test]
fn a_journal_of_a_newer_format_is_refused_and_not_changed() {
    let app = tempfile::tempdir().unwrap();
    drop(open(app.path()));
    let journal = app.path().join("writable/cache/.sse").join(JOURNAL_NAME);
    let assert_refused = |case: &str| {
        let error = try_open(app.path()).err().unwrap();
        assert!(
            error.to_string().contains("newer version"),
            "{case}: {error}"
        );
        assert!(error.help().unwrap().contains("cargo update"), "{case}");
    };
    fs::write(journal.join(".id"), "format 3\nsomething else\n").unwrap();
    assert_refused("a higher number in the id");
    assert!(journal.join("000000000000").is_dir());
    fs::remove_dir_all(&journal).unwrap();
    fs::write(&journal, format!("{REPLACEMENT_FIRST_LINE}\n")).unwrap();
    assert_refused("a file in place of the journal");
    assert!(journal.is_file());
}

/// `find -type f -delete`, tmpreaper and others leave the folders.
#[test]
fn a_journal_that_lost_all_its_files_is_replaced() {
    let app = tempfile::tempdir().unwrap();
    let before = open(app.path());
    for _ in 0..3 {
        before.append(b"old").unwrap();
    }
    remove_files(&app.path().join("writable/cache"));
    assert!(!before.is_in_place());
    let after = open(app.path());
    assert_ne!(before.epoch(), after.epoch());
    assert_eq!(after.append(b"new").unwrap(), 1);
    assert_eq!(after.read(1).unwrap(), StoredEntry::Entry(b"new".to_vec()));
}

fn remove_files(folder: &Path) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            remove_files(&path);
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
}
