//! The rules for cache keys: CodeIgniter's, and those of file names.

use crate::error::{Error, ErrorKind};

/// The longest file name that common file systems allow.
const MAX_KEY_BYTES: usize = 255;

/// The characters that CodeIgniter reserves (`{}()/\@:`), and the comma that separates pairs in
/// `SSE_EVENTS`.
const RESERVED: &[char] = &['{', '}', '(', ')', '/', '\\', '@', ':', ','];

/// Fails with the reason why `key` is not a cache key, which continues a sentence that begins with "the
/// key".
pub(crate) fn check(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("is empty".into());
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(format!(
            "has {} bytes; at most {MAX_KEY_BYTES} are allowed",
            key.len()
        ));
    }
    if key.starts_with('.') {
        return Err("has a leading dot".into());
    }
    if key.chars().any(char::is_control) {
        return Err("has a control character".into());
    }
    match key.chars().find(|c| RESERVED.contains(c)) {
        Some(c) => Err(format!("contains a `{c}`")),
        None => Ok(()),
    }
}

/// Like [`check`], with an error for the caller of the library.
pub(crate) fn validate(key: &str) -> Result<&str, Error> {
    check(key).map(|()| key).map_err(|why| {
        Error::new(
            ErrorKind::Key,
            format!("the cache key `{}` {why}", key.escape_debug()),
        )
        .with_help(
            "use 1 to 255 bytes, without control characters, a leading dot, or any of {}()/\\@:,",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_file_names_are_accepted() {
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
    fn reserved_characters_and_paths_are_rejected() {
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
            assert_eq!(validate(key).unwrap_err().kind(), ErrorKind::Key);
        }
    }
}
