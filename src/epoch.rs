//! Tells the numbers of one journal from those of another.

use std::{
    fmt::{self, Display},
    str::FromStr,
    sync::Arc,
};

/// Four bits each, and leading zeros, so that every epoch has one spelling.
const DIGITS: usize = 16;

/// A client of an older epoch than these is told that it may have missed events. On a machine whose
/// programs see no boot id, each program that finds no other at work starts an epoch, so a script
/// that saves once a minute while no server runs needs more than half a day for as many.
const MAX_FORMER_EPOCHS: usize = 1_000;

/// More than these a journal loses only if its servers fail over in a loop.
const MAX_LOST_EPOCHS: usize = 16;

/// Identifies the part of a journal's history that a number belongs to: the first part of an event's id.
/// Zero stands for no epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Epoch(pub(crate) u64);

impl Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        parse_hex(text, DIGITS).map(Self)
    }
}

/// Parses only the form that `{:0DIGITS$x}` writes.
pub(crate) fn parse_hex(text: &str, digits: usize) -> Result<u64, ()> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(is_digit) {
        return Err(());
    }
    u64::from_str_radix(text, 16).map_err(|_| ())
}

/// The epochs of one journal.
///
/// A new epoch starts when the journal may have lost its last entries, because their numbers are then
/// assigned again. A number keeps the epoch in which it was assigned, so the ids of entries never change.
#[derive(Debug, Clone)]
pub(crate) struct Epochs {
    current: Epoch,
    /// Behind one pointer, because each chunk of each stream has a clone.
    others: Arc<OtherEpochs>,
}

#[derive(Debug, Default)]
struct OtherEpochs {
    /// Oldest first.
    former: Vec<FormerEpoch>,
    /// Epochs that this process has read and that the journal no longer knows: it has lost the entries after the
    /// one from which each of them went on.
    lost: Vec<FormerEpoch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FormerEpoch {
    pub(crate) epoch: Epoch,
    /// The newest number that still has the entry which it had in this epoch.
    pub(crate) last_number: u64,
}

impl Epochs {
    pub(crate) fn new(current: Epoch, former: &[FormerEpoch]) -> Self {
        let former = former.to_vec();
        let others = OtherEpochs {
            former,
            ..OtherEpochs::default()
        };
        Self {
            current,
            others: Arc::new(others),
        }
    }

    /// Also knows the epochs that this process has read in `seen`, which is the same journal before.
    ///
    /// An epoch begins after entries of the one before it. If the journal has lost all that was saved in an epoch,
    /// it may have lost the epoch itself, but a reader of that epoch still has the entries from before it.
    pub(crate) fn remembering(self, seen: &Self) -> Self {
        let mut lost: Vec<FormerEpoch> = Vec::new();
        for known in &seen.others.lost {
            let shared = self.last_number_shared_with(known.epoch);
            if shared.is_none()
                && let Some(last_number) = self.newest_shared_with(seen, known.last_number)
            {
                lost.push(FormerEpoch {
                    last_number,
                    ..*known
                });
            }
        }
        let mut begun_after = None;
        let current = FormerEpoch {
            epoch: seen.current,
            last_number: u64::MAX,
        };
        for known in seen.others.former.iter().chain([&current]) {
            if self.last_number_shared_with(known.epoch).is_none()
                && let Some(begun_after) = begun_after
                && let Some(last_number) = self.newest_shared_with(seen, begun_after)
            {
                lost.push(FormerEpoch {
                    last_number,
                    ..*known
                });
            }
            begun_after = Some(known.last_number);
        }
        let dropped = lost.len().saturating_sub(MAX_LOST_EPOCHS);
        let others = OtherEpochs {
            former: self.others.former.clone(),
            lost: lost.split_off(dropped),
        };
        Self {
            others: Arc::new(others),
            ..self
        }
    }

    /// The newest number up to `number` whose entry is the same here and in `seen`.
    fn newest_shared_with(&self, seen: &Self, number: u64) -> Option<u64> {
        let epochs = seen.others.former.iter().rev();
        let shared = epochs.filter_map(|former| {
            let shared = self.last_number_shared_with(former.epoch)?;
            Some(shared.min(former.last_number))
        });
        shared.max().map(|shared| shared.min(number))
    }

    /// The same journal after it may have lost its entries after `newest`.
    pub(crate) fn followed_by(&self, next: Epoch, newest: u64) -> Self {
        let ended = FormerEpoch {
            epoch: self.current,
            last_number: newest,
        };
        // A loss may reach back into earlier epochs.
        let former = self.others.former.iter().map(|former| FormerEpoch {
            last_number: former.last_number.min(newest),
            ..*former
        });
        // Several journals may have had none.
        let ended = (self.current != Epoch::default()).then_some(ended);
        let former: Vec<FormerEpoch> = former.chain(ended).collect();
        let dropped = former.len().saturating_sub(MAX_FORMER_EPOCHS);
        Self::new(next, &former[dropped..])
    }

    pub(crate) fn current(&self) -> Epoch {
        self.current
    }

    /// Oldest first.
    pub(crate) fn former(&self) -> &[FormerEpoch] {
        &self.others.former
    }

    /// The epoch in which this number was assigned.
    pub(crate) fn epoch_of(&self, number: u64) -> Epoch {
        let index = (self.others.former).partition_point(|former| former.last_number < number);
        (self.others.former)
            .get(index)
            .map_or(self.current, |former| former.epoch)
    }

    /// The newest number whose entry is the same in this epoch and in the journal as it is now. `None` if
    /// the epoch is not one of this journal.
    pub(crate) fn last_number_shared_with(&self, epoch: Epoch) -> Option<u64> {
        if epoch == self.current {
            return Some(u64::MAX);
        }
        let mut known = self.others.former.iter().chain(&self.others.lost);
        let former = known.find(|former| former.epoch == epoch);
        former.map(|former| former.last_number)
    }
}

impl From<Epoch> for Epochs {
    /// A journal that has lost nothing yet.
    fn from(current: Epoch) -> Self {
        Self::new(current, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Epoch = Epoch(1);
    const B: Epoch = Epoch(2);
    const C: Epoch = Epoch(3);

    #[test]
    fn a_number_keeps_its_epoch_and_each_epoch_knows_what_is_left_of_it() {
        let epochs = Epochs::from(A).followed_by(B, 40).followed_by(C, 50);
        let of = [0, 1, 40, 41, 50, 51].map(|number| epochs.epoch_of(number));
        assert_eq!(of, [A, A, A, B, B, C]);
        let shared = [A, B, C, Epoch(4)].map(|epoch| epochs.last_number_shared_with(epoch));
        assert_eq!(shared, [Some(40), Some(50), Some(u64::MAX), None]);
    }

    #[test]
    fn a_loss_may_reach_back_into_an_earlier_epoch() {
        let epochs = Epochs::from(A).followed_by(B, 40).followed_by(C, 30);
        assert_eq!(epochs.last_number_shared_with(A), Some(30));
        assert_eq!(epochs.last_number_shared_with(B), Some(30));
        assert_eq!([30, 31].map(|number| epochs.epoch_of(number)), [A, C]);
    }

    /// Redis may be restarted or promoted several times before the next save, and each time another epoch follows
    /// the same entries.
    #[test]
    fn a_reader_of_an_epoch_that_was_lost_still_has_the_entries_from_before_it() {
        let d = Epoch(4);
        let seen = Epochs::from(A).followed_by(B, 40);
        let next = Epochs::from(A).followed_by(C, 40).remembering(&seen);
        assert_eq!(next.last_number_shared_with(B), Some(40));
        assert_eq!([40, 41].map(|number| next.epoch_of(number)), [A, C]);
        // Some of the entries before it were lost, too.
        let shorter = Epochs::from(A).followed_by(C, 30).remembering(&seen);
        assert_eq!(shorter.last_number_shared_with(B), Some(30));
        // It is remembered for the next time.
        let later = Epochs::from(A).followed_by(d, 40).remembering(&next);
        assert_eq!(
            [B, C].map(|epoch| later.last_number_shared_with(epoch)),
            [Some(40); 2]
        );
        let much_later = Epochs::from(A).followed_by(d, 20).remembering(&later);
        assert_eq!(much_later.last_number_shared_with(B), Some(20));
    }

    #[test]
    fn nothing_is_remembered_of_another_journal() {
        let seen = Epochs::from(A).followed_by(B, 40);
        for other in [Epochs::from(C), Epochs::from(C).followed_by(Epoch(4), 50)] {
            let other = other.remembering(&seen);
            assert_eq!(
                [A, B].map(|epoch| other.last_number_shared_with(epoch)),
                [None; 2]
            );
        }
        // The first epoch of a journal has none before it.
        assert_eq!(
            Epochs::from(B)
                .remembering(&Epochs::from(A))
                .last_number_shared_with(A),
            None
        );
    }

    #[test]
    fn the_oldest_epochs_are_forgotten() {
        let mut epochs = Epochs::from(A);
        for number in 0..MAX_FORMER_EPOCHS as u64 + 1 {
            epochs = epochs.followed_by(Epoch(number + 10), number);
        }
        assert_eq!(epochs.former().len(), MAX_FORMER_EPOCHS);
        assert_eq!(epochs.last_number_shared_with(A), None);
        assert_eq!(epochs.last_number_shared_with(Epoch(10)), Some(1));
    }
}
