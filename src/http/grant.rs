//! One grant of an app to a stream.

use crate::{audience, error::Error, event_id::EventId};

/// The permission to receive what is saved for an audience, for [`Subscription::grant`]. A name converts into
/// the grant of exactly that audience.
///
/// ```
/// use actix_web_sse::{EventId, Grant, Subscription};
///
/// /// Members of a team receive what was saved after they have joined.
/// fn grant_team(subscription: Subscription, team: u64, joined_at: EventId) -> Subscription {
///     subscription.grant(Grant::new(format!("team:{team}")).since(joined_at))
/// }
/// ```
///
/// [`Subscription::grant`]: crate::Subscription::grant
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub(super) name: String,
    pub(super) is_prefix: bool,
    pub(super) since: Option<EventId>,
}

impl Grant {
    /// Grants the audience of exactly this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_prefix: false,
            since: None,
        }
    }

    /// Grants every audience whose name starts with `prefix`. If the client asks for some of them, the stream holds
    /// only these. Streams do not begin with the latest values of a prefix, which may be any number.
    #[must_use]
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self {
            is_prefix: true,
            ..Self::new(prefix)
        }
    }

    /// Restricts the grant to what was saved after this event. Without it, a client that was away, or that begins
    /// with the latest values, also receives what was saved before the grant.
    ///
    /// A cache that does not know the event, because it was created after it, has only later values: the grant
    /// covers all of them. That is wrong for the id of an event of another cache.
    #[must_use]
    pub fn since(mut self, event: EventId) -> Self {
        self.since = Some(event);
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        audience::validate(&self.name)
    }

    pub(super) fn covers(&self, name: &str) -> bool {
        if self.is_prefix {
            name.starts_with(&self.name)
        } else {
            name == self.name
        }
    }
}

impl From<String> for Grant {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&String> for Grant {
    fn from(name: &String) -> Self {
        Self::new(name)
    }
}

impl From<&str> for Grant {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
