//! The epochs of the journal and its newest number, as the scripts store them.

use redis::{Connection, RedisResult};

use super::{keys::Keys, look::MAX_NUMBER, scripts};
use crate::epoch::{Epoch, Epochs, FormerEpoch};

/// What the journal is now.
pub(super) struct Head {
    pub(super) epochs: Epochs,
    pub(super) newest: u64,
}

impl Head {
    /// `None` if there is no journal.
    pub(super) fn read(connection: &mut Connection, keys: &Keys) -> RedisResult<Option<Self>> {
        // No journal has this epoch, so the answer contains those that it has.
        let no_epoch = Epoch::default().to_string();
        let reply: Vec<String> = scripts::LOOK
            .key(&keys.stream)
            .key(&keys.head)
            .arg(no_epoch)
            .invoke(connection)?;
        match &reply[..] {
            [] => Ok(None),
            [epoch, newest, _, _, former] => Self::parse(epoch, newest, former).map(Some),
            _ => Err(foreign_head()),
        }
    }

    /// Creates the journal with this epoch if there is none.
    pub(super) fn create(
        connection: &mut Connection,
        keys: &Keys,
        candidate: Epoch,
    ) -> RedisResult<Self> {
        let (epoch, newest, former): (String, String, String) = scripts::CREATE
            .key(&keys.stream)
            .key(&keys.head)
            .arg(candidate.to_string())
            .invoke(connection)?;
        Self::parse(&epoch, &newest, &former)
    }

    fn parse(epoch: &str, newest: &str, former: &str) -> RedisResult<Self> {
        let epochs = parse_epochs(epoch, former);
        match (epochs, newest.parse()) {
            (Some(epochs), Ok(newest)) if newest <= MAX_NUMBER => Ok(Self { epochs, newest }),
            _ => Err(foreign_head()),
        }
    }
}

/// The code that Redis itself has for keys of another kind.
pub(super) fn foreign_head() -> redis::RedisError {
    let reason = "the hash of the journal has other contents";
    redis::make_extension_error("WRONGTYPE".to_owned(), Some(reason.to_owned()))
}

/// The epochs, from the form in which the scripts store them.
pub(super) fn parse_epochs(current: &str, former: &str) -> Option<Epochs> {
    let former = former.split(',').filter(|fork| !fork.is_empty());
    let former: Option<Vec<FormerEpoch>> = former
        .map(|fork| {
            let (epoch, last_number) = fork.split_once(':')?;
            Some(FormerEpoch {
                epoch: epoch.parse().ok()?,
                last_number: last_number.parse().ok()?,
            })
        })
        .collect();
    let mut former = former?;
    // A loss may reach back into earlier epochs.
    let mut lowest = u64::MAX;
    for fork in former.iter_mut().rev() {
        lowest = lowest.min(fork.last_number);
        fork.last_number = lowest;
    }
    Some(Epochs::new(current.parse().ok()?, &former))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_epochs_are_parsed_and_a_later_loss_shortens_earlier_ones() {
        let (a, b, c) = ("000000000000000a", "000000000000000b", "000000000000000c");
        let epochs = parse_epochs(c, &format!("{a}:40,{b}:30")).unwrap();
        let shared = [a, b, c].map(|epoch| epochs.last_number_shared_with(epoch.parse().unwrap()));
        assert_eq!(shared, [Some(30), Some(30), Some(u64::MAX)]);
        assert_eq!(parse_epochs(a, "").unwrap().former(), []);
        for wrong in ["x", "x:1", "000000000000000a:", "000000000000000a:-1"] {
            assert!(parse_epochs(a, wrong).is_none(), "{wrong}");
        }
        assert!(parse_epochs("1", "").is_none());
    }
}
