//! The rule for cache keys: CodeIgniter's, and what a file name needs beyond it.

use crate::error::{Error, ErrorKind};

/// The longest key in bytes; file systems allow no longer name.
const MAX_BYTES: usize = 255;

/// What CodeIgniter reserves (`{}()/\@:`), and the comma that separates pairs in `SSE_EVENTS`.
const RESERVED: &[char] = &['{', '}', '(', ')', '/', '\\', '@', ':', ','];

/// Why `key` is no cache key, as the end of a sentence that begins with "the key".
pub(crate) fn check(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("is empty".into());
    }
    if key.len() > MAX_BYTES {
        return Err(format!("has {} bytes; {MAX_BYTES} are allowed", key.len()));
    }
    if key.starts_with('.') {
        return Err("has a leading dot".into());
    }
    if key.chars().any(char::is_control) {
        return Err("has a control character".into());
    }
    match key.chars().find(|c| RESERVED.contains(c)) {
        Some(c) => Err(format!("has a `{c}`")),
        None => Ok(()),
    }
}

/// The same as an error for who saves.
pub(crate) fn checked(key: &str) -> Result<&str, Error> {
    check(key).map(|()| key).map_err(|why| {
        Error::new(ErrorKind::Key, format!("the cache key `{}` {why}", key.escape_debug())).with_help(
            "keys have 1 to 255 bytes, no control character, no leading dot, and none of {}()/\\@:,",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_names_pass() {
        for key in [
            "event_cache_key1",
            "a",
            "käse",
            "a b",
            "a.b",
            &"k".repeat(255),
        ] {
            assert_eq!(check(key), Ok(()), "{key}");
        }
    }

    #[test]
    fn keys_that_lead_elsewhere_are_refused() {
        for key in [
            "",
            "..",
            "../key",
            "a/b",
            "a\\b",
            ".sse",
            "a\nb",
            "a\0",
            "a:b",
            "a,b",
            "a@b",
            &"k".repeat(256),
        ] {
            assert!(check(key).is_err(), "{key:?}");
            assert_eq!(checked(key).unwrap_err().kind(), ErrorKind::Key);
        }
    }
}
