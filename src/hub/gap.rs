//! The reasons of `sse.gap`.

/// Why a client may have missed events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// This cache never issued the client's id.
    UnknownId,
    /// The journal was created anew, or the machine restarted, after the client got its id.
    OtherEpoch,
    /// An event's time to live ended before the client reconnected.
    Expired,
    /// Entries were swept before the client reconnected.
    Swept,
    /// An entry's file is damaged or missing.
    Unreadable,
}

impl Gap {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::UnknownId => "unknown-id",
            Self::OtherEpoch => "other-epoch",
            Self::Expired => "expired",
            Self::Swept => "swept",
            Self::Unreadable => "unreadable",
        }
    }
}
