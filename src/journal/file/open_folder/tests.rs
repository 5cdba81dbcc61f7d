use std::{fs, io::Write};

use super::*;

fn folder() -> (tempfile::TempDir, OpenFolder) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = OpenFolder::open(temporary.path()).unwrap();
    (temporary, folder)
}

#[test]
fn a_rename_replaces_nothing() {
    let (_guard, folder) = folder();
    for name in ["a", "b"] {
        let mut file = folder.create_file(name, 0o600).unwrap();
        file.write_all(name.as_bytes()).unwrap();
    }
    for rename in [OpenFolder::rename_new, OpenFolder::link_new] {
        let error = rename(&folder, "a", &folder, "b").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(folder.path_of("b")).unwrap(), b"b");
        assert_eq!(fs::read(folder.path_of("a")).unwrap(), b"a");
        let error = rename(&folder, "none", &folder, "c").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

#[test]
fn links_and_named_pipes_are_not_opened() {
    let (_guard, folder) = folder();
    std::os::unix::fs::symlink("/etc/hostname", folder.path_of("link")).unwrap();
    std::os::unix::fs::symlink("/etc", folder.path_of("link-to-folder")).unwrap();
    rustix::fs::mknodat(&folder, "pipe", FileType::Fifo, Mode::RUSR, 0).unwrap();
    folder.create_folder("folder", 0o700).unwrap();
    for name in ["link", "link-to-folder", "pipe", "folder"] {
        assert!(folder.open_file(name).is_err(), "{name}");
        assert_eq!(folder.open_folder(name).is_ok(), name == "folder", "{name}");
    }
    assert!(is_not_a_folder(
        &folder.open_folder("link-to-folder").unwrap_err()
    ));
}

#[test]
fn a_file_is_read_up_to_the_limit() {
    let (_guard, folder) = folder();
    let file = folder.create_file("a", 0o600).unwrap();
    for (size, fits) in [
        (MAX_CACHE_FILE_BYTES, true),
        (MAX_CACHE_FILE_BYTES + 1, false),
    ] {
        file.set_len(size).unwrap();
        let (mut opened, stat) = folder.open_file_with_stat("a").unwrap();
        assert_eq!(read_finished(&mut opened, &stat).is_ok(), fits, "{size}");
    }
    // It has grown since.
    file.set_len(3).unwrap();
    let (mut opened, stat) = folder.open_file_with_stat("a").unwrap();
    file.set_len(5).unwrap();
    assert_eq!(read_finished(&mut opened, &stat).unwrap(), [0; 5]);
}

#[test]
fn an_open_folder_stays_the_same_when_it_is_moved() {
    let (_guard, folder) = folder();
    folder.create_folder("a", 0o700).unwrap();
    let held = folder.open_folder("a").unwrap();
    assert!(held.is_at(&folder, "a").unwrap());
    folder.rename_new("a", &folder, "b").unwrap();
    assert!(!held.is_at(&folder, "a").unwrap());
    held.create_file("f", 0o600).unwrap();
    assert!(fs::exists(folder.path_of("b/f")).unwrap());
    assert_eq!(held.names().unwrap(), ["f"]);
}
