//! Ids of all kinds, and what each is entitled to.

use fastrand::Rng;

use crate::client::Block;

/// What the ids are about.
pub(crate) struct Journal {
    pub(crate) epoch: u64,
    pub(crate) newest: u64,
}

/// Every other entry.
pub(crate) fn feeds_two(number: u64) -> bool {
    number % 2 == 1
}

pub(crate) struct Id {
    pub(crate) bytes: Vec<u8>,
    pub(crate) wanted: Wanted,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The first event is the one with this id; the client goes on where it was.
    Goes { next: String },
    /// Nothing is missing.
    Nothing { id: String },
    /// It is told, for this reason, that something may be.
    Gap(&'static str),
    /// It says nothing.
    Start,
}

impl Id {
    /// HTTP has no way to send the others.
    pub(crate) fn fits_a_header(&self) -> bool {
        self.bytes.iter().all(|byte| !byte.is_ascii_control())
            && self.bytes.trim_ascii() == self.bytes
    }
}

/// So many entries are no search.
const NEAR: u64 = 50;

pub(crate) fn random(rng: &mut Rng, journal: &Journal) -> Id {
    let Journal { epoch, newest } = *journal;
    match rng.u8(..8) {
        0 => garbage(rng),
        1 => {
            let other = rng.u64(..);
            let bytes = format!("{other:016x}-{}", rng.u64(..newest)).into_bytes();
            let reason = if other == epoch {
                "unknown-id"
            } else {
                "other-epoch"
            };
            Id {
                bytes,
                wanted: Wanted::Gap(reason),
            }
        }
        2 => ahead(rng, journal),
        3 => almost(rng, journal),
        4 => {
            // Behind the first part of an entry that has two, or of one that has one.
            let number = had(rng, newest).max(1);
            let next = if feeds_two(number) {
                Some(format!("{epoch:016x}-{number}"))
            } else {
                first_of(epoch, number + 1, newest)
            };
            place(format!("{epoch:016x}-{number}.1"), next)
        }
        _ => {
            let number = had(rng, newest);
            let next = first_of(epoch, number + 1, newest);
            place(format!("{epoch:016x}-{number}"), next)
        }
    }
}

/// Beyond the newest entry, near or far. Whether there is such an entry only the journal knows.
pub(crate) fn ahead(rng: &mut Rng, journal: &Journal) -> Id {
    let Journal { epoch, newest } = *journal;
    let ahead = if rng.bool() {
        rng.u64(1..NEAR)
    } else {
        rng.u64(1..u64::MAX - newest)
    };
    let part = if rng.bool() {
        format!(".{}", rng.u64(1..))
    } else {
        String::new()
    };
    Id {
        bytes: format!("{epoch:016x}-{}{part}", newest + ahead).into_bytes(),
        wanted: Wanted::Gap("unknown-id"),
    }
}

fn place(id: String, next: Option<String>) -> Id {
    Id {
        bytes: id.clone().into_bytes(),
        wanted: match next {
            Some(next) => Wanted::Goes { next },
            None => Wanted::Nothing { id },
        },
    }
}

/// The id of the first event of an entry.
fn first_of(epoch: u64, number: u64, newest: u64) -> Option<String> {
    let part = if feeds_two(number) { ".1" } else { "" };
    (number <= newest).then(|| format!("{epoch:016x}-{number}{part}"))
}

/// Mostly near the end, where clients are.
fn had(rng: &mut Rng, newest: u64) -> u64 {
    if rng.u8(..50) == 0 {
        rng.u64(..=newest)
    } else {
        newest - rng.u64(..NEAR)
    }
}

fn garbage(rng: &mut Rng) -> Id {
    let most = if rng.u8(..20) == 0 { 2_000 } else { 40 };
    let bytes: Vec<u8> = (0..rng.usize(..most)).map(|_| rng.u8(..)).collect();
    let wanted = if bytes.is_empty() {
        Wanted::Start
    } else {
        Wanted::Gap("unknown-id")
    };
    Id { bytes, wanted }
}

/// What is no id only for a character.
fn almost(rng: &mut Rng, journal: &Journal) -> Id {
    let Journal { epoch, newest } = *journal;
    let number = had(rng, newest);
    let text = match rng.u8(..10) {
        0 => format!("{epoch:016x}-0{number}"),
        1 => format!("{epoch:016x}-+{number}"),
        2 => format!("{epoch:016x}-{number}.0"),
        3 => format!("{epoch:016x}-{number}\0"),
        4 => format!("{epoch:016x}-{number}\r\ndata: forged\r\n\r\n"),
        5 => format!("0{epoch:016x}-{number}"),
        6 => format!("{epoch:016x}-{}", u64::MAX),
        7 => format!("{epoch:016x}-{number}.1.1"),
        8 => format!("\u{feff}{epoch:016x}-{number}"),
        _ => format!("{epoch:016x}-99999999999999999999{number}"),
    };
    Id {
        bytes: text.into_bytes(),
        wanted: Wanted::Gap("unknown-id"),
    }
}

impl Wanted {
    /// After so many blocks it is decided.
    pub(crate) fn blocks(&self) -> usize {
        match self {
            Self::Goes { .. } | Self::Gap(_) => 2,
            Self::Nothing { .. } | Self::Start => 1,
        }
    }

    pub(crate) fn check(&self, answer: &[Block], journal: &Journal) -> Result<(), String> {
        let heartbeat = answer.iter().find(|block| block.event == "sse.heartbeat");
        let heartbeat = heartbeat.ok_or("it has no heartbeat")?;
        let gap = answer.iter().find(|block| block.event == "sse.gap");
        let fine = match self {
            Self::Goes { next } => gap.is_none() && answer[1].id.as_ref() == Some(next),
            Self::Nothing { id } => gap.is_none() && heartbeat.id.as_ref() == Some(id),
            Self::Start => gap.is_none() && heartbeat.id.is_some(),
            Self::Gap(reason) => gap.is_some_and(|gap| {
                let epoch = format!("{:016x}-", journal.epoch);
                gap.data == format!("{{\"reason\":\"{reason}\"}}")
                    && gap.id.as_ref().is_some_and(|id| id.starts_with(&epoch))
            }),
        };
        if fine {
            Ok(())
        } else {
            Err(format!("it should get {self:?}"))
        }
    }
}
