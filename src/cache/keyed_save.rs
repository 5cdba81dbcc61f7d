//! What a save with an idempotency key returns.

use crate::{event_id::EventId, observe::SaveResult};

/// What a save with an idempotency key has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyedSave {
    /// The value was saved now.
    Saved(EventId),
    /// An earlier save with this idempotency key has saved the same value.
    Repeated(EventId),
    /// An earlier save with this idempotency key has saved something else. Nothing was saved now.
    Differs,
}

impl KeyedSave {
    pub(super) fn id(&self) -> Option<EventId> {
        match self {
            Self::Saved(id) | Self::Repeated(id) => Some(*id),
            Self::Differs => None,
        }
    }

    pub(super) fn result(&self) -> SaveResult {
        match self {
            Self::Saved(_) => SaveResult::Saved,
            Self::Repeated(_) => SaveResult::Repeated,
            Self::Differs => SaveResult::Conflict,
        }
    }
}
