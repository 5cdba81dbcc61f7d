//! The values of labels. They are few: never a key, a value, a user, an audience or an address.

use crate::error::ErrorKind;

/// A label whose values are known.
pub(super) trait Label: Copy {
    const KEY: &'static str;
    const VALUES: &'static [&'static str];

    /// In `VALUES`.
    fn index(self) -> usize;
}

macro_rules! labels {
    ($($(#[$attribute:meta])* $name:ident($key:literal) { $($(#[$doc:meta])* $variant:ident = $value:literal,)* })*) => {
        $(
            $(#[$attribute])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub(crate) enum $name {
                $($(#[$doc])* $variant,)*
            }

            $(#[$attribute])*
            impl Label for $name {
                const KEY: &'static str = $key;
                const VALUES: &'static [&'static str] = &[$($value),*];

                fn index(self) -> usize {
                    self as usize
                }
            }
        )*
    };
}

labels! {
    #[cfg(feature = "actix")]
    StreamKind("kind") {
        New = "new",
        /// The client has sent the id of its last event.
        Resumed = "resumed",
    }

    #[cfg(feature = "actix")]
    CloseReason("reason") {
        /// The client has closed the connection, or it was lost.
        Client = "client",
        /// `SSE_STREAM_DURATION` is over.
        Duration = "duration",
        /// The server shuts down.
        Drain = "drain",
        /// The client took nothing until its connection ended.
        Stalled = "stalled",
        /// One of its audiences was revoked, or may have been.
        Revoked = "revoked",
        /// The time that the app has set for its authorization is over.
        Expired = "expired",
        /// The journal could not be read.
        Error = "error",
        /// The client has kept sending requests over the connection of its stream.
        Requests = "requests",
    }

    #[cfg(feature = "actix")]
    RefusalReason("reason") {
        /// The query or the host cannot be parsed, or no such event exists.
        Request = "request",
        /// A limit is reached, or the server shuts down.
        Busy = "busy",
        /// The server does not answer for this host.
        Host = "host",
        /// The client may not have the stream.
        Forbidden = "forbidden",
        /// The app has granted an audience that is not valid.
        Audience = "audience",
        /// The cache or the configuration cannot be used.
        Unavailable = "unavailable",
        /// The app has refused it.
        App = "app",
        /// The app has refused it with a status of 500 or above: it cannot tell who the client is.
        AppError = "app-error",
    }

    SaveResult("result") {
        Saved = "saved",
        /// A drop-in of another program is in the journal now.
        Ingested = "ingested",
        /// A save with the same idempotency key has saved the same value before.
        Repeated = "repeated",
        /// A save with the same idempotency key has saved something else.
        Conflict = "conflict",
        /// The key, the value or an audience is not valid.
        Invalid = "invalid",
        /// The cache could not be written.
        Failed = "failed",
    }

    #[cfg_attr(
        not(feature = "actix"),
        allow(dead_code, reason = "only servers follow, replay and sweep")
    )]
    JournalOperation("op") {
        /// Saves, deletions and revocations of this process.
        Append = "append",
        /// Whether this server could save.
        Check = "check",
        Get = "get",
        /// Moves drop-ins of other programs into the journal.
        Ingest = "ingest",
        /// Reads for clients that were away.
        Replay = "replay",
        Sweep = "sweep",
        /// Starts to follow the journal, and reads what is new.
        Tail = "tail",
    }
}

#[cfg(feature = "actix")]
impl Label for crate::gap::Gap {
    const KEY: &'static str = "reason";
    const VALUES: &'static [&'static str] = Self::REASONS;

    fn index(self) -> usize {
        self as usize
    }
}

#[cfg(feature = "actix")]
impl From<ErrorKind> for RefusalReason {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Request => Self::Request,
            ErrorKind::Busy => Self::Busy,
            ErrorKind::Host => Self::Host,
            ErrorKind::Forbidden => Self::Forbidden,
            ErrorKind::Audience => Self::Audience,
            ErrorKind::Config | ErrorKind::Cache | ErrorKind::Key | ErrorKind::Value => {
                Self::Unavailable
            }
        }
    }
}

impl From<ErrorKind> for SaveResult {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Key | ErrorKind::Value | ErrorKind::Audience => Self::Invalid,
            _ => Self::Failed,
        }
    }
}
