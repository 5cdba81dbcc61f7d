//! Tests of the transaction.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn write(app: &Path, name: &str, contents: &str) -> Step {
    let original = OriginalFile::read(app, name).expect("it can be read");
    Step::Write(original, contents.as_bytes().to_vec())
}

fn plan(steps: impl IntoIterator<Item = Step>) -> Plan {
    Plan {
        steps: steps.into_iter().collect(),
    }
}

#[test]
fn a_failing_step_undoes_the_steps_before_it() {
    let app = tempfile::tempdir().expect("a folder");
    let path = app.path();
    fs::write(path.join("changed"), "before").expect("it can be written");
    fs::write(path.join("removed"), "still here").expect("it can be written");
    fs::create_dir(path.join("empty")).expect("it can be made");
    let removed = OriginalFile::read(path, "removed").expect("it can be read");
    let failure = plan([
        Step::MakeDir(path.join("made")),
        write(path, "made/new", "x"),
        write(path, "changed", "after"),
        Step::Remove(removed),
        Step::RemoveDir(path.join("empty")),
        write(path, "no-such-folder/new", "x"),
    ])
    .write()
    .expect_err("the last folder is missing");
    assert_eq!(failure.code(), crate::exit::ERROR);
    assert!(
        failure.to_string().contains("as they were before"),
        "{failure}"
    );
    let read = |name: &str| fs::read_to_string(path.join(name)).expect("it is there");
    assert_eq!(read("changed"), "before");
    assert_eq!(read("removed"), "still here");
    assert!(path.join("empty").is_dir());
    assert!(!path.join("made").exists());
    let left = fs::read_dir(path).expect("it can be listed").count();
    assert_eq!(left, 3, "no temporary file is left");
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_overwritten() {
    let app = tempfile::tempdir().expect("a folder");
    let path = app.path().join("file");
    fs::write(&path, "read").expect("it can be written");
    let step = write(app.path(), "file", "planned");
    let new = write(app.path(), "new", "planned");
    fs::write(&path, "changed since").expect("it can be written");
    fs::write(app.path().join("new"), "made since").expect("it can be written");
    for plan in [plan([step]), plan([new])] {
        let failure = plan.write().expect_err("the file has changed");
        assert!(failure.to_string().contains("changed"), "{failure}");
    }
    assert_eq!(fs::read(&path).expect("it is there"), b"changed since");
    assert_eq!(
        fs::read(app.path().join("new")).expect("it is there"),
        b"made since"
    );
}

#[test]
fn writing_keeps_mode_symbolic_links_and_hard_links() {
    let app = tempfile::tempdir().expect("a folder");
    let path = app.path();
    fs::write(path.join("real"), "1").expect("it can be written");
    fs::set_permissions(path.join("real"), fs::Permissions::from_mode(0o640)).expect("it is ours");
    symlink("real", path.join("link")).expect("it can be linked");
    plan([write(path, "link", "2")])
        .write()
        .expect("it can be written");
    assert!(path.join("link").is_symlink());
    let real = fs::metadata(path.join("real")).expect("it is there");
    assert_eq!(real.mode() & 0o7777, 0o640);
    assert_eq!(fs::read(path.join("real")).expect("it is there"), b"2");

    fs::hard_link(path.join("real"), path.join("twin")).expect("it can be linked");
    plan([write(path, "real", "3")])
        .write()
        .expect("it can be written");
    assert_eq!(fs::read(path.join("twin")).expect("it is there"), b"3");
}

#[test]
fn only_regular_files_below_the_apps_folder_are_accepted() {
    let outside = tempfile::tempdir().expect("a folder");
    let app = tempfile::tempdir().expect("a folder");
    let path = app.path();
    fs::create_dir(path.join("folder")).expect("it can be made");
    fs::write(outside.path().join("file"), "").expect("it can be written");
    symlink(outside.path().join("file"), path.join("outside")).expect("it can be linked");
    symlink("nowhere", path.join("dangling")).expect("it can be linked");
    for name in ["folder", "outside", "dangling"] {
        let failure = OriginalFile::read(path, name).err().expect("it is refused");
        assert_eq!(failure.code(), crate::exit::CONFLICT, "{name}");
    }
    fs::write(path.join("locked"), "").expect("it can be written");
    fs::set_permissions(path.join("locked"), fs::Permissions::from_mode(0o444))
        .expect("it is ours");
    let locked = OriginalFile::read(path, "locked").expect("it can be read");
    let failure = locked.check_writable().expect_err("it is refused");
    assert_eq!(failure.code(), crate::exit::CONFLICT);
}
