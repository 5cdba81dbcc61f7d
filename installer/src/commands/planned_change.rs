//! A planned change, which `install` and `uninstall` make or show.

use std::path::Path;

use crate::cli::ChangeArgs;
use crate::editing::plan::{self, AppLock, Plan};
use crate::exit::Failure;
use crate::output::Output;

/// Keeps other runs away from the app while a change is planned and made; a preview changes nothing.
pub(super) fn lock(app: &Path, args: &ChangeArgs) -> Result<Option<AppLock>, Failure> {
    let is_needed = !args.is_preview();
    is_needed.then(|| plan::lock(app)).transpose()
}

/// A change that is planned to the last byte, but not made yet.
#[derive(Default)]
pub(super) struct PlannedChange {
    pub(super) plan: Plan,
    /// The status lines to print once the change is made: verb and object.
    pub(super) status_lines: Vec<(&'static str, String)>,
    /// Why the change must not be made. It can still be shown.
    pub(super) conflict: Option<Failure>,
}

impl PlannedChange {
    pub(super) fn will_report(&mut self, verb: &'static str, object: impl Into<String>) {
        self.status_lines.push((verb, object.into()));
    }

    /// Makes the change or shows it, as the arguments ask. Returns whether it was made.
    pub(super) fn carry_out(self, args: &ChangeArgs, output: Output) -> Result<bool, Failure> {
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
            self.plan.apply()?;
        }
        for (verb, object) in self.status_lines {
            output.status(verb, object);
        }
        if args.dry_run {
            output.warn("dry run: nothing was changed");
        }
        Ok(!args.dry_run)
    }
}
