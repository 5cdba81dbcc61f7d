//! What streams hold, implemented independently of the library.

use std::{
    collections::HashMap,
    fmt::{self, Debug},
    sync::{Arc, LazyLock},
};

use support::oracle::{AUDIENCES, GrantText};

use crate::{
    journal::{Journal, Permission},
    model::{Filter, Id},
};

/// The index of an audience in [`AUDIENCES`].
pub(crate) type Audience = u16;

/// The indexes of the audiences by their names.
static BY_NAME: LazyLock<HashMap<&str, Audience>> = LazyLock::new(|| {
    (0..)
        .zip(AUDIENCES.iter())
        .map(|(at, name)| (&**name, at))
        .collect()
});

pub(crate) fn audience(name: &str) -> Option<Audience> {
    BY_NAME.get(name).copied()
}

/// What the app grants a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The name, or the prefix.
    pub(crate) name: String,
    pub(crate) is_prefix: bool,
    /// The grant begins after this event.
    pub(crate) since: Option<Id>,
}

impl Grant {
    pub(crate) fn text(&self) -> String {
        let text = GrantText {
            name: self.name.clone(),
            is_prefix: self.is_prefix,
            since: self.since.map(|id| id.to_string()),
        };
        text.to_string()
    }

    fn covers(&self, name: &str) -> bool {
        match self.is_prefix {
            true => name.starts_with(&self.name),
            false => name == self.name,
        }
    }
}

/// The audiences that a stream holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Sorted. A name may be there more than once.
    grants: Vec<HeldAudience>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct HeldAudience {
    audience: Audience,
    /// It was granted by its name, rather than by a prefix.
    is_exact: bool,
    /// The epoch and the number of the event after which the grant begins.
    since: Option<(u64, u64)>,
}

impl Held {
    /// `None` if the client asks for an audience that it was not granted.
    pub(crate) fn new(grants: &[Grant], asked: &[String]) -> Option<Self> {
        let is_granted = |name: &String| grants.iter().any(|grant| grant.covers(name));
        if !asked.iter().all(is_granted) {
            return None;
        }
        let mut held = Vec::new();
        for grant in grants {
            let since = grant.since.map(|id| (id.epoch, id.entry()));
            // A page that asks for some names of a prefix gets only these.
            let is_asked = |name: &&String| grant.is_prefix && grant.covers(name);
            let asked: Vec<&String> = asked.iter().filter(is_asked).collect();
            let names: Vec<&String> = match asked.is_empty() {
                true => AUDIENCES.iter().filter(|name| grant.covers(name)).collect(),
                false => asked.clone(),
            };
            held.extend(names.into_iter().filter_map(|name| {
                Some(HeldAudience {
                    audience: audience(name)?,
                    is_exact: !grant.is_prefix || !asked.is_empty(),
                    since,
                })
            }));
        }
        held.sort_unstable();
        held.dedup();
        Some(Self { grants: held })
    }

    pub(crate) fn is_public(&self) -> bool {
        self.grants.is_empty()
    }

    /// Whether the stream may receive an entry that was saved to these audiences; to everyone if there are none.
    pub(crate) fn permission(&self, to: &[Audience], journal: &Journal, number: u64) -> Permission {
        if to.is_empty() {
            return Permission::Granted;
        }
        let grants = to.iter().flat_map(|name| self.of(*name));
        let permissions = grants.map(|held| match held.since {
            Some(since) => journal.is_after(number, since),
            None => Permission::Granted,
        });
        permissions.fold(Permission::Denied, |best, permission| {
            match (best, permission) {
                (Permission::Granted, _) | (_, Permission::Granted) => Permission::Granted,
                (Permission::Denied, Permission::Denied) => Permission::Denied,
                _ => Permission::Depends,
            }
        })
    }

    pub(crate) fn holds(&self, audience: Audience) -> bool {
        !self.of(audience).is_empty()
    }

    /// Whether the audience was granted by its name.
    pub(crate) fn holds_exactly(&self, audience: Audience) -> bool {
        self.of(audience).iter().any(|held| held.is_exact)
    }

    fn of(&self, audience: Audience) -> &[HeldAudience] {
        let start = self.grants.partition_point(|held| held.audience < audience);
        let rest = &self.grants[start..];
        let count = rest
            .iter()
            .take_while(|held| held.audience == audience)
            .count();
        &rest[..count]
    }
}

impl Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.grants.iter().map(|held| {
            let name = &AUDIENCES[usize::from(held.audience)];
            match held.since {
                Some((epoch, since)) => format!("{name}@{epoch:016x}-{since}"),
                None => name.clone(),
            }
        });
        f.debug_list().entries(texts).finish()
    }
}

/// What a client receives: the events that it asks for, of the entries that it may receive.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    pub(crate) filter: Filter,
    pub(crate) held: Arc<Held>,
}
