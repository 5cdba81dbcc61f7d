//! Restores the listeners of the original module for CodeIgniter.

use super::super::planned_change::PlannedChange;
use super::reason_to_keep;
use crate::app::app_files::AppFiles;
use crate::app::codeigniter::module::ModuleScript;
use crate::app::script_files::ScriptFile;
use crate::cli::ChangeArgs;
use crate::editing::plan::Step;
use crate::editing::scripts::ScriptState;
use crate::exit::Failure;

/// Plans to restore the module's listeners from their copy, and to remove the copy. Returns the path of the copy if
/// it goes.
pub(super) fn plan(
    listeners: ScriptFile,
    copy: ModuleScript,
    args: &ChangeArgs,
    change: &mut PlannedChange,
) -> Result<Option<String>, Failure> {
    let path = listeners.shipped.path.clone();
    match listeners.state {
        // A run that was killed has restored them, or has not replaced them yet.
        ScriptState::OfModule => {
            change.will_report("Kept", format!("{path} (of the original module)"));
        }
        ScriptState::Missing => restore(listeners, &copy, change)?,
        ScriptState::Current | ScriptState::Older | ScriptState::Edited => {
            if let Some(why) = reason_to_keep(&listeners, args) {
                change.will_report("Kept", format!("{path} ({why})"));
                change.will_report(
                    "Kept",
                    format!("{} (that of the original module)", copy.path),
                );
                return Ok(None);
            }
            restore(listeners, &copy, change)?;
        }
    }
    change.plan.add(Step::Remove(copy.file))?;
    Ok(Some(copy.path))
}

/// Warns if the module's listeners cannot be restored. After a run that was killed, they may be in place already.
pub(super) fn lost_copy(app_files: &AppFiles) -> Option<String> {
    let copy = app_files.module_script.as_ref()?;
    let is_restored =
        (app_files.listeners()).is_some_and(|listeners| listeners.state == ScriptState::OfModule);
    let is_lost = !copy.is_by_install && app_files.receipt().has(&copy.receipt_path);
    (is_lost && !is_restored).then(|| {
        format!(
            "{} was removed or modified, so the listeners of the original module are not restored from it",
            copy.path
        )
    })
}

fn restore(
    listeners: ScriptFile,
    copy: &ModuleScript,
    change: &mut PlannedChange,
) -> Result<(), Failure> {
    let path = &listeners.shipped.path;
    change.will_report("Restored", format!("{path} (that of the original module)"));
    let contents = copy.file.contents().unwrap_or_default().to_vec();
    change.plan.add(Step::Write(listeners.file, contents))
}
