//! Audiences: names that decide which streams receive a saved value.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, excerpt, is_control};

/// The longest name of an audience.
const MAX_NAME_BYTES: usize = 200;

/// Upper bound for the names of one save: every server compares them with those of its streams.
const MAX_NAMES: usize = 100;

/// Returns the rule that `name` breaks; `None` if it can name an audience. The text continues a sentence that
/// starts with "the audience".
fn rule_violation(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".into());
    }
    if name.len() > MAX_NAME_BYTES {
        let length = name.len();
        return Some(format!(
            "has {length} bytes; at most {MAX_NAME_BYTES} are allowed"
        ));
    }
    if name.chars().any(is_control) {
        return Some("has a control character".into());
    }
    // A user who could choose the name `*` must not become everybody.
    let reserved = name.chars().find(|c| matches!(c, '*' | ','));
    if let Some(c) = reserved {
        return Some(format!("contains a `{c}`"));
    }
    (name.trim() != name).then(|| "starts or ends with white space".into())
}

/// Fails if `name` cannot name an audience.
pub(crate) fn validate(name: &str) -> Result<(), Error> {
    check(name, ErrorKind::Audience)
}

/// Fails with an error of this kind if `name` cannot name an audience.
pub(crate) fn check(name: &str, kind: ErrorKind) -> Result<(), Error> {
    let Some(violation) = rule_violation(name) else {
        return Ok(());
    };
    let message = format!(
        "the audience `{}` {violation}",
        excerpt(name).escape_debug()
    );
    Err(Error::new(kind, message).with_help(format!(
        "use 1 to {MAX_NAME_BYTES} bytes such as `user:42`, without `*`, commas, control characters, or white \
         space at the ends"
    )))
}

/// Fails with an error of this kind if these names are none, too many, or one of them is not valid.
pub(crate) fn check_all(names: &[String], kind: ErrorKind) -> Result<(), Error> {
    if names.is_empty() {
        return Err(Error::new(kind, "the list of audiences is empty")
            .with_help("name at least one audience, such as `user:42`"));
    }
    if names.len() > MAX_NAMES {
        let count = names.len();
        let message = format!("there are {count} audiences; at most {MAX_NAMES} are allowed");
        return Err(Error::new(kind, message)
            .with_help("use one audience for the whole group, such as `team:7`"));
    }
    names.iter().try_for_each(|name| check(name, kind))
}

/// Who may receive what was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipients {
    /// Every stream.
    Everyone,
    /// The streams that hold one of these names. There is at least one.
    HoldersOf(Arc<[String]>),
}

impl Recipients {
    /// `None` stands for every stream. Fails if a list of names is not valid.
    pub(crate) fn new(names: Option<Vec<String>>) -> Result<Self, Error> {
        let Some(mut names) = names else {
            return Ok(Self::Everyone);
        };
        names.sort_unstable();
        names.dedup();
        check_all(&names, ErrorKind::Audience)?;
        Ok(Self::HoldersOf(names.into()))
    }

    /// The names; none stands for every stream.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Everyone => &[],
            Self::HoldersOf(names) => names,
        }
    }

    /// How much memory the names take.
    #[cfg(feature = "actix")]
    pub(crate) fn byte_count(&self) -> usize {
        let names = self.names().iter();
        names.map(|name| size_of::<String>() + name.len()).sum()
    }
}

/// The audiences of a save: a name, or a list of names. Implement it for types of your own to write
/// `.to(&user)`:
///
/// ```
/// use actix_web_sse::cache::IntoAudiences;
///
/// struct User { id: u64 }
///
/// impl IntoAudiences for &User {
///     fn into_audiences(self) -> Vec<String> {
///         vec![format!("user:{}", self.id)]
///     }
/// }
/// ```
pub trait IntoAudiences {
    /// Returns the names. An empty list is an error, and never stands for every client.
    fn into_audiences(self) -> Vec<String>;
}

impl IntoAudiences for &str {
    fn into_audiences(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl IntoAudiences for String {
    fn into_audiences(self) -> Vec<String> {
        vec![self]
    }
}

impl IntoAudiences for &String {
    fn into_audiences(self) -> Vec<String> {
        vec![self.clone()]
    }
}

impl<S: Into<String>, const N: usize> IntoAudiences for [S; N] {
    fn into_audiences(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: Into<String>> IntoAudiences for Vec<S> {
    fn into_audiences(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: AsRef<str>> IntoAudiences for &[S] {
    fn into_audiences(self) -> Vec<String> {
        self.iter().map(|name| name.as_ref().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_they_are_and_cannot_stand_for_others() {
        for name in ["user:42", "a", "Équipe 7", &"x".repeat(MAX_NAME_BYTES)] {
            assert!(validate(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "*",
            "user:*",
            "a,b",
            "a\n",
            "a\u{202e}b",
            " a",
            "a ",
            "\u{a0}a",
            &"x".repeat(MAX_NAME_BYTES + 1),
        ] {
            let error = validate(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Audience, "{name}");
            assert!(error.help().is_some());
        }
    }

    #[test]
    fn an_empty_list_is_not_every_stream() {
        assert_eq!(Recipients::new(None).unwrap(), Recipients::Everyone);
        let error = Recipients::new(Some(Vec::new())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Audience);
    }

    #[test]
    fn a_name_counts_once_and_a_list_is_bounded() {
        let names = |count: usize| (0..count).map(|index| format!("user:{index}")).collect();
        assert!(Recipients::new(Some(names(MAX_NAMES))).is_ok());
        assert!(Recipients::new(Some(names(MAX_NAMES + 1))).is_err());
        let twice = Recipients::new(Some(["a", "b", "a"].into_audiences())).unwrap();
        assert_eq!(twice.names(), ["a", "b"]);
    }
}
