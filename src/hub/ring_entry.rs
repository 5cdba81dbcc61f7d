//! One entry in memory.

use std::{
    fmt::Display,
    sync::Arc,
    time::{Instant, SystemTime},
};

use tracing::Level;

use super::frame::{Frame, encode_entry};
use crate::{
    audience::Recipients,
    config::Events,
    entry::{Entry, UnreadableEntry},
    runtime::LimitedLog,
};

/// An entry whose events are encoded.
pub(crate) struct RingEntry {
    /// When it was saved, as far as this process knows: new clients receive it for a few seconds.
    /// `None` if that is unknown or too long ago for this clock.
    pub(crate) seen_at: Option<Instant>,
    /// When it was saved, by its own time. `None` if that is unknown.
    pub(crate) saved_at: Option<Instant>,
    /// When streams stop replaying it.
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) recipients: Recipients,
    pub(crate) content: Content,
    /// `None` if nothing was saved, as by a deletion.
    pub(crate) saved: Option<SavedValue>,
}

/// What was saved, for the dashboard.
pub(crate) struct SavedValue {
    pub(crate) key: Box<str>,
    /// Of its JSON.
    pub(crate) byte_count: usize,
}

pub(crate) enum Content {
    /// One frame for each event that the entry triggers; often none.
    Frames(Vec<Frame>),
    /// It ends the streams that hold this audience. A list of one, because streams are woken by lists.
    Revocation(Arc<[String]>),
    /// A value that would have triggered these events was lost.
    Lost(Vec<Arc<str>>),
    Unreadable,
}

impl RingEntry {
    /// Encodes what the journal has for this number, which is seen now.
    pub(super) fn of(
        number: u64,
        entry: &Result<Entry, UnreadableEntry>,
        events: &Events,
        now: SystemTime,
    ) -> Self {
        match entry {
            Ok(entry) => Self::new(entry, events, now),
            Err(UnreadableEntry { reason, .. }) => {
                log_skipped(number, reason);
                Self::unreadable()
            }
        }
    }

    /// Encodes an entry that is seen now.
    pub(crate) fn new(entry: &Entry, events: &Events, now: SystemTime) -> Self {
        let seen_at = Instant::now();
        let age = entry.age(now);
        Self {
            seen_at: Some(seen_at),
            saved_at: age.and_then(|age| seen_at.checked_sub(age)),
            expires_at: entry.expires_at(now),
            recipients: entry.recipients().clone(),
            content: Content::new(entry, events),
            saved: entry.has_value().then(|| SavedValue {
                key: entry.key().into(),
                byte_count: entry.value().len(),
            }),
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
            saved_at: None,
            expires_at: None,
            recipients: Recipients::Everyone,
            content: Content::Unreadable,
            saved: None,
        }
    }
}

/// A whole folder of entries may be unreadable, and each replay skips some of them again.
pub(super) fn log_skipped(number: u64, reason: impl Display) {
    static LOG: LimitedLog = LimitedLog::new(Level::ERROR, "journal entries were skipped");
    LOG.log(|| format!("journal entry {number} is skipped: {reason}"));
}

impl Content {
    fn new(entry: &Entry, events: &Events) -> Self {
        if let Some(name) = entry.revoked_audience() {
            return Self::Revocation([name.to_owned()].into());
        }
        if entry.is_loss() {
            let pairs = events.pairs_of_key(entry.key()).into_iter();
            return Self::Lost(pairs.map(|pair| Arc::clone(&pair.event)).collect());
        }
        encode_entry(entry, events).map_or_else(
            |error| {
                log_skipped(entry.number, error);
                Self::Unreadable
            },
            Self::Frames,
        )
    }

    pub(super) fn has_frames(&self) -> bool {
        matches!(self, Self::Frames(frames) if !frames.is_empty())
    }

    /// How much memory the frames take now.
    fn byte_count(&self) -> usize {
        match self {
            Self::Frames(frames) => frames.iter().map(Frame::byte_count).sum(),
            Self::Revocation(_) | Self::Lost(_) | Self::Unreadable => 0,
        }
    }
}
