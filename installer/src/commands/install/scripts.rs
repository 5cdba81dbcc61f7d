//! The scripts that `install` writes.

use super::super::planned_change::PlannedChange;
use super::steps::NewFile;
use crate::app::app_files::AppFiles;
use crate::app::layout::LISTENERS_FILE;
use crate::app::script_files::ScriptFile;
use crate::cli::{ChangeArgs, InstallArgs};
use crate::editing::scripts::{Script, ScriptState};
use crate::exit::Failure;
use crate::prompt;

/// The scripts to write. The owner's file is written only if it is missing. Ours are
/// refreshed, unless they have been edited: then it is a conflict, or the owner confirms.
pub(super) fn plan_scripts(
    app_files: &AppFiles,
    args: &InstallArgs,
    change: &mut PlannedChange,
) -> Vec<NewFile> {
    let wanted = app_files.scripts.iter().filter(|found| {
        app_files.needs_script(&found.shipped) || (args.types && found.shipped.is_types())
    });
    wanted
        .filter(|found| decide_write(found, &args.change, change))
        .map(|found| NewFile {
            file: found.file.clone(),
            contents: found.shipped.contents.clone(),
        })
        .collect()
}

/// Decides whether to write the script, asks the user if it was edited, and adds the decision to
/// the report.
fn decide_write(found: &ScriptFile, args: &ChangeArgs, change: &mut PlannedChange) -> bool {
    let script = &found.shipped;
    let path = &script.path;
    let (is_written, verb, object) = match found.state {
        ScriptState::Missing => (true, "Created", path.clone()),
        ScriptState::Current => (false, "Unchanged", path.clone()),
        // Another step replaces and reports it.
        ScriptState::OfModule => return false,
        ScriptState::Older | ScriptState::Edited if script.belongs_to_owner() => {
            (false, "Kept", format!("{path} (yours)"))
        }
        ScriptState::Older => (true, "Updated", path.clone()),
        ScriptState::Edited => {
            if !prompt::confirm(args, &format!("{path} was modified. Replace it?")) {
                change.conflict = Some(edited_conflict(script));
            }
            let object = format!("{path} (your changes are overwritten)");
            (true, "Updated", object)
        }
    };
    change.will_report(verb, object);
    is_written
}

fn edited_conflict(script: &Script) -> Failure {
    let advice = if script.is_types() {
        "your own types belong in another file".to_owned()
    } else {
        format!("your own code belongs in {LISTENERS_FILE} beside it")
    };
    Failure::conflict(format!("{} was modified", script.path)).with_help(format!(
        "compare with --diff, or overwrite with --force; {advice}"
    ))
}
