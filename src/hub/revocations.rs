//! The revocations that this process has read, for streams that start after one of them.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::authorization::{Authorization, Grants, NameGrant};
use crate::{
    epoch::Epoch,
    event_id::{Cursor, EventId},
    runtime::lock,
};

/// A stream whose app has not said when it authenticated the request ends at each revocation of the last ten
/// seconds: hardly any app needs longer from reading a session to opening the stream.
pub(crate) const DEFAULT_AUTHENTICATION_TIME: Duration = Duration::from_secs(10);

/// Upper bound for the revocations in memory: 7 MB with usual names. A stream that was authenticated before the
/// oldest of them ends, and is authenticated again.
const MAX_REVOCATIONS: usize = 65_536;

/// Upper bound for the former journals in memory. Each request is younger than a program needs to replace the
/// journal so often.
const MAX_FORMER_EPOCHS: usize = 16;

/// In place of a name: an entry that cannot be read may be the revocation of any. No audience has this name.
pub(super) const ANY_NAME: &str = "";

/// The newest revocations of one journal, and the entries that may be revocations.
#[derive(Default)]
pub(super) struct Revocations(Mutex<KnownRevocations>);

#[derive(Default)]
struct KnownRevocations {
    epoch: Epoch,
    /// Of the journals before, the newest last: their revocations are not known any more.
    former_epochs: VecDeque<Epoch>,
    /// Every revocation after this number is known.
    known_after: u64,
    /// When the newest revocation that is not known may have been read.
    unknown_until: Option<Instant>,
    /// The newest entry of any kind.
    newest: u64,
    /// In the order of their numbers.
    revocations: VecDeque<Revocation>,
    /// The name and the number of each. Many users may be revoked together, and then all their clients come back
    /// together: a stream that opens looks its own names up, and does not walk through the others.
    by_name: BTreeSet<(Arc<str>, u64)>,
}

struct Revocation {
    number: u64,
    read_at: Instant,
    name: Arc<str>,
}

impl Revocations {
    /// Starts again, with the entry `next` of a journal. The entries before it may contain revocations; the
    /// newest of them was saved before `unknown_until`.
    pub(super) fn restart(&self, epoch: Epoch, next: u64, unknown_until: Option<Instant>) {
        let mut known = lock(&self.0);
        let mut former_epochs = std::mem::take(&mut known.former_epochs);
        let is_first = known.epoch == Epoch::default();
        let is_replaced = !is_first && known.epoch != epoch;
        if is_replaced {
            former_epochs.push_back(known.epoch);
            if former_epochs.len() > MAX_FORMER_EPOCHS {
                former_epochs.pop_front();
            }
        }
        *known = KnownRevocations {
            epoch,
            former_epochs,
            known_after: next - 1,
            // The revocations of the former journal are gone.
            unknown_until: (unknown_until.max(known.unknown_until))
                .max(is_replaced.then(Instant::now)),
            newest: next - 1,
            ..KnownRevocations::default()
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
            let name: Arc<str> = name.into();
            known.by_name.insert((Arc::clone(&name), number));
            known.revocations.push_back(Revocation {
                number,
                read_at: read_at.unwrap_or_else(Instant::now),
                name,
            });
        }
        while known.revocations.len() > MAX_REVOCATIONS
            && let Some(forgotten) = known.revocations.pop_front()
        {
            known.known_after = forgotten.number;
            known.unknown_until = Some(forgotten.read_at);
            known.by_name.remove(&(forgotten.name, forgotten.number));
        }
    }

    /// The authorization of a stream that opens now. `position` is the end of the journal when its request was
    /// authenticated, if the app has noted it.
    pub(super) fn authorize(&self, grants: Grants, position: Option<EventId>) -> Authorization {
        let known = lock(&self.0);
        // A position in another cache, of which this process may follow several, says nothing.
        let is_known = |epoch| epoch == known.epoch || known.former_epochs.contains(&epoch);
        let (epoch, number) = match position.filter(|position| is_known(position.epoch)) {
            Some(position) => (position.epoch, position.cursor.last_received()),
            None => match known.newest_before(DEFAULT_AUTHENTICATION_TIME) {
                Some(number) => (known.epoch, number),
                // No journal has this epoch, so the stream ends.
                None => (Epoch::default(), 0),
            },
        };
        Authorization {
            grants,
            epoch,
            number,
        }
    }

    /// Whether a stream that starts at `start` must not, because one of its audiences was revoked before.
    pub(super) fn end_before(&self, authorization: &Authorization, start: Cursor) -> bool {
        let known = lock(&self.0);
        if authorization.epoch != known.epoch || authorization.number < known.known_after {
            return true;
        }
        let newest = known.revocations.back();
        let any_name = NameGrant {
            name: ANY_NAME,
            is_prefix: false,
            after: 0,
        };
        newest.is_some_and(|newest| newest.number > authorization.number)
            && (authorization.grants.iter().chain([any_name]))
                .any(|grant| known.has_revoked(grant, authorization.number, start.next))
    }
}

impl KnownRevocations {
    /// Whether a name of this grant was revoked between two numbers.
    fn has_revoked(&self, grant: NameGrant<'_>, after: u64, before: u64) -> bool {
        let first = match grant.is_prefix {
            true => 0,
            false => after.saturating_add(1),
        };
        (self.by_name.range((Arc::from(grant.name), first)..))
            .take_while(|(name, _)| grant.covers(name))
            .any(|(_, number)| after < *number && *number < before)
    }

    /// The newest number of which it is known that no revocation up to it was read within this time. `None` if
    /// there may have been one that is not known.
    fn newest_before(&self, time: Duration) -> Option<u64> {
        let is_recent = |read_at: Instant| read_at.elapsed() <= time;
        if self.unknown_until.is_some_and(is_recent) {
            return None;
        }
        let older = (self.revocations).partition_point(|revocation| !is_recent(revocation.read_at));
        let recent = self.revocations.get(older);
        Some(recent.map_or(self.newest, |revocation| revocation.number - 1))
    }
}
