//! Files that cannot or must not be ingested, and what killed programs leave.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{super::content, App, read, start, until};
use crate::{
    entry,
    journal::{
        Journal,
        file::{
            tests::non_regular_files::{
                NonRegularFile, can_restrict_this_user, make_permissions_apply_to_root,
            },
            time_ordered_name,
        },
    },
};

#[test]
fn a_drop_in_that_cannot_be_set_aside_does_not_hold_up_others() {
    if !can_restrict_this_user() {
        return;
    }
    let app = App::new();
    make_permissions_apply_to_root(&app.cache());
    let journal = app.journal();
    {
        let _impersonation = journal.cache_folder().impersonate_owner().unwrap();
        journal.cache_folder().broken_folder().unwrap();
    }
    let _ingest = start(&journal, app.config_poller());
    fs::write(app.cache().join("k2"), "0").unwrap();
    assert_eq!(read(&journal, 1), ["k2=0"]);
    let broken = app.cache().join(".sse/broken");
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o000)).unwrap();
    fs::write(app.cache().join("k1"), "").unwrap();
    until("the broken drop-in is claimed", || {
        !app.cache().join("k1").exists()
    });
    fs::write(app.cache().join("k2"), "1").unwrap();
    assert_eq!(read(&journal, 2), ["k2=0", "k2=1"]);
    // Once the permission is back, it is set aside.
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o700)).unwrap();
    until("the broken drop-in is set aside", || {
        app.cache().join(".sse/broken/k1").exists()
    });
}

#[test]
fn a_file_or_link_in_place_of_a_folder_is_removed() {
    let app = App::new();
    let journal = app.journal();
    let (elsewhere, sse_folder) = (app.dir.path().join("elsewhere"), app.cache().join(".sse"));
    fs::create_dir(&elsewhere).unwrap();
    fs::write(sse_folder.join("broken"), "").unwrap();
    fs::create_dir(sse_folder.join("claimed")).unwrap();
    fs::write(sse_folder.join("claimed/k1"), "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, sse_folder.join("claimed/k2")).unwrap();
    let _ingest = start(&journal, app.config_poller());
    fs::write(app.cache().join("k1"), "").unwrap();
    fs::write(app.cache().join("k2"), "2").unwrap();
    assert_eq!(read(&journal, 1), ["k2=2"]);
    until("the broken drop-in is set aside", || {
        sse_folder.join("broken/k1").exists()
    });
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

/// With `fs.protected_hardlinks = 0`, any user can create a hard link to another user's file.
#[test]
fn a_file_with_a_second_name_is_not_published() {
    let app = App::new();
    let journal = app.journal();
    let private = app.dir.path().join("private");
    fs::write(&private, "secret").unwrap();
    fs::hard_link(&private, app.cache().join("k1")).unwrap();
    let _ingest = start(&journal, app.config_poller());
    until("it is set aside", || {
        app.cache().join(".sse/broken/k1").exists()
    });
    assert_eq!(journal.newest_number().unwrap(), 0);
}

/// A link that was created long ago, to a new file. The age of the link itself counts.
fn old_link(app: &App, link: &Path) -> (PathBuf, PathBuf) {
    let target = app.dir.path().join("elsewhere");
    fs::write(&target, "1").unwrap();
    std::os::unix::fs::symlink(&target, link).unwrap();
    let long_ago = rustix::fs::Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    rustix::fs::utimensat(
        rustix::fs::CWD,
        link,
        &rustix::fs::Timestamps {
            last_access: long_ago,
            last_modification: long_ago,
        },
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
    (link.to_owned(), target)
}

#[test]
fn unfinished_files_of_killed_programs_are_removed_after_an_hour() {
    let app = App::new();
    let journal = app.journal();
    let sse_folder = app.cache().join(".sse");
    let old = SystemTime::now() - Duration::from_secs(3660);
    let mut left = Vec::new();
    let mut kept = vec![
        sse_folder.join(".gitignore"),
        sse_folder.join("journal-2/.id"),
    ];
    for folder in [sse_folder.clone(), app.claimed()] {
        // Names of unfinished files and folders, and one other name.
        let [file, folder, new_file, new_folder, other] = [
            ".abcDEF012345",
            ".abcDEF678901",
            ".abcdefghijkl",
            ".ABCDEFGHIJKL",
            ".another-programs-file",
        ]
        .map(|name| folder.join(name));
        for folder in [&folder, &new_folder] {
            fs::create_dir_all(folder.join("entries/000000000000")).unwrap();
        }
        for path in [
            &file,
            &new_file,
            &other,
            &folder.join("word"),
            &new_folder.join("word"),
        ] {
            fs::write(path, "0").unwrap();
        }
        for path in [&file, &folder, &other] {
            File::open(path).unwrap().set_modified(old).unwrap();
        }
        left.extend([file, folder]);
        kept.extend([new_file, new_folder.join("word"), other]);
    }
    let (link, target) = old_link(&app, &sse_folder.join(".abcDEFlinked"));
    left.push(link);
    kept.push(target);
    let _ingest = start(&journal, app.config_poller());
    until("all old ones are removed", || {
        left.iter().all(|path| fs::symlink_metadata(path).is_err())
    });
    until("nothing is left in the trash", || {
        fs::read_dir(sse_folder.join("trash"))
            .unwrap()
            .next()
            .is_none()
    });
    for path in kept {
        assert!(path.exists(), "{}", path.display());
    }
    assert_eq!(journal.newest_number().unwrap(), 0);
}

#[test]
fn non_regular_files_are_not_ingested_and_hold_up_no_drop_in() {
    for file in NonRegularFile::all() {
        let app = App::new();
        let journal = app.journal();
        let elsewhere = app.dir.path().join("elsewhere");
        let value = content::parse(b"1").unwrap().value;
        let document = entry::encode_document("k1", value, Duration::ZERO, SystemTime::now());
        fs::write(&elsewhere, document).unwrap();
        let sse_folder = app.cache().join(".sse");
        let drop_in = app.cache().join("k1");
        file.create(&drop_in, &elsewhere);
        // In place of a key's folder, and in one.
        let folder = sse_folder.join("claimed/k1");
        fs::create_dir_all(&folder).unwrap();
        file.create(&folder.join(time_ordered_name(None).unwrap()), &elsewhere);
        if !matches!(file, NonRegularFile::Folder) {
            file.create(&sse_folder.join("claimed/instead"), sse_folder.as_path());
        }
        let _ingest = start(&journal, app.config_poller());
        fs::write(app.cache().join("k2"), "2").unwrap();
        assert_eq!(read(&journal, 1), ["k2=2"], "{file:?}");
        until("the claimed one is set aside", || {
            fs::symlink_metadata(sse_folder.join("broken/k1")).is_ok()
        });
        assert_eq!(journal.newest_number().unwrap(), 1, "{file:?}");
        assert!(fs::symlink_metadata(&drop_in).is_ok(), "{file:?}");
        assert!(elsewhere.exists() && sse_folder.join("journal-2").exists());
    }
}
