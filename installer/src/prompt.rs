//! Whether the owner's changes may be overwritten.

use std::io::{self, IsTerminal, Write};

use crate::cli::ChangeArgs;

/// Who decides: the arguments, or whoever sits at the terminal.
#[derive(Clone, Copy)]
pub(crate) struct Prompt {
    force: bool,
    yes: bool,
    /// Nothing is going to be changed, so that there is nothing to ask.
    only_shows: bool,
}

impl Prompt {
    pub(crate) fn new(args: &ChangeArgs) -> Self {
        Self {
            force: args.force,
            yes: args.yes,
            only_shows: args.only_shows(),
        }
    }

    /// Whether `--force` was given.
    pub(crate) fn is_forced(self) -> bool {
        self.force
    }

    /// Asks, if somebody is there to be asked; else the answer is no.
    pub(crate) fn confirm(self, question: &str) -> bool {
        if self.force || self.yes {
            return true;
        }
        if self.only_shows || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        let mut asked = anstream::stderr();
        // A terminal that is gone cannot answer, and reading from it says so.
        let _ = write!(asked, "{question} [y/N] ").and_then(|()| asked.flush());
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
    }
}
