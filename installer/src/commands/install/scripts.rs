//! What `install` does about the scripts.

use super::super::change::Change;
use super::steps::Written;
use crate::app::installation::{Installation, InstalledScript};
use crate::editing::scripts::{Script, ScriptState};
use crate::exit::Failure;
use crate::prompt::Prompt;

/// The scripts to write. The owner's file is written where there is none; ours is refreshed,
/// unless it has been edited: then it is a conflict, or the owner agrees.
pub(super) fn planned(
    installation: &Installation,
    asks_for_types: bool,
    prompt: Prompt,
    change: &mut Change,
) -> Vec<Written> {
    let mut written = Vec::new();
    let wanted = installation
        .scripts
        .iter()
        .filter(|InstalledScript { script, .. }| {
            installation.wants(script) || (asks_for_types && script.is_types())
        });
    for InstalledScript { script, state, .. } in wanted {
        let path = &script.path;
        let writes = match state {
            ScriptState::Missing => {
                change.will_report("Created", path);
                true
            }
            ScriptState::Current => {
                change.will_report("Unchanged", path);
                false
            }
            ScriptState::Older | ScriptState::Edited if script.is_owners() => {
                change.will_report("Kept", format!("{path} (yours)"));
                false
            }
            ScriptState::Older => {
                change.will_report("Updated", path);
                true
            }
            ScriptState::Edited => {
                let question = format!("{path} has local changes. Replace it?");
                if !prompt.confirm(&question) {
                    change.conflict = Some(edited(script));
                }
                change.will_report("Updated", format!("{path} (your changes are gone)"));
                true
            }
        };
        if writes {
            written.push(Written {
                name: path.clone(),
                contents: script.contents.clone(),
            });
        }
    }
    written
}

fn edited(script: &Script) -> Failure {
    let place = if script.is_types() {
        "types of yours belong into a file of your own"
    } else {
        "code of yours belongs into public/js/sse-client.js"
    };
    Failure::conflict(format!("{} has local changes", script.path))
        .help(format!("--diff to compare, --force to overwrite; {place}"))
}
