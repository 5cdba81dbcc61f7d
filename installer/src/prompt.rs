//! Asks before the owner's changes are overwritten.

use std::io::{self, IsTerminal, Write};

use crate::cli::ChangeArgs;

/// Confirms changes by the command's flags or by a question on the terminal.
#[derive(Clone, Copy)]
pub(crate) struct Prompt {
    force: bool,
    yes: bool,
    /// Nothing will be changed, so nothing needs to be confirmed.
    is_preview: bool,
}

impl Prompt {
    pub(crate) fn new(args: &ChangeArgs) -> Self {
        Self {
            force: args.force,
            yes: args.yes,
            is_preview: args.is_preview(),
        }
    }

    /// Whether `--force` was given.
    pub(crate) fn is_forced(self) -> bool {
        self.force
    }

    /// Asks the question on the terminal. Without a terminal the answer is no.
    pub(crate) fn confirm(self, question: &str) -> bool {
        if self.force || self.yes {
            return true;
        }
        if self.is_preview || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        let mut stderr = anstream::stderr();
        // Ignored: if the terminal is gone, reading the answer also fails.
        let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
    }
}
