//! The revocations that this process has read, for streams that start after one of them.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::authorization::{Authorization, Grants};
use crate::{
    epoch::Epoch,
    event_id::{Cursor, EventId},
    runtime::lock,
};

/// A stream whose app has not said when it authenticated the request ends at each revocation of the last ten
/// seconds: hardly any app needs longer from reading a session to opening the stream.
pub(crate) const DEFAULT_AUTHENTICATION_TIME: Duration = Duration::from_secs(10);

/// Upper bound for the revocations in memory: 5 MB with usual names. A stream that was authenticated before the
/// oldest of them ends, and is authenticated again.
const MAX_REVOCATIONS: usize = 65_536;

/// The newest revocations of one journal.
#[derive(Default)]
pub(super) struct Revocations(Mutex<KnownRevocations>);

#[derive(Default)]
struct KnownRevocations {
    epoch: Epoch,
    /// Every revocation after this number is known.
    known_after: u64,
    /// When the newest revocation that is not known may have been read.
    unknown_until: Option<Instant>,
    /// The newest entry of any kind.
    newest: u64,
    /// In the order of their numbers.
    revocations: VecDeque<Revocation>,
}

struct Revocation {
    number: u64,
    read_at: Instant,
    name: Box<str>,
}

impl Revocations {
    /// Starts again, with the entry `next` of a journal. The entries before it may contain revocations; the
    /// newest of them was saved before `unknown_until`.
    pub(super) fn restart(&self, epoch: Epoch, next: u64, unknown_until: Option<Instant>) {
        *lock(&self.0) = KnownRevocations {
            epoch,
            known_after: next - 1,
            unknown_until,
            newest: next - 1,
            revocations: VecDeque::new(),
        };
    }

    /// Adds entries up to `newest`: the revocations among them, with the time at which each was saved, as far as
    /// that is known.
    pub(super) fn add<'a>(
        &self,
        newest: u64,
        revocations: impl Iterator<Item = (u64, Option<Instant>, &'a str)>,
    ) {
        let mut known = lock(&self.0);
        known.newest = newest;
        for (number, read_at, name) in revocations {
            known.revocations.push_back(Revocation {
                number,
                read_at: read_at.unwrap_or_else(Instant::now),
                name: name.into(),
            });
        }
        while known.revocations.len() > MAX_REVOCATIONS
            && let Some(forgotten) = known.revocations.pop_front()
        {
            known.known_after = forgotten.number;
            known.unknown_until = Some(forgotten.read_at);
        }
    }

    /// The authorization of a stream that opens now. `position` is the end of the journal when its request was
    /// authenticated, if the app has noted it.
    pub(super) fn authorize(&self, grants: Grants, position: Option<EventId>) -> Authorization {
        let known = lock(&self.0);
        let noted = position.filter(|position| position.epoch == known.epoch);
        Authorization {
            grants,
            epoch: known.epoch,
            number: match noted {
                Some(position) => position.cursor.last_received(),
                None => known.newest_before(DEFAULT_AUTHENTICATION_TIME),
            },
        }
    }

    /// Whether a stream that starts at `start` must not, because one of its audiences was revoked before.
    pub(super) fn end_before(&self, authorization: &Authorization, start: Cursor) -> bool {
        let known = lock(&self.0);
        if authorization.epoch != known.epoch || authorization.number < known.known_after {
            return true;
        }
        let later = known.revocations.iter().rev();
        let mut later = later.take_while(|revocation| revocation.number > authorization.number);
        later.any(|revocation| {
            revocation.number < start.next
                && authorization.is_ended_by(revocation.number, &revocation.name)
        })
    }
}

impl KnownRevocations {
    /// The newest number of which it is known that no revocation up to it was read within this time.
    fn newest_before(&self, time: Duration) -> u64 {
        let is_recent = |read_at: Instant| read_at.elapsed() <= time;
        if self.unknown_until.is_some_and(is_recent) {
            return 0;
        }
        let older = (self.revocations).partition_point(|revocation| !is_recent(revocation.read_at));
        let recent = self.revocations.get(older);
        recent.map_or(self.newest, |revocation| revocation.number - 1)
    }
}
