//! Exit codes, and the failure that carries one to `main`.

use std::fmt;
use std::io;
use std::path::Path;

/// Done, or there was nothing to do.
pub(crate) const DONE: u8 = 0;
/// Something went wrong, and nothing was left half done.
pub(crate) const ERROR: u8 = 1;
/// The command line was not understood; clap exits with this code by itself.
pub(crate) const USAGE: u8 = 2;
/// A file is in a state that is not ours to change: nothing was written.
pub(crate) const CONFLICT: u8 = 3;
/// `sse status`: something is missing or modified, or nothing is installed; `sse doctor`:
/// something is wrong.
pub(crate) const DRIFT: u8 = 4;
/// Ended by Ctrl-C. The code is the shell's, for a process that SIGINT ended:
/// we do not catch the signal, and a second run finishes what was begun.
pub(crate) const INTERRUPTED: u8 = 130;

/// The table for `--help`.
pub(crate) fn table() -> String {
    format!(
        "Exit codes:\n\
         \x20 {DONE:>3}  done, or nothing to do\n\
         \x20 {ERROR:>3}  error, nothing half done\n\
         \x20 {USAGE:>3}  usage\n\
         \x20 {CONFLICT:>3}  conflict with a file of yours, nothing written\n\
         \x20 {DRIFT:>3}  status, doctor: something is missing, modified or wrong\n\
         \x20 {INTERRUPTED:>3}  interrupted"
    )
}

/// Why a command ended without doing what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    what: String,
    help: Option<String>,
}

impl Failure {
    /// Something went wrong: exit code 1.
    pub(crate) fn error(what: impl Into<String>) -> Self {
        Self::new(ERROR, what)
    }

    /// The command line asks for what cannot be: exit code 2.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(USAGE, what)
    }

    /// A file is in the way, and nothing was written: exit code 3.
    pub(crate) fn conflict(what: impl Into<String>) -> Self {
        Self::new(CONFLICT, what)
    }

    /// An operation on a file that the system refused.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "run the command as a user who may do this, or change the rights of what is named, or of its folder"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on the disk, then run the command again"
            }
            _ => "see to that, then run the command again",
        };
        Self::error(format!("cannot {doing} {}: {error}", path.display())).help(help)
    }

    fn new(code: u8, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            help: None,
        }
    }

    /// Says what the user can do about it.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds to what happened, as a roll back does that did not succeed.
    #[must_use]
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.what.push_str(more);
        self
    }

    /// What happened.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// What the user can do about it.
    pub(crate) fn what_to_do(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl From<actix_web_sse::Error> for Failure {
    fn from(error: actix_web_sse::Error) -> Self {
        let failure = Self::error(error.to_string());
        match error.help() {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}
