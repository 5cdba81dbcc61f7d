//! The scripts that `install` writes.

use super::super::change::Change;
use super::steps::NewFile;
use crate::app::installation::{Installation, InstalledScript};
use crate::editing::scripts::{Script, ScriptState};
use crate::exit::Failure;
use crate::prompt::Prompt;

/// The scripts to write. The owner's file is written only if it is missing. Ours are
/// refreshed, unless they have been edited: then it is a conflict, or the owner confirms.
pub(super) fn planned(
    installation: &Installation,
    asks_for_types: bool,
    prompt: Prompt,
    change: &mut Change,
) -> Vec<NewFile> {
    let wanted = installation.scripts.iter().filter(|found| {
        installation.needs_script(&found.script) || (asks_for_types && found.script.is_types())
    });
    wanted
        .filter(|found| is_to_be_written(found, prompt, change))
        .map(|found| NewFile {
            name: found.script.path.clone(),
            contents: found.script.contents.clone(),
        })
        .collect()
}

/// Whether the script is to be written, which is added to the change's report.
fn is_to_be_written(found: &InstalledScript, prompt: Prompt, change: &mut Change) -> bool {
    let script = &found.script;
    let path = &script.path;
    let (is_written, verb, object) = match found.state {
        ScriptState::Missing => (true, "Created", path.clone()),
        ScriptState::Current => (false, "Unchanged", path.clone()),
        ScriptState::Older | ScriptState::Edited if script.belongs_to_owner() => {
            (false, "Kept", format!("{path} (yours)"))
        }
        ScriptState::Older => (true, "Updated", path.clone()),
        ScriptState::Edited => {
            if !prompt.confirm(&format!("{path} has local changes. Replace it?")) {
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
        "your own types belong in a file of your own"
    } else {
        "your own code belongs in public/js/sse-client.js"
    };
    Failure::conflict(format!("{} has local changes", script.path)).help(format!(
        "compare with --diff, or overwrite with --force; {advice}"
    ))
}
