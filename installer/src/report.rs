//! What a command tells its user: what it did on standard output, what is worth a
//! second look on standard error.

use std::io::{self, Write};

/// Where the lines go; with `--quiet` only warnings are left.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    quiet: bool,
}

impl Report {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A line about what was done.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        if !self.quiet {
            // Nobody listens any more (a closed pipe): the work is done all the same.
            let _ = writeln!(io::stdout(), "{}", line.as_ref());
        }
    }

    /// A line about what was done, for commands whose output is data.
    pub(crate) fn note(self, line: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{}", line.as_ref());
        }
    }

    pub(crate) fn warn(self, what: impl AsRef<str>) {
        let _ = writeln!(io::stderr(), "warning: {}", what.as_ref());
    }
}
