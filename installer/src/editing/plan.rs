//! A transaction of file changes: all are made, or none.
//!
//! A command reads every file and computes every result before it writes the first file, so
//! most errors occur before anything has changed. Then all new contents are written to
//! temporary files, so a full disk is noticed before the first file changes. Only then each
//! temporary file is renamed to its target. If a step fails, the steps before it are undone
//! in reverse order. After a crash nothing is undone. Instead a second run, which begins with
//! [`recover`], completes the first; callers order their steps to make that possible.

mod diff;
mod original_file;
mod recovery;
mod staged_file;

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

pub(crate) use self::original_file::OriginalFile;
pub(crate) use self::recovery::{AppLock, lock, recover};
use self::staged_file::{StagedFile, WriteError};
use crate::exit::Failure;

pub(crate) enum Step {
    MakeDir(PathBuf),
    Write(OriginalFile, Vec<u8>),
    Remove(OriginalFile),
    /// Removes a folder if it is empty.
    RemoveDir(PathBuf),
    /// Removes a folder and everything in it, which cannot be undone.
    RemoveTree(PathBuf),
}

/// Changes, in the order in which they are made.
#[derive(Default)]
pub(crate) struct Plan {
    steps: Vec<Step>,
}

/// How to undo a step.
enum Undo {
    RemoveDir(PathBuf),
    Restore(Box<OriginalFile>),
    MakeDir(PathBuf, fs::Permissions),
    /// The step cannot be undone.
    Irreversible(PathBuf),
}

impl Plan {
    /// Adds a change, unless its file is read-only.
    pub(crate) fn add(&mut self, step: Step) -> Result<(), Failure> {
        if let Step::Write(original, _) | Step::Remove(original) = &step {
            original.check_writable()?;
        }
        self.steps.push(step);
        Ok(())
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

    /// Makes the changes, or fails and restores the files as they were.
    pub(crate) fn apply(self) -> Result<(), Failure> {
        let mut undos = Vec::new();
        let written = self.stage().map_err(WriteError::from).and_then(|steps| {
            // Consumes the steps: on failure their temporary files are deleted, and their
            // space is free, before anything is undone.
            let mut steps = steps.into_iter();
            steps.try_for_each(|(step, staged)| step.apply(staged, &mut undos))
        });
        written.map_err(|error| {
            if error.is_completed_later {
                // As after a crash: nothing is undone.
                error.failure
            } else {
                roll_back(undos, error.failure)
            }
        })
    }

    /// Writes all new contents to temporary files.
    fn stage(self) -> Result<Vec<(Step, Option<StagedFile>)>, Failure> {
        let stage = |step| {
            let staged = match &step {
                Step::Write(original, contents) => Some(original.stage(contents)?),
                _ => None,
            };
            Ok((step, staged))
        };
        self.steps.into_iter().map(stage).collect()
    }
}

#[cfg(test)]
impl Plan {
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Makes the first changes only, as a process does that is killed.
    pub(crate) fn apply_until_killed(self, steps: usize) {
        let ready = self.stage().unwrap_or_else(|failure| panic!("{failure}"));
        for (step, staged) in ready.into_iter().take(steps) {
            step.apply(staged, &mut Vec::new())
                .unwrap_or_else(|error| panic!("{}", error.failure));
        }
    }
}

impl Step {
    /// Makes the change, and adds its reversal to `undos`. `staged` has the new contents.
    fn apply(self, staged: Option<StagedFile>, undos: &mut Vec<Undo>) -> Result<(), WriteError> {
        match self {
            Self::MakeDir(path) => undos.push(make_dir(&path)?),
            Self::Write(original, contents) => {
                let staged = staged.map_or_else(|| original.stage(&contents), Ok)?;
                original.replace(staged)?;
                undos.push(Undo::Restore(Box::new(original)));
            }
            Self::Remove(original) => {
                original.remove()?;
                undos.push(Undo::Restore(Box::new(original)));
            }
            Self::RemoveDir(path) => undos.extend(remove_dir(&path)?),
            Self::RemoveTree(path) => {
                let removed = remove_tree(&path);
                // Even a failed removal may have deleted some entries.
                undos.push(Undo::Irreversible(path));
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
            Self::Irreversible(path) => {
                Err(io::Error::other(format!("{} was deleted", path.display())))
            }
        }
    }
}

/// Whether `path` exists. If that cannot be determined, it is an error.
pub(crate) fn exists(path: &Path) -> Result<bool, Failure> {
    Ok(metadata(path)?.is_some())
}

/// Whether `path` is a file. If that cannot be determined, it is an error.
pub(crate) fn is_file(path: &Path) -> Result<bool, Failure> {
    Ok(metadata(path)?.is_some_and(|metadata| metadata.is_file()))
}

/// Whether a path that is joined to a folder stays below that folder, apart from links.
pub(crate) fn is_below(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

fn metadata(path: &Path) -> Result<Option<fs::Metadata>, Failure> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(Failure::io("read the metadata of", path, &error)),
    }
}

/// Whether the error means that nothing exists at the path.
pub(crate) fn is_not_found(error: &io::Error) -> bool {
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
        Err(error) => return Err(Failure::io("read the metadata of", path, &error)),
    };
    match fs::remove_dir(path) {
        Ok(()) => Ok(Some(Undo::MakeDir(path.to_owned(), metadata.permissions()))),
        // The entries, or a file that has replaced the folder, belong to another program or user.
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
        failure.append("; all changes were undone")
    } else {
        failure.append(&format!(
            "; undoing the changes made before also failed: {}",
            failed.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests;
