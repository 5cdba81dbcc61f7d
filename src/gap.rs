//! Why a client may have missed events.

/// The reason that `sse.gap` tells.
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
    /// All reasons, in the order of their numbers.
    pub(crate) const REASONS: &[&str] = &[
        "unknown-id",
        "other-epoch",
        "expired",
        "swept",
        "unreadable",
    ];

    pub(crate) fn reason(self) -> &'static str {
        Self::REASONS[self as usize]
    }
}
