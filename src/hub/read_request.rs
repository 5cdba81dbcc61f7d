//! What a stream requests from the ring or the journal.

use std::{collections::HashSet, sync::Arc, time::SystemTime};

use super::{authorization::Authorization, cursor::StreamPosition, frame::DataFormat};
use crate::config::Events;

/// What a stream sends: the events that its client asked for and may receive, and their form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(crate) filter: Filter,
    pub(crate) format: DataFormat,
    pub(crate) authorization: Authorization,
}

/// A request for everything after a position that a stream sends.
pub(crate) struct ReadRequest<'a> {
    pub(crate) position: StreamPosition,
    pub(crate) selection: &'a Selection,
}

impl ReadRequest<'_> {
    /// Whether the result depends on the cursor, the format and the grants alone, so that all streams of a thread
    /// at the same cursor can share it unless it depends on the grants.
    pub(crate) fn is_shareable(&self) -> bool {
        matches!(self.selection.filter, Filter::All)
            && self.position.at.cursor.next > self.position.ttl_applies_until
    }

    /// Whether an entry has expired for this stream. The time to live governs what is replayed,
    /// never what is delivered live.
    pub(crate) fn is_expired(&self, number: u64, expires_at: Option<SystemTime>) -> bool {
        number <= self.position.ttl_applies_until
            && expires_at.is_some_and(|expires_at| SystemTime::now() > expires_at)
    }
}

/// The events that a client asked for.
#[derive(Debug, Clone, Default)]
pub(crate) enum Filter {
    #[default]
    All,
    Only(Arc<HashSet<String>>),
}

impl Filter {
    pub(crate) fn only(names: HashSet<String>) -> Self {
        Self::Only(Arc::new(names))
    }

    /// The events that both this filter and the list contain.
    pub(crate) fn restricted_to(&self, names: &HashSet<String>) -> Self {
        Self::only(match self {
            Self::All => names.clone(),
            Self::Only(wanted) => wanted.intersection(names).cloned().collect(),
        })
    }

    /// The names of the wanted events; `None` means all.
    pub(crate) fn names(&self) -> Option<&HashSet<String>> {
        match self {
            Self::All => None,
            Self::Only(names) => Some(names),
        }
    }

    pub(crate) fn wants(&self, event: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(event),
        }
    }

    /// Whether at least one configured event is wanted.
    pub(crate) fn wants_any(&self, events: &Events) -> bool {
        events.names().any(|name| self.wants(name))
    }

    /// The wanted names that are not configured as events.
    pub(crate) fn unknown<'a>(&'a self, events: &'a Events) -> impl Iterator<Item = &'a str> {
        self.names()
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !events.contains(name))
    }
}
