//! The comment that tells a client which events its stream may carry, so that the browser client can
//! warn of listeners for other names.
//!
//! It is a comment rather than an event: programs that pass every event to their app do not notice it.

use std::{cell::RefCell, rc::Rc};

const PREFIX: &str = ": events ";

/// Upper bound for the names. Every stream begins with them: 10,000 clients that reconnect at once get 40 MB
/// at most. Hundreds of names fit.
const MAX_NAMES_BYTES: usize = 4096;

/// The comment of the streams on one thread that may carry all events.
#[derive(Default)]
pub(super) struct EventNames {
    /// The version of the configuration that it is from, and the comment.
    newest: RefCell<Option<(u32, Rc<str>)>>,
}

impl EventNames {
    /// Calls `encode` once for each version.
    pub(super) fn comment(&self, version: u32, encode: impl FnOnce() -> Rc<str>) -> Rc<str> {
        let mut newest = self.newest.borrow_mut();
        match &*newest {
            Some((of_version, comment)) if *of_version == version => Rc::clone(comment),
            _ => Rc::clone(&newest.insert((version, encode())).1),
        }
    }
}

/// Encodes the comment. It names no events if their list is too long, because a client would take those that
/// are left out for misspelt.
pub(super) fn encode_event_names<'a>(names: impl Iterator<Item = &'a str>) -> Rc<str> {
    let mut names = names.collect::<Vec<_>>().join(",");
    if names.len() > MAX_NAMES_BYTES {
        names.clear();
    }
    format!("{PREFIX}{names}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_encoded_once_for_each_version_of_the_configuration() {
        let names = EventNames::default();
        let comment = |version, event| {
            let encode = || encode_event_names([event].into_iter());
            names.comment(version, encode).to_string()
        };
        assert_eq!(comment(0, "a"), ": events a\n");
        assert_eq!(comment(0, "b"), ": events a\n");
        assert_eq!(comment(1, "b"), ": events b\n");
    }

    #[test]
    fn a_list_that_is_too_long_is_not_sent_in_part() {
        let name = "a".repeat(MAX_NAMES_BYTES / 2 - 1);
        let encode = |names: &[&str]| encode_event_names(names.iter().copied());
        let longest = encode(&[&name, &name, ""]);
        assert_eq!(longest.len(), PREFIX.len() + MAX_NAMES_BYTES + 1);
        assert_eq!(&*encode(&[&name, &name, "b"]), ": events \n");
    }
}
