//! File changes, planned in memory and then written: all of them or none.
//!
//! A command reads every file and works out every result before it writes the
//! first one, so that most of what can go wrong goes wrong while nothing has
//! happened. Then all new contents are written to temporary files: a disk that is
//! full is full before the first file changes. Only then each takes the place of
//! its target by a rename; when a step fails, the steps before it are undone in
//! reverse. After a crash in the middle there is no undoing: the steps are in an
//! order in which a second run completes the first, and [`recover`] comes first.

mod diff;
mod file;
mod recovery;
mod staged;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use self::file::Original;
use self::file::Unwritten;
pub(crate) use self::recovery::recover;
use self::staged::Staged;
use crate::exit::Failure;

/// One change.
pub(crate) enum Step {
    MakeDir(PathBuf),
    Write(Original, Vec<u8>),
    Remove(Original),
    /// Removes a folder if it is empty, else leaves it.
    RemoveDir(PathBuf),
    /// Removes a folder with all that is in it, which cannot be taken back.
    RemoveTree(PathBuf),
}

/// Changes in the order in which they are made.
#[derive(Default)]
pub(crate) struct Plan {
    steps: Vec<Step>,
}

/// A change for which everything is on the disk that it needs there.
enum ReadyStep {
    MakeDir(PathBuf),
    Replace(Box<Original>, Staged),
    Remove(Box<Original>),
    RemoveDir(PathBuf),
    RemoveTree(PathBuf),
}

/// How to take a step back.
enum Undo {
    RemoveDir(PathBuf),
    Restore(Box<Original>),
    MakeDir(PathBuf, fs::Permissions),
    /// Nothing can be done.
    Lost(PathBuf),
}

impl Plan {
    pub(crate) fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The changes of files as a unified diff.
    pub(crate) fn diff(&self) -> String {
        let changes = self.steps.iter().map(|step| match step {
            Step::Write(original, contents) => original.diff(Some(contents)),
            Step::Remove(original) => original.diff(None),
            Step::MakeDir(_) | Step::RemoveDir(_) | Step::RemoveTree(_) => String::new(),
        });
        changes.collect()
    }

    /// Makes the changes, or fails with everything as it was.
    pub(crate) fn write(self) -> Result<(), Failure> {
        let mut undos = Vec::new();
        let written = self.stage().map_err(Unwritten::from).and_then(|steps| {
            // What is left of them is gone before anything is taken back, and its space free.
            steps
                .into_iter()
                .try_for_each(|step| step.apply(&mut undos))
        });
        written.map_err(|Unwritten { failure, torn }| match torn {
            None => roll_back(undos, failure),
            // As after a crash, the next run completes the work, and what was done is part of it.
            Some(why) => failure.and(&format!("; {why}")),
        })
    }

    fn stage(self) -> Result<Vec<ReadyStep>, Failure> {
        self.steps.into_iter().map(Step::stage).collect()
    }
}

#[cfg(test)]
impl Plan {
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Makes the first changes and stops there, as a process does that is killed.
    pub(crate) fn write_until_killed(self, steps: usize) {
        let ready = self.stage().unwrap_or_else(|failure| panic!("{failure}"));
        for step in ready.into_iter().take(steps) {
            step.apply(&mut Vec::new())
                .unwrap_or_else(|unwritten| panic!("{}", unwritten.failure));
        }
    }
}

impl Step {
    fn stage(self) -> Result<ReadyStep, Failure> {
        Ok(match self {
            Self::MakeDir(path) => ReadyStep::MakeDir(path),
            Self::Write(original, contents) => {
                let staged = original.stage(&contents)?;
                ReadyStep::Replace(Box::new(original), staged)
            }
            Self::Remove(original) => ReadyStep::Remove(Box::new(original)),
            Self::RemoveDir(path) => ReadyStep::RemoveDir(path),
            Self::RemoveTree(path) => ReadyStep::RemoveTree(path),
        })
    }
}

impl ReadyStep {
    /// Makes the change, and adds to `undos` what takes it back.
    fn apply(self, undos: &mut Vec<Undo>) -> Result<(), Unwritten> {
        match self {
            Self::MakeDir(path) => undos.push(make_dir(&path)?),
            Self::Replace(original, staged) => {
                original.replace(staged)?;
                undos.push(Undo::Restore(original));
            }
            Self::Remove(original) => {
                original.remove()?;
                undos.push(Undo::Restore(original));
            }
            Self::RemoveDir(path) => undos.extend(remove_dir(&path)?),
            Self::RemoveTree(path) => {
                let removed = remove_tree(&path);
                // What of it was removed before a failure is gone, too.
                undos.push(Undo::Lost(path));
                removed?;
            }
        }
        Ok(())
    }
}

impl Undo {
    fn apply(self) -> io::Result<()> {
        match self {
            Self::RemoveDir(path) => fs::remove_dir(path),
            Self::Restore(original) => original.restore(),
            Self::MakeDir(path, permissions) => {
                fs::create_dir(&path)?;
                fs::set_permissions(&path, permissions)
            }
            Self::Lost(path) => Err(io::Error::other(format!("{} is gone", path.display()))),
        }
    }
}

/// Whether there is something at `path`. What cannot be looked at is not taken for missing.
pub(crate) fn exists(path: &Path) -> Result<bool, Failure> {
    Ok(look_at(path)?.is_some())
}

/// Whether there is a file at `path`, with the same care.
pub(crate) fn is_file(path: &Path) -> Result<bool, Failure> {
    Ok(look_at(path)?.is_some_and(|metadata| metadata.is_file()))
}

fn look_at(path: &Path) -> Result<Option<fs::Metadata>, Failure> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(Failure::io("look at", path, &error)),
    }
}

/// Whether the error says that there is nothing, and not that it could not be seen.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn remove_tree(path: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::io("remove", path, &error))
        }
        _ => Ok(()),
    }
}

fn make_dir(path: &Path) -> Result<Undo, Failure> {
    fs::create_dir(path).map_err(|error| Failure::io("create the folder", path, &error))?;
    Ok(Undo::RemoveDir(path.to_owned()))
}

fn remove_dir(path: &Path) -> Result<Option<Undo>, Failure> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(_) if !exists(path)? => return Ok(None),
        Err(error) => return Err(Failure::io("look at", path, &error)),
    };
    match fs::remove_dir(path) {
        Ok(()) => Ok(Some(Undo::MakeDir(path.to_owned(), metadata.permissions()))),
        // A file that has taken the folder's place is as little ours as one in it.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::io("remove the folder", path, &error)),
    }
}

fn roll_back(undos: Vec<Undo>, failure: Failure) -> Failure {
    let failed: Vec<String> = undos
        .into_iter()
        .rev()
        .filter_map(|undo| undo.apply().err())
        .map(|error| error.to_string())
        .collect();
    if failed.is_empty() {
        failure.and("; everything is as it was before")
    } else {
        failure.and(&format!(
            "; and taking back what was done failed: {}",
            failed.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(app: &Path, name: &str, contents: &str) -> Step {
        let original = Original::read(app, name).expect("it can be read");
        Step::Write(original, contents.as_bytes().to_vec())
    }

    fn plan(steps: impl IntoIterator<Item = Step>) -> Plan {
        Plan {
            steps: steps.into_iter().collect(),
        }
    }

    #[test]
    fn a_failing_step_takes_back_the_ones_before() {
        let app = tempfile::tempdir().expect("a folder");
        let path = app.path();
        fs::write(path.join("changed"), "before").expect("it can be written");
        fs::write(path.join("removed"), "still here").expect("it can be written");
        fs::create_dir(path.join("empty")).expect("it can be made");
        let removed = Original::read(path, "removed").expect("it can be read");
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
            failure.to_string().contains("as it was before"),
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
            let failure = plan.write().expect_err("somebody was faster");
            assert!(failure.to_string().contains("changed"), "{failure}");
        }
        assert_eq!(fs::read(&path).expect("it is there"), b"changed since");
        assert_eq!(
            fs::read(app.path().join("new")).expect("it is there"),
            b"made since"
        );
    }

    #[test]
    fn mode_symbolic_link_and_hard_link_survive() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        let app = tempfile::tempdir().expect("a folder");
        let path = app.path();
        fs::write(path.join("real"), "1").expect("it can be written");
        fs::set_permissions(path.join("real"), fs::Permissions::from_mode(0o640))
            .expect("it is ours");
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
    fn what_is_no_plain_file_of_the_app_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let outside = tempfile::tempdir().expect("a folder");
        let app = tempfile::tempdir().expect("a folder");
        let path = app.path();
        fs::create_dir(path.join("folder")).expect("it can be made");
        fs::write(outside.path().join("file"), "").expect("it can be written");
        symlink(outside.path().join("file"), path.join("outside")).expect("it can be linked");
        symlink("nowhere", path.join("dangling")).expect("it can be linked");
        for name in ["folder", "outside", "dangling"] {
            let failure = Original::read(path, name).err().expect("it is refused");
            assert_eq!(failure.code(), crate::exit::CONFLICT, "{name}");
        }
        fs::write(path.join("locked"), "").expect("it can be written");
        fs::set_permissions(path.join("locked"), fs::Permissions::from_mode(0o444))
            .expect("it is ours");
        let locked = Original::read(path, "locked").expect("it can be read");
        let failure = locked.check_writable().expect_err("it is refused");
        assert_eq!(failure.code(), crate::exit::CONFLICT);
    }
}
