//! The scripts and their types in the app's folder of public files.

mod listeners;
mod types;

use crate::app::codeigniter::module;
use crate::app::layout::{CLIENT_FILE, LISTENERS_FILE};
use crate::app::public_folder::PublicFolder;
use crate::editing::receipt::{self, Receipt};

/// The tag that a page loads the listeners with.
pub(crate) const SCRIPT_TAG: &str = "<script src=\"/js/sse-client.js\"></script>";

const TYPES_FILE: &str = "sse.d.ts";
const EVENT_TYPES_FILE: &str = "sse-events.d.ts";

/// The names of all scripts.
pub(crate) const NAMES: [&str; 4] = [LISTENERS_FILE, TYPES_FILE, CLIENT_FILE, EVENT_TYPES_FILE];

/// A script as this version ships it.
pub(crate) struct Script {
    /// The path; relative if it is below the app's folder.
    pub(crate) path: String,
    /// The path in a receipt.
    pub(crate) receipt_path: String,
    pub(crate) contents: Vec<u8>,
    pub(crate) role: ScriptRole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptRole {
    Client,
    /// The owner's, once they are written.
    Listeners,
    /// The client's types, for TypeScript and editors.
    Types,
    /// The names of the events in `SSE_EVENTS`, as a type.
    EventTypes,
}

/// The file at a script's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptState {
    Missing,
    /// As this version writes it.
    Current,
    /// As another version wrote it, or for other events, and unedited since.
    Older,
    Edited,
    /// The unedited listeners of the original module for CodeIgniter.
    OfModule,
}

impl Script {
    /// Whether the script belongs to the app's owner.
    pub(crate) fn belongs_to_owner(&self) -> bool {
        self.role == ScriptRole::Listeners
    }

    /// Whether the file has types only, which no browser loads.
    pub(crate) fn is_types(&self) -> bool {
        matches!(self.role, ScriptRole::Types | ScriptRole::EventTypes)
    }

    pub(crate) fn state(&self, found: Option<&[u8]>, receipt: &Receipt) -> ScriptState {
        match found {
            None => ScriptState::Missing,
            Some(found) if receipt::is_same_text(found, &self.contents) => ScriptState::Current,
            Some(found) if receipt.is_unmodified(&self.receipt_path, found) => ScriptState::Older,
            Some(found) if self.role == ScriptRole::EventTypes && types::is_generated(found) => {
                ScriptState::Older
            }
            Some(found) if self.belongs_to_owner() && module::is_client(found) => {
                ScriptState::OfModule
            }
            Some(_) => ScriptState::Edited,
        }
    }
}

/// Every script that this version ships, with a listener and a type for each of these events.
pub(crate) fn shipped(public: &PublicFolder, events: &[String]) -> impl Iterator<Item = Script> {
    let script = |name: &str, contents: String, role| {
        let path = public.script(name);
        Script {
            receipt_path: public.receipt_entry(&path),
            path,
            contents: contents.into_bytes(),
            role,
        }
    };
    let embedded = actix_web_sse::client_files().map(move |file| match file.name {
        LISTENERS_FILE => {
            let contents = listeners::render_file(file.contents, events);
            script(LISTENERS_FILE, contents, ScriptRole::Listeners)
        }
        TYPES_FILE => script(TYPES_FILE, file.contents.to_owned(), ScriptRole::Types),
        name => script(name, file.contents.to_owned(), ScriptRole::Client),
    });
    let event_types = script(
        EVENT_TYPES_FILE,
        types::render_file(events),
        ScriptRole::EventTypes,
    );
    embedded.chain([event_types])
}

/// Each listener of the owner's file for an event that does not exist: its line and its event.
pub(crate) fn orphaned_listeners(found: &[u8], events: &[String]) -> Vec<(usize, String)> {
    listeners::orphaned_listeners(&String::from_utf8_lossy(found), events)
}

/// Each event that the owner's file does not name, with a listener to paste.
pub(crate) fn missing_listeners(found: &[u8], events: &[String]) -> Vec<(String, String)> {
    let mut files = actix_web_sse::client_files();
    let shipped = files.find(|file| file.name == LISTENERS_FILE);
    shipped.map_or_else(Vec::new, |shipped| {
        listeners::missing_listeners(shipped.contents, &String::from_utf8_lossy(found), events)
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn public() -> PublicFolder {
        PublicFolder::new(Path::new("/app"), None)
    }

    #[test]
    fn a_scripts_state_depends_on_its_contents_and_the_receipt() {
        let script = Script {
            path: "public/js/a.js".to_owned(),
            receipt_path: "public/js/a.js".to_owned(),
            contents: b"a\nb\n".to_vec(),
            role: ScriptRole::Client,
        };
        let mut receipt = Receipt::default();
        assert_eq!(script.state(None, &receipt), ScriptState::Missing);
        assert_eq!(
            script.state(Some(b"a\r\nb\r\n"), &receipt),
            ScriptState::Current
        );
        assert_eq!(script.state(Some(b"older"), &receipt), ScriptState::Edited);
        receipt.add_with_hash("public/js/a.js", b"older");
        assert_eq!(script.state(Some(b"older"), &receipt), ScriptState::Older);
        assert_eq!(
            script.state(Some(b"older, edited"), &receipt),
            ScriptState::Edited
        );
    }

    #[test]
    fn types_for_other_events_are_recognised_without_a_receipt() {
        let for_events = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let public = public();
            let mut shipped = shipped(&public, &names);
            let script = shipped.find(|script| script.role == ScriptRole::EventTypes);
            script.expect("the file is shipped")
        };
        let (script, receipt) = (for_events(&["a"]), Receipt::default());
        let other = for_events(&["a", "b"]).contents;
        assert_eq!(
            script.state(Some(&script.contents), &receipt),
            ScriptState::Current
        );
        assert_eq!(script.state(Some(&other), &receipt), ScriptState::Older);
        let edited = [&other[..], b"// mine\n"].concat();
        assert_eq!(script.state(Some(&edited), &receipt), ScriptState::Edited);
    }

    #[test]
    fn four_scripts_are_shipped_and_the_listeners_are_the_owners() {
        let public = public();
        let mut found: Vec<_> = shipped(&public, &[])
            .map(|script| {
                (
                    script.path.clone(),
                    script.belongs_to_owner(),
                    script.is_types(),
                )
            })
            .collect();
        found.sort();
        let expected = [
            ("public/js/sse-client.js", true, false),
            ("public/js/sse-events.d.ts", false, true),
            ("public/js/sse.d.ts", false, true),
            ("public/js/sse.js", false, false),
        ];
        let expected = expected.map(|(path, owners, types)| (path.to_owned(), owners, types));
        assert_eq!(found, expected);
    }
}
