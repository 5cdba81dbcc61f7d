//! What `install` does about the scripts.

use super::super::change::Change;
use super::steps::Written;
use crate::consent::Consent;
use crate::exit::Failure;
use crate::installation::{Installation, InstalledScript};
use crate::scripts::{Script, State};

/// The scripts to write. The owner's file is written where there is none; ours is refreshed,
/// unless it has been edited: then it is a conflict, or the owner agrees.
pub(super) fn planned(
    installation: &Installation,
    asks_for_types: bool,
    consent: Consent,
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
            State::Missing => {
                change.will_say("Created", path);
                true
            }
            State::Current => {
                change.will_say("Unchanged", path);
                false
            }
            State::Older | State::Edited if script.is_owners() => {
                change.will_say("Kept", format!("{path} (yours)"));
                false
            }
            State::Older => {
                change.will_say("Updated", path);
                true
            }
            State::Edited => {
                let question = format!("{path} has local changes. Replace it?");
                if !consent.to(&question) {
                    change.conflict = Some(edited(script));
                }
                change.will_say("Updated", format!("{path} (your changes are gone)"));
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
