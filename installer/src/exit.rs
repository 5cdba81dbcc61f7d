//! Exit codes, and the error type that carries one to `main`.

use std::fmt;
use std::io;
use std::path::Path;

/// Success, or there was nothing to do.
pub(crate) const DONE: u8 = 0;
/// An error; no partial change remains.
pub(crate) const ERROR: u8 = 1;
/// The command line is invalid. clap itself also exits with this code.
pub(crate) const USAGE: u8 = 2;
/// A conflict with one of the user's files; nothing was written.
pub(crate) const CONFLICT: u8 = 3;
/// `sse status` found something missing or modified, or `sse doctor` found a problem.
pub(crate) const FINDINGS: u8 = 4;
/// Ended by Ctrl-C. `sse` does not catch SIGINT, so this is the shell's code for a process
/// that the signal ended. A second run completes the first.
pub(crate) const INTERRUPTED: u8 = 130;

/// The table for `--help`.
pub(crate) fn table() -> String {
    format!(
        "Exit codes:\n\
         \x20 {DONE:>3}  success, or nothing to do\n\
         \x20 {ERROR:>3}  an error; no partial change remains\n\
         \x20 {USAGE:>3}  invalid command line\n\
         \x20 {CONFLICT:>3}  a conflict with one of your files; nothing was written\n\
         \x20 {FINDINGS:>3}  status, doctor: something is missing, modified or wrong\n\
         \x20 {INTERRUPTED:>3}  interrupted"
    )
}

/// Why a command failed, with its exit code and what the user can do.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    help: Option<String>,
}

impl Failure {
    /// An error: exit code 1.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(ERROR, message)
    }

    /// The command line asks for something that does not exist: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// A file is in the way, and nothing was written: exit code 3.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(CONFLICT, message)
    }

    /// The system refused an operation on a file. `operation` completes "cannot …".
    pub(crate) fn io(operation: &str, path: &Path, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "run the command as a user with the required permissions, or change the permissions of the file or its folder"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some disk space, then run the command again"
            }
            _ => "check this path and its folder, then run the command again",
        };
        Self::error(format!("cannot {operation} {}: {error}", path.display())).with_help(help)
    }

    fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    /// Adds what the user can do.
    #[must_use]
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Appends to the message, for example the outcome of a rollback.
    #[must_use]
    pub(crate) fn append(mut self, text: &str) -> Self {
        self.message.push_str(text);
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl From<actix_web_sse::Error> for Failure {
    fn from(error: actix_web_sse::Error) -> Self {
        Self {
            help: error.help().map(str::to_owned),
            ..Self::error(error.to_string())
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::error(format!("cannot write the JSON: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}
