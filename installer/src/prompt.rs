//! Asks before the owner's changes are overwritten.

use std::io::{self, IsTerminal, Write};

use crate::cli::ChangeArgs;

/// Whether the flags confirm the change, or the answer to the question on the terminal. Without a
/// terminal the answer is no. A preview changes nothing, so nothing needs to be asked.
pub(crate) fn confirm(args: &ChangeArgs, question: &str) -> bool {
    if args.force || args.yes {
        return true;
    }
    if args.is_preview() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    let mut stderr = anstream::stderr();
    // Ignored: if the terminal is gone, reading the answer also fails.
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}
