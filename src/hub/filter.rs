//! Which events a stream delivers.

use std::{collections::HashSet, sync::Arc};

use crate::config::Events;

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

    /// The wanted names that are not configured as events.
    pub(crate) fn unknown<'a>(&'a self, events: &'a Events) -> impl Iterator<Item = &'a str> {
        self.names()
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !events.contains(name))
    }
}
