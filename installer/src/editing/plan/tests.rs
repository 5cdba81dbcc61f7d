//! Tests of the transaction.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn write(app: &Path, name: &str, contents: &str) -> Step {
    let original = OriginalFile::read(app, name).expect("can read the file");
    Step::Write(original, contents.as_bytes().to_vec())
}

fn plan(steps: impl IntoIterator<Item = Step>) -> Plan {
    Plan {
        steps: steps.into_iter().collect(),
    }
}

#[test]
fn a_failing_step_undoes_the_steps_before_it() {
    let app = tempfile::tempdir().expect("can create a temporary folder");
    let path = app.path();
    fs::write(path.join("changed"), "before").expect("can write the file");
    fs::write(path.join("removed"), "still here").expect("can write the file");
    fs::create_dir(path.join("empty")).expect("can create the folder");
    let removed = OriginalFile::read(path, "removed").expect("can read the file");
    let failure = plan([
        Step::MakeDir(path.join("made")),
        write(path, "made/new", "x"),
        write(path, "changed", "after"),
        Step::Remove(removed),
        Step::RemoveDir(path.join("empty")),
        write(path, "no-such-folder/new", "x"),
    ])
    .apply()
    .expect_err("the last folder is missing");
    assert_eq!(failure.code(), crate::exit::ERROR);
    assert!(
        failure.to_string().contains("all changes were undone"),
        "{failure}"
    );
    let read = |name: &str| fs::read_to_string(path.join(name)).expect("the file exists");
    assert_eq!(read("changed"), "before");
    assert_eq!(read("removed"), "still here");
    assert!(path.join("empty").is_dir());
    assert!(!path.join("made").exists());
    let left = fs::read_dir(path).expect("can list the folder").count();
    assert_eq!(left, 3, "no temporary file is left");
}

#[test]
fn a_file_that_changed_since_it_was_read_is_not_overwritten() {
    let app = tempfile::tempdir().expect("can create a temporary folder");
    let path = app.path().join("file");
    fs::write(&path, "read").expect("can write the file");
    let step = write(app.path(), "file", "planned");
    let new = write(app.path(), "new", "planned");
    fs::write(&path, "changed since").expect("can write the file");
    fs::write(app.path().join("new"), "made since").expect("can write the file");
    for plan in [plan([step]), plan([new])] {
        let failure = plan.apply().expect_err("the file has changed");
        assert!(failure.to_string().contains("changed"), "{failure}");
    }
    assert_eq!(fs::read(&path).expect("the file exists"), b"changed since");
    assert_eq!(
        fs::read(app.path().join("new")).expect("the file exists"),
        b"made since"
    );
}

#[test]
fn writing_keeps_mode_symbolic_links_and_hard_links() {
    let app = tempfile::tempdir().expect("can create a temporary folder");
    let path = app.path();
    fs::write(path.join("real"), "1").expect("can write the file");
    fs::set_permissions(path.join("real"), fs::Permissions::from_mode(0o640))
        .expect("can set the permissions");
    symlink("real", path.join("link")).expect("can create the link");
    plan([write(path, "link", "2")])
        .apply()
        .expect("can write the file");
    assert!(path.join("link").is_symlink());
    let real = fs::metadata(path.join("real")).expect("the file exists");
    assert_eq!(real.mode() & 0o7777, 0o640);
    assert_eq!(fs::read(path.join("real")).expect("the file exists"), b"2");

    fs::hard_link(path.join("real"), path.join("twin")).expect("can create the link");
    plan([write(path, "real", "3")])
        .apply()
        .expect("can write the file");
    assert_eq!(fs::read(path.join("twin")).expect("the file exists"), b"3");
}

#[test]
fn only_regular_files_below_the_apps_folder_are_accepted() {
    let outside = tempfile::tempdir().expect("can create a temporary folder");
    let app = tempfile::tempdir().expect("can create a temporary folder");
    let path = app.path();
    fs::create_dir(path.join("folder")).expect("can create the folder");
    fs::write(outside.path().join("file"), "").expect("can write the file");
    symlink(outside.path().join("file"), path.join("outside")).expect("can create the link");
    symlink("nowhere", path.join("dangling")).expect("can create the link");
    for name in ["folder", "outside", "dangling"] {
        let failure = OriginalFile::read(path, name).err().expect("it is refused");
        assert_eq!(failure.code(), crate::exit::CONFLICT, "{name}");
    }
    fs::write(path.join("locked"), "").expect("can write the file");
    fs::set_permissions(path.join("locked"), fs::Permissions::from_mode(0o444))
        .expect("can set the permissions");
    let locked = OriginalFile::read(path, "locked").expect("can read the file");
    let failure = locked.check_writable().expect_err("it is refused");
    assert_eq!(failure.code(), crate::exit::CONFLICT);
}
