//! Cleans up after a killed run: removes its temporary files, and completes a file that was
//! being written in place.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::staged_file::{PendingCopy, is_temporary, open_for_writing, overwrite};
use crate::exit::Failure;

/// A script in a folder of public files elsewhere is staged in its own folder, or in the one above.
const MAX_LEVELS_OUTSIDE: usize = 2;

/// While this exists, no other run of `install` or `uninstall` changes the app.
pub(crate) struct AppLock {
    folder: File,
}

impl Drop for AppLock {
    /// Closing the folder is not enough: a child process that another thread has started holds a copy of the
    /// descriptor, and with it the lock, until it executes its program.
    fn drop(&mut self) {
        // Fails only if the file system has no locks.
        let _ = self.folder.unlock();
    }
}

/// Keeps other runs of `install` and `uninstall` away from the app. They would write the same files, and undo or
/// clean up what this run has written.
pub(crate) fn lock(app: &Path) -> Result<AppLock, Failure> {
    let folder = File::open(app).map_err(|error| Failure::io("open the folder", app, &error))?;
    match folder.try_lock() {
        // Not waited for: the other run may be waiting for its user's answer.
        Err(TryLockError::WouldBlock) => Err(Failure::error(
            "another `sse install` or `sse uninstall` is changing this app",
        )
        .with_help("run the command again when the other has ended")),
        // The error is ignored: the file system may have no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(AppLock { folder }),
    }
}

/// Cleans up in the folders that hold the app's files `names`, which may be absolute paths. Only files that have our
/// naming scheme and no lock are touched.
pub(crate) fn recover<S: AsRef<Path>>(
    app: &Path,
    names: impl IntoIterator<Item = S>,
) -> Result<(), Failure> {
    let mut folders = BTreeSet::new();
    for name in names {
        let path = app.join(name);
        // New contents were staged in the nearest folder that existed then. Deeper folders may
        // have been created since.
        let is_below = path.starts_with(app);
        let parents = path.ancestors().skip(1).enumerate();
        let parents = parents
            .take_while(|(level, folder)| match is_below {
                true => folder.starts_with(app),
                false => *level < MAX_LEVELS_OUTSIDE,
            })
            .map(|(_, folder)| folder.to_owned());
        // The target of a symbolic link may be in another folder.
        let target = fs::canonicalize(&path).ok();
        let target_folder = target.as_deref().and_then(Path::parent).map(Path::to_owned);
        folders.extend(
            parents
                .chain(target_folder)
                .filter_map(|folder| fs::canonicalize(folder).ok()),
        );
    }
    folders.iter().try_for_each(|folder| recover_in(folder))
}

fn recover_in(folder: &Path) -> Result<(), Failure> {
    let read_error = |error: io::Error| Failure::io("read the folder", folder, &error);
    let entries = match fs::read_dir(folder) {
        // Not a folder, so it has no files of a killed run.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(()),
        entries => entries.map_err(read_error)?,
    };
    for entry in entries {
        let entry = entry.map_err(read_error)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let copy = PendingCopy::parse(name);
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || !(copy.is_some() || is_temporary(name)) || is_in_use(&entry.path()) {
            continue;
        }
        if let Some(copy) = copy {
            complete(&copy, &entry.path(), &folder.join(copy.target))?;
        }
        let remove_error = |error| Failure::io("remove", &entry.path(), &error);
        fs::remove_file(entry.path()).map_err(remove_error)?;
    }
    Ok(())
}

/// Whether another process holds the lock. If that cannot be determined, the answer is yes.
fn is_in_use(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return true;
    };
    matches!(
        file.try_lock(),
        Err(TryLockError::WouldBlock | TryLockError::Error(_))
    )
}

/// Completes the target from its copy at `path`. A target with only the beginning of the copy
/// was torn by the kill. A target with the old contents was not reached and stays. Any other
/// contents are the owner's later changes, which are a conflict.
fn complete(copy: &PendingCopy<'_>, path: &Path, target: &Path) -> Result<(), Failure> {
    let intended = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    let found = fs::read(target).map_err(|error| Failure::io("read", target, &error))?;
    if found == intended || copy.has_old_contents(&found) {
        return Ok(());
    }
    if intended.starts_with(&found) {
        let written = open_for_writing(target).and_then(|file| overwrite(&file, &intended));
        return written.map_err(|error| Failure::io("write", target, &error));
    }
    Err(Failure::conflict(format!(
        "an earlier run was killed while it wrote {}, which has been changed since",
        target.display()
    ))
    .with_help(format!(
        "its intended contents are in {}: copy what you need, delete that file, and run the command again",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// An app with a file that was being written from `before` to `wanted` when the writer died.
    fn killed(before: &str, wanted: &str, found: &str) -> (TempDir, Result<(), Failure>) {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let target = app.path().join(".env");
        let copy = PendingCopy::path(&target, before.as_bytes());
        fs::write(copy, wanted).expect("can write the file");
        fs::write(target, found).expect("can write the file");
        let recovered = recover(app.path(), [".env"]);
        (app, recovered)
    }

    fn env(app: &TempDir) -> String {
        fs::read_to_string(app.path().join(".env")).expect("the file exists")
    }

    fn count(app: &TempDir) -> usize {
        fs::read_dir(app.path())
            .expect("can list the folder")
            .count()
    }

    #[test]
    fn a_torn_file_is_completed_and_an_untouched_one_is_left() {
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
    fn a_file_that_was_changed_since_stays_and_so_does_its_copy() {
        let (app, recovered) = killed("A=1\n", "A=1\nB=2\n", "C=3\n");
        let failure = recovered.expect_err("the target has changed");
        assert_eq!(failure.code(), crate::exit::CONFLICT);
        assert!(failure.to_string().contains(".env."), "{failure}");
        assert_eq!((env(&app).as_str(), count(&app)), ("C=3\n", 2));
    }

    #[test]
    fn only_unlocked_temporary_files_of_ours_are_removed() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        fs::create_dir_all(app.path().join("public/js")).expect("can create the folder");
        let make = |name: &str| File::create(app.path().join(name)).expect("can create the folder");
        for gone in [
            ".sse-abcdef.tmp",
            "public/.sse-abc123.tmp",
            "public/js/.sse-ABCDEF.tmp",
        ] {
            make(gone);
        }
        let in_use = make(".sse-locked.tmp");
        in_use.lock().expect("the file system has locks");
        make(".sse-mine.tmp");
        make("public/js/sse.js");
        fs::create_dir(app.path().join(".sse-folder.tmp")).expect("can create the folder");
        recover(app.path(), ["public/js/sse.js"]).unwrap_or_else(|failure| panic!("{failure}"));
        for (folder, left) in [("", 4), ("public", 1), ("public/js", 1)] {
            let entries = fs::read_dir(app.path().join(folder)).expect("can list the folder");
            assert_eq!(entries.count(), left, "{folder}");
        }
    }

    #[test]
    fn a_lock_ends_with_its_owner_although_a_child_process_has_its_descriptor() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let owner = lock(app.path()).unwrap_or_else(|failure| panic!("{failure}"));
        let inherited = owner.folder.try_clone();
        let _inherited = inherited.expect("can copy the descriptor");
        assert!(lock(app.path()).is_err());
        drop(owner);
        assert!(lock(app.path()).is_ok());
    }
}
