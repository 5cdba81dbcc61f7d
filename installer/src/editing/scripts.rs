//! The scripts in the app's `public/js`, and their types.

mod listeners;
mod types;

use crate::editing::receipt::{self, Receipt};

/// The folders that hold the scripts, the outermost first.
pub(crate) const FOLDERS: [&str; 2] = ["public/", "public/js/"];

/// The tag that makes a page listen.
pub(crate) const TAG: &str = "<script src=\"/js/sse-client.js\"></script>";

const LISTENERS: &str = "sse-client.js";
const TYPES: &str = "sse.d.ts";
const EVENT_TYPES: &str = "sse-events.d.ts";

/// A script as this version ships it.
pub(crate) struct Script {
    /// Below the app's folder.
    pub(crate) path: String,
    pub(crate) contents: Vec<u8>,
    pub(crate) role: Role,
}

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    /// The app's owner's, once they are written.
    Listeners,
    /// What editors and TypeScript are told of the client.
    Types,
    /// The same of `SSE_EVENTS`.
    EventTypes,
}

/// What an app has in the place of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptState {
    Missing,
    /// As this version ships it.
    Current,
    /// As another version wrote it, or as it was for other events, and nobody has edited it since.
    Older,
    Edited,
}

impl Script {
    /// Whether it is for the app's owner to change.
    pub(crate) fn is_owners(&self) -> bool {
        self.role == Role::Listeners
    }

    /// Whether no browser loads it.
    pub(crate) fn is_types(&self) -> bool {
        matches!(self.role, Role::Types | Role::EventTypes)
    }

    pub(crate) fn state(&self, found: Option<&[u8]>, record: &Receipt) -> ScriptState {
        match found {
            None => ScriptState::Missing,
            Some(found) if receipt::same_text(found, &self.contents) => ScriptState::Current,
            Some(found) if record.is_unmodified(&self.path, found) => ScriptState::Older,
            Some(found) if self.role == Role::EventTypes && types::is_file(found) => {
                ScriptState::Older
            }
            Some(_) => ScriptState::Edited,
        }
    }
}

/// Every script that this version ships, with a listener for each of these events, and their names
/// as types.
pub(crate) fn shipped(events: &[String]) -> impl Iterator<Item = Script> {
    let embedded = actix_web_sse::client_files().map(|file| match file.name {
        LISTENERS => {
            let contents = listeners::file(file.contents, events);
            script(LISTENERS, contents, Role::Listeners)
        }
        TYPES => script(TYPES, file.contents.to_owned(), Role::Types),
        name => script(name, file.contents.to_owned(), Role::Client),
    });
    let of_events = script(EVENT_TYPES, types::file(events), Role::EventTypes);
    embedded.chain([of_events])
}

fn script(name: &str, contents: String, role: Role) -> Script {
    Script {
        path: format!("{}{name}", FOLDERS[1]),
        contents: contents.into_bytes(),
        role,
    }
}

/// Listeners to paste, each with its event, for events that the owner's file does not name.
pub(crate) fn missing_listeners(found: &[u8], events: &[String]) -> Vec<(String, String)> {
    let mut files = actix_web_sse::client_files();
    let shipped = files.find(|file| file.name == LISTENERS);
    shipped.map_or_else(Vec::new, |shipped| {
        listeners::missing(shipped.contents, &String::from_utf8_lossy(found), events)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_by_what_it_says() {
        let script = Script {
            path: "public/js/a.js".to_owned(),
            contents: b"a\nb\n".to_vec(),
            role: Role::Client,
        };
        let mut record = Receipt::default();
        assert_eq!(script.state(None, &record), ScriptState::Missing);
        assert_eq!(
            script.state(Some(b"a\r\nb\r\n"), &record),
            ScriptState::Current
        );
        assert_eq!(script.state(Some(b"older"), &record), ScriptState::Edited);
        record.add_file("public/js/a.js", b"older");
        assert_eq!(script.state(Some(b"older"), &record), ScriptState::Older);
        assert_eq!(
            script.state(Some(b"older, edited"), &record),
            ScriptState::Edited
        );
    }

    #[test]
    fn types_for_other_events_are_known_without_a_record() {
        let for_events = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut shipped = shipped(&names);
            let script = shipped.find(|script| script.role == Role::EventTypes);
            script.expect("it is shipped")
        };
        let (script, record) = (for_events(&["a"]), Receipt::default());
        let other = for_events(&["a", "b"]).contents;
        assert_eq!(
            script.state(Some(&script.contents), &record),
            ScriptState::Current
        );
        assert_eq!(script.state(Some(&other), &record), ScriptState::Older);
        let edited = [&other[..], b"// mine\n"].concat();
        assert_eq!(script.state(Some(&edited), &record), ScriptState::Edited);
    }

    #[test]
    fn all_are_shipped_and_only_the_listeners_are_the_owners() {
        let mut found: Vec<_> = shipped(&[])
            .map(|script| (script.path.clone(), script.is_owners(), script.is_types()))
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
