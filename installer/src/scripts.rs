//! The scripts in the app's `public/js`.

use crate::listeners;
use crate::record::{self, Record};

/// The folders that hold the scripts, the outermost first.
pub(crate) const FOLDERS: [&str; 2] = ["public/", "public/js/"];

/// The tag that makes a page listen.
pub(crate) const TAG: &str = "<script src=\"/js/sse-client.js\"></script>";

/// The listeners' file: the app's owner's, once it is written.
const LISTENERS: &str = "sse-client.js";

/// A script as this version ships it.
pub(crate) struct Script {
    /// Below the app's folder.
    pub(crate) path: String,
    pub(crate) contents: Vec<u8>,
    /// Whether it is for the app's owner to change.
    pub(crate) is_owners: bool,
}

/// What an app has in the place of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Missing,
    /// As this version ships it.
    Current,
    /// As another version wrote it, and nobody has edited it since.
    Older,
    Edited,
}

impl Script {
    pub(crate) fn state(&self, found: Option<&[u8]>, record: &Record) -> State {
        match found {
            None => State::Missing,
            Some(found) if record::same_text(found, &self.contents) => State::Current,
            Some(found) if record.is_unmodified(&self.path, found) => State::Older,
            Some(_) => State::Edited,
        }
    }
}

/// Every script that this version ships, with a listener for each of these events.
pub(crate) fn shipped(events: &[String]) -> impl Iterator<Item = Script> {
    actix_web_sse::client_files().map(|file| {
        let is_owners = file.name == LISTENERS;
        let contents = if is_owners {
            listeners::file(file.contents, events)
        } else {
            file.contents.to_owned()
        };
        Script {
            path: format!("{}{}", FOLDERS[1], file.name),
            contents: contents.into_bytes(),
            is_owners,
        }
    })
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
            is_owners: false,
        };
        let mut record = Record::default();
        assert_eq!(script.state(None, &record), State::Missing);
        assert_eq!(script.state(Some(b"a\r\nb\r\n"), &record), State::Current);
        assert_eq!(script.state(Some(b"older"), &record), State::Edited);
        record.add_file("public/js/a.js", b"older");
        assert_eq!(script.state(Some(b"older"), &record), State::Older);
        assert_eq!(script.state(Some(b"older, edited"), &record), State::Edited);
    }

    #[test]
    fn both_scripts_are_shipped_and_only_the_listeners_are_the_owners() {
        let mut paths: Vec<_> = shipped(&[])
            .map(|script| (script.path, script.is_owners))
            .collect();
        paths.sort();
        assert!(paths.contains(&("public/js/sse-client.js".to_owned(), true)));
        assert!(paths.contains(&("public/js/sse.js".to_owned(), false)));
    }
}
