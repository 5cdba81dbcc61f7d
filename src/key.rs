//! The rules for cache keys: CodeIgniter's, and those of file names.

use crate::error::{Error, ErrorKind, excerpt};

/// The longest file name that common file systems allow.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// The characters that CodeIgniter reserves (`{}()/\@:`), and the comma that separates pairs in
/// `SSE_EVENTS`.
const RESERVED_CHARS: &[char] = &['{', '}', '(', ')', '/', '\\', '@', ':', ','];

/// A similar key without the characters that no key may have, to suggest.
pub(crate) fn with_allowed_chars(key: &str) -> String {
    key.trim_matches(['.', '/']).replace(RESERVED_CHARS, "_")
}

/// Returns the rule that `key` breaks; `None` if it is a cache key. The text continues a sentence that
/// starts with "the key".
pub(crate) fn rule_violation(key: &str) -> Option<String> {
    if key.is_empty() {
        return Some("is empty".into());
    }
    if key.len() > MAX_KEY_BYTES {
        return Some(format!(
            "has {} bytes; at most {MAX_KEY_BYTES} are allowed",
            key.len()
        ));
    }
    char_violation(key)
}

/// Returns the rule that a prefix of the names of drop-ins breaks: what a cache key may not contain. The text continues
/// a sentence that starts with "the prefix".
pub(crate) fn prefix_violation(prefix: &str) -> Option<String> {
    // A key of one byte must fit behind it.
    if prefix.len() >= MAX_KEY_BYTES {
        return Some(format!(
            "has {} bytes; at most {} are allowed",
            prefix.len(),
            MAX_KEY_BYTES - 1
        ));
    }
    char_violation(prefix)
}

fn char_violation(name: &str) -> Option<String> {
    if name.starts_with('.') {
        return Some("has a leading dot".into());
    }
    if name.chars().any(char::is_control) {
        return Some("has a control character".into());
    }
    let reserved = name.chars().find(|c| RESERVED_CHARS.contains(c))?;
    Some(format!("contains a `{reserved}`"))
}

/// The characters that neither a cache key nor a prefix of drop-ins may have.
pub(crate) fn reserved_chars() -> String {
    RESERVED_CHARS.iter().collect()
}

/// Returns `key`, or an error for the caller of the library if it breaks a rule.
pub(crate) fn validate(key: &str) -> Result<&str, Error> {
    let Some(violation) = rule_violation(key) else {
        return Ok(key);
    };
    let message = format!(
        "the cache key `{}` {violation}",
        excerpt(key).escape_debug()
    );
    Err(Error::new(ErrorKind::Key, message).with_help(format!(
        "use 1 to {MAX_KEY_BYTES} bytes, without control characters, a leading dot, or any of {}",
        reserved_chars()
    )))
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
            assert_eq!(rule_violation(key), None, "{key}");
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
            assert!(rule_violation(key).is_some(), "{key:?}");
            assert_eq!(validate(key).unwrap_err().kind(), ErrorKind::Key);
        }
    }

    #[test]
    fn the_error_about_a_long_key_is_short() {
        let error = validate(&"k".repeat(60_000)).unwrap_err().to_string();
        assert!(error.len() < 300, "{error}");
    }
}
