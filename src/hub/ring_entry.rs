//! One entry in memory.

use std::{
    fmt::Display,
    sync::Arc,
    time::{Instant, SystemTime},
};

use log::Level;

use super::frame::{Frame, encode_entry};
use crate::{audience::Recipients, config::Events, entry::Entry, runtime::LimitedLog};

/// An entry whose events are encoded.
pub(crate) struct RingEntry {
    /// When it was saved, as far as this process knows: new clients receive it for a few seconds.
    /// `None` if that is unknown or too long ago for this clock.
    pub(crate) seen_at: Option<Instant>,
    /// When streams stop replaying it.
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) recipients: Recipients,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// One frame for each event that the entry triggers; often none.
    Frames(Vec<Frame>),
    /// It ends the streams that hold this audience. A list of one, because streams are woken by lists.
    Revocation(Arc<[String]>),
    Unreadable,
}

impl RingEntry {
    /// Encodes an entry that is seen now.
    pub(crate) fn new(entry: &Entry, events: &Events, now: SystemTime) -> Self {
        let content = match (entry.revoked_audience(), encode_entry(entry, events)) {
            (Some(name), _) => Content::Revocation([name.to_owned()].into()),
            (None, Ok(frames)) => Content::Frames(frames),
            (None, Err(error)) => {
                log_skipped(entry.number, error);
                Content::Unreadable
            }
        };
        Self {
            seen_at: Some(Instant::now()),
            expires_at: entry.expires_at(now),
            recipients: entry.recipients().clone(),
            content,
        }
    }

    /// How much memory the frames and the audiences take now: a hundred names take more than many a value.
    pub(crate) fn byte_count(&self) -> usize {
        self.content.byte_count() + self.recipients.byte_count()
    }

    /// An entry that cannot be read: clients receive `sse.gap`.
    pub(crate) fn unreadable() -> Self {
        Self {
            seen_at: Some(Instant::now()),
            expires_at: None,
            recipients: Recipients::Everyone,
            content: Content::Unreadable,
        }
    }
}

/// A whole folder of entries may be unreadable, and each replay skips some of them again.
pub(super) fn log_skipped(number: u64, reason: impl Display) {
    static LOG: LimitedLog = LimitedLog::new(Level::Error, "journal entries were skipped");
    LOG.log(|| format!("journal entry {number} is skipped: {reason}"));
}

impl Content {
    /// How much memory the frames take now.
    fn byte_count(&self) -> usize {
        match self {
            Self::Frames(frames) => frames.iter().map(Frame::byte_count).sum(),
            Self::Revocation(_) | Self::Unreadable => 0,
        }
    }
}
