//! What `install` does about the scripts.

use super::super::change::Change;
use super::steps::Written;
use crate::consent::Consent;
use crate::exit::Failure;
use crate::installation::{Installation, InstalledScript};
use crate::scripts::State;

/// The scripts to write. The owner's file is written where there is none; ours is refreshed,
/// unless it has been edited: then it is a conflict, or the owner agrees.
pub(super) fn planned(
    installation: &Installation,
    consent: Consent,
    change: &mut Change,
) -> Vec<Written> {
    let mut written = Vec::new();
    for InstalledScript { script, state, .. } in &installation.scripts {
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
            State::Older | State::Edited if script.is_owners => {
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
                    change.conflict = Some(edited(path));
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

fn edited(path: &str) -> Failure {
    Failure::conflict(format!("{path} has local changes")).help(
        "--diff to compare, --force to overwrite; code of yours belongs into public/js/sse-client.js",
    )
}
