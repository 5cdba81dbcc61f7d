//! What a run leaves that was killed: files of ours beside the app's, which the next run
//! takes away, and a file that was written in place, which it completes.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::staged::{Copy, is_temporary, overwrite};
use crate::exit::Failure;

/// Cleans up after runs that were killed, where the files `names` of the app are. Nothing
/// is touched but files of which the name is ours, and no process holds the lock.
pub(crate) fn recover<S: AsRef<Path>>(
    app: &Path,
    names: impl IntoIterator<Item = S>,
) -> Result<(), Failure> {
    let mut folders = BTreeSet::new();
    for name in names {
        let path = app.join(name);
        // Contents wait in the nearest folder that was there, which may have a nearer one by now.
        let above = path.ancestors().skip(1);
        let above = above
            .take_while(|folder| folder.starts_with(app))
            .map(Path::to_owned);
        // A symbolic link's file is in another folder than the link.
        let file = fs::canonicalize(&path).ok();
        let behind = file.as_deref().and_then(Path::parent).map(Path::to_owned);
        folders.extend(
            above
                .chain(behind)
                .filter_map(|folder| fs::canonicalize(folder).ok()),
        );
    }
    folders.iter().try_for_each(|folder| recover_in(folder))
}

fn recover_in(folder: &Path) -> Result<(), Failure> {
    let reading = |error: io::Error| Failure::io("read the folder", folder, &error);
    let entries = match fs::read_dir(folder) {
        // Nothing of ours is in what is no folder.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
        entries => entries.map_err(reading)?,
    };
    for entry in entries {
        let entry = entry.map_err(reading)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let copy = Copy::parse(name);
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || !(copy.is_some() || is_temporary(name)) || is_in_use(&entry.path()) {
            continue;
        }
        if let Some(copy) = copy {
            complete(&copy, &entry.path(), &folder.join(copy.target))?;
        }
        let removing = |error| Failure::io("remove", &entry.path(), &error);
        fs::remove_file(entry.path()).map_err(removing)?;
    }
    Ok(())
}

/// Whether another process holds the lock, or it cannot be told.
fn is_in_use(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return true;
    };
    matches!(
        file.try_lock(),
        Err(TryLockError::WouldBlock | TryLockError::Error(_))
    )
}

/// Writes to the target what its copy at `path` says. A target that was torn has the beginning
/// of that, and one that was not reached yet is as it was; any other has been changed since, and
/// is left to its owner.
fn complete(copy: &Copy<'_>, path: &Path, target: &Path) -> Result<(), Failure> {
    let wanted = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    let found = fs::read(target).map_err(|error| Failure::io("read", target, &error))?;
    if found == wanted || copy.was(&found) {
        return Ok(());
    }
    if wanted.starts_with(&found) {
        return overwrite(target, &wanted).map_err(|error| Failure::io("write", target, &error));
    }
    Err(Failure::conflict(format!(
        "an earlier run was ended while it wrote {}, which has been changed since",
        target.display()
    ))
    .help(format!(
        "what it was to say is in {}: take from there what you miss, delete that file, and run the command again",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::staged::tests::copy_path;
    use super::*;

    /// An app with a file that was being written from `before` to `wanted` when the writer died.
    fn killed(before: &str, wanted: &str, found: &str) -> (TempDir, Result<(), Failure>) {
        let app = tempfile::tempdir().expect("a folder");
        let target = app.path().join(".env");
        let copy = copy_path(&target, before.as_bytes());
        fs::write(copy, wanted).expect("it can be written");
        fs::write(target, found).expect("it can be written");
        let recovered = recover(app.path(), [".env"]);
        (app, recovered)
    }

    fn env(app: &TempDir) -> String {
        fs::read_to_string(app.path().join(".env")).expect("it is there")
    }

    fn count(app: &TempDir) -> usize {
        fs::read_dir(app.path()).expect("it can be listed").count()
    }

    #[test]
    fn what_was_torn_is_completed_and_what_was_not_begun_is_left() {
        for (before, wanted) in [("A=1\nB=2\n", "A=1\n"), ("A=1\nB=2\n", "A=1\nX=1\nB=2\n")] {
            for end in 0..=wanted.len() {
                let (app, recovered) = killed(before, wanted, &wanted[..end]);
                recovered.unwrap_or_else(|failure| panic!("{failure}"));
                assert_eq!((env(&app).as_str(), count(&app)), (wanted, 1), "{end}");
            }
            let (app, recovered) = killed(before, wanted, before);
            recovered.unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!((env(&app).as_str(), count(&app)), (before, 1));
        }
    }

    #[test]
    fn what_was_changed_since_is_left_with_the_copy() {
        let (app, recovered) = killed("A=1\n", "A=1\nB=2\n", "C=3\n");
        let failure = recovered.expect_err("it is not known what is wanted");
        assert_eq!(failure.code(), crate::exit::CONFLICT);
        assert!(failure.to_string().contains(".env."), "{failure}");
        assert_eq!((env(&app).as_str(), count(&app)), ("C=3\n", 2));
    }

    #[test]
    fn temporary_files_go_unless_they_are_not_ours_or_in_use() {
        let app = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(app.path().join("public/js")).expect("it can be made");
        let make = |name: &str| File::create(app.path().join(name)).expect("it can be made");
        for gone in [
            ".sse-abcdef.tmp",
            "public/.sse-abc123.tmp",
            "public/js/.sse-ABCDEF.tmp",
        ] {
            make(gone);
        }
        let in_use = make(".sse-locked.tmp");
        in_use.lock().expect("there are locks");
        make(".sse-mine.tmp");
        make("public/js/sse.js");
        fs::create_dir(app.path().join(".sse-folder.tmp")).expect("it can be made");
        recover(app.path(), ["public/js/sse.js"]).unwrap_or_else(|failure| panic!("{failure}"));
        for (folder, left) in [("", 4), ("public", 1), ("public/js", 1)] {
            let entries = fs::read_dir(app.path().join(folder)).expect("it can be listed");
            assert_eq!(entries.count(), left, "{folder}");
        }
    }
}
