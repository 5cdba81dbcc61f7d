//! What `install` and `uninstall` have in common once they know what to do.

use crate::cli::ChangeArgs;
use crate::editing::plan::Plan;
use crate::exit::Failure;
use crate::output::Output;

/// A change that is worked out to the last byte, and not begun.
#[derive(Default)]
pub(super) struct Change {
    pub(super) plan: Plan,
    /// What to say once it is made: what was done, with what.
    pub(super) lines: Vec<(&'static str, String)>,
    /// Why it must not be made, although it can be shown.
    pub(super) conflict: Option<Failure>,
}

impl Change {
    pub(super) fn will_report(&mut self, verb: &'static str, what: impl Into<String>) {
        self.lines.push((verb, what.into()));
    }

    /// Makes the change, or shows it, as the arguments say; returns whether it was made.
    pub(super) fn carry_out(
        self,
        args: &ChangeArgs,
        output: Output,
        command: &str,
    ) -> Result<bool, Failure> {
        if args.diff {
            let diff = self.plan.diff();
            if !diff.is_empty() {
                output.data(diff.trim_end_matches('\n'))?;
            }
        }
        if let Some(conflict) = self.conflict {
            return Err(conflict);
        }
        if args.diff {
            return Ok(false);
        }
        if !args.dry_run {
            self.plan.write()?;
        }
        for (verb, what) in self.lines {
            output.status(verb, what);
        }
        if args.dry_run {
            output.warn(format!("aborting {command} due to dry run"));
        }
        Ok(!args.dry_run)
    }
}
