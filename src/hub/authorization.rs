//! What an app has granted a stream, and where in the journal it did so.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{audience::Recipients, epoch::Epoch};

/// The audiences that a stream holds. Without any, the stream is public.
///
/// A server has one for each of its clients, so all grants are in one text, with a comma between them: a name, or a
/// prefix and a `*`, and then perhaps a line end and the number that the grant begins after. No name contains any
/// of these.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants(Option<Arc<str>>);

/// The grant of one name, or of all names with a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NameGrant<'a> {
    pub(crate) name: &'a str,
    /// Whether the grant covers every name that starts with this one.
    pub(crate) is_prefix: bool,
    /// The grant covers the entries after this number.
    pub(crate) after: u64,
}

impl Grants {
    pub(crate) fn new<'a>(grants: impl IntoIterator<Item = NameGrant<'a>>) -> Self {
        let mut grants: Vec<_> = grants.into_iter().collect();
        grants.sort_unstable();
        grants.dedup();
        let texts: Vec<_> = grants.iter().map(|grant| grant.to_text()).collect();
        Self((!texts.is_empty()).then(|| texts.join(",").into()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the stream may receive an entry that was saved for these recipients.
    pub(crate) fn allow(&self, recipients: &Recipients, number: u64) -> bool {
        match recipients {
            Recipients::Everyone => true,
            Recipients::HoldersOf(names) => self
                .iter()
                .any(|grant| number > grant.after && names.iter().any(|name| grant.covers(name))),
        }
    }

    /// Whether a grant covers some or all entries of this name.
    pub(crate) fn hold(&self, name: &str) -> bool {
        self.iter().any(|grant| grant.covers(name))
    }

    /// The names that were granted as they are, rather than by a prefix.
    pub(crate) fn exact_names(&self) -> impl Iterator<Item = &str> {
        let exact = self.iter().filter(|grant| !grant.is_prefix);
        exact.map(|grant| grant.name)
    }

    pub(crate) fn has_prefix(&self) -> bool {
        self.iter().any(|grant| grant.is_prefix)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = NameGrant<'_>> {
        let texts = self.0.as_deref().into_iter();
        (texts.flat_map(|grants| grants.split(','))).map(NameGrant::from_text)
    }
}

impl<'a> NameGrant<'a> {
    fn to_text(self) -> String {
        let star = if self.is_prefix { "*" } else { "" };
        match self.after {
            0 => format!("{}{star}", self.name),
            after => format!("{}{star}\n{after}", self.name),
        }
    }

    fn from_text(text: &'a str) -> Self {
        let (pattern, after) = text.split_once('\n').unwrap_or((text, "0"));
        let prefix = pattern.strip_suffix('*');
        Self {
            name: prefix.unwrap_or(pattern),
            is_prefix: prefix.is_some(),
            // Nothing but `to_text` writes it. If it could not be read, the grant would cover nothing.
            after: after.parse().unwrap_or(u64::MAX),
        }
    }

    pub(super) fn covers(&self, name: &str) -> bool {
        if self.is_prefix {
            name.starts_with(self.name)
        } else {
            name == self.name
        }
    }
}

/// The grants of a stream, and the place in the journal up to which the app has considered revocations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authorization {
    pub(crate) grants: Grants,
    /// Of the journal that `number` belongs to.
    pub(crate) epoch: Epoch,
    /// The newest entry when the request was authenticated: a later revocation ends the stream.
    pub(crate) number: u64,
}

impl Authorization {
    /// Whether the app has granted nothing, so that nothing can be revoked.
    pub(crate) fn is_public(&self) -> bool {
        self.grants.is_empty()
    }

    /// Whether an entry before `end` that cannot be read may be a revocation that ends the stream. One from before
    /// the request was authenticated cannot, so a client that was away passes any number of them.
    pub(crate) fn may_end_before(&self, end: u64) -> bool {
        !self.is_public() && end - 1 > self.number
    }

    /// Whether the revocation of `name` with this number ends the stream.
    pub(crate) fn is_ended_by(&self, number: u64, name: &str) -> bool {
        number > self.number && self.grants.hold(name)
    }
}
