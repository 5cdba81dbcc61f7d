//! `SSE_DROP_IN_PREFIX`: how the names of drop-ins are made from cache keys.

use std::fmt::{self, Display};

use super::{
    settings::{RawValue, Value},
    table::{Settings, rows},
};
use crate::{
    error::{Error, excerpt, one_line},
    key,
};

/// What another program's cache puts in front of each key in the names of its files; usually nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DropInPrefix(String);

impl DropInPrefix {
    /// The error continues a sentence that starts with the setting's name.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let shown = || one_line(&excerpt(text));
        if let Some(violation) = key::prefix_violation(text) {
            return Err(format!("is `{}`, which {violation}", shown()));
        }
        // A variable of a container keeps the quotes that `.env` would remove.
        let is_quote = |c: char| matches!(c, '"' | '\'' | '`');
        if text.starts_with(is_quote) || text.ends_with(is_quote) {
            return Err(format!("is `{}`, which has a quote at an end", shown()));
        }
        if text.trim() != text {
            return Err(format!("is `{}`, which has a space at an end", shown()));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the file in which another program saves the key. No two keys have the same.
    pub(crate) fn file_name(&self, key: &str) -> String {
        format!("{}{key}", self.0)
    }
}

impl Display for DropInPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { &self.0 })
    }
}

impl Settings {
    /// Fails if the prefix and a key make a name that no file can have.
    pub(super) fn check_drop_in_names(&self) -> Result<(), Error> {
        let Value {
            value: prefix,
            origin,
        } = &self.drop_in_prefix;
        let keys = self.events.value.keys();
        let Some(key) = keys.max_by_key(|key| key.len()) else {
            return Ok(());
        };
        let bytes = prefix.file_name(key).len();
        if bytes <= key::MAX_KEY_BYTES {
            return Ok(());
        }
        let raw = RawValue {
            info: &rows::drop_in_prefix,
            text: prefix.0.clone(),
            origin: origin.clone(),
            app_dir: "".as_ref(),
        };
        let problem = format!(
            "and the cache key `{}` make a file name of {bytes} bytes; at most {} are possible",
            one_line(&excerpt(key)),
            key::MAX_KEY_BYTES
        );
        Err(raw
            .error(problem)
            .with_help("shorten the prefix, or the key in SSE_EVENTS"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_the_characters_of_file_names() {
        for prefix in ["", "shop_", "a-b.", "k\u{e4}se ein"] {
            assert_eq!(DropInPrefix::parse(prefix).unwrap().as_str(), prefix);
        }
        let long = "p".repeat(255);
        for (prefix, problem) in [
            (".shop_", "leading dot"),
            ("../", "leading dot"),
            ("a/b", "contains a `/`"),
            ("app:", "contains a `:`"),
            ("a\nb", "`a\\nb`, which has a control character"),
            ("\"shop_\"", "quote at an end"),
            ("shop_'", "quote at an end"),
            (" shop_", "space at an end"),
            (&long, "has 255 bytes; at most 254"),
        ] {
            let error = DropInPrefix::parse(prefix).unwrap_err();
            assert!(error.contains(problem), "{prefix:?} gave {error}");
        }
    }

    #[test]
    fn the_file_of_a_key_has_the_prefix() {
        let prefix = DropInPrefix::parse("shop_").unwrap();
        assert_eq!(prefix.file_name("orders"), "shop_orders");
        assert_eq!(DropInPrefix::default().file_name("orders"), "orders");
    }
}
