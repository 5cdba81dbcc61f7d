//! Ids of all kinds, and the response that each must get.

use fastrand::Rng;
use support::{Event, event_part};

/// The journal that the ids refer to.
pub(crate) struct Journal {
    pub(crate) epoch: u64,
    pub(crate) newest: u64,
}

/// Every other entry feeds two events.
pub(crate) fn feeds_two(number: u64) -> bool {
    number % 2 == 1
}

/// The parts of the events that the entry feeds, in order.
fn parts(number: u64) -> Vec<u32> {
    let events: &[&str] = if feeds_two(number) {
        &["a", "b"]
    } else {
        &["c"]
    };
    let mut parts: Vec<u32> = events.iter().map(|event| event_part(event)).collect();
    parts.sort_unstable();
    parts
}

pub(crate) struct Id {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Expected,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The stream continues after the id; the first event has this id.
    Next(String),
    /// The client has missed nothing; the heartbeat repeats its id.
    UpToDate { id: String },
    /// A gap for this reason.
    Gap(&'static str),
    /// The stream of a new client, because the id is empty.
    NewClient,
}

impl Id {
    /// HTTP cannot send other ids in a header.
    pub(crate) fn fits_a_header(&self) -> bool {
        self.bytes.iter().all(|byte| !byte.is_ascii_control())
            && self.bytes.trim_ascii() == self.bytes
    }
}

/// This close to the newest entry, the server needs no search.
const NEARBY_ENTRIES: u64 = 50;

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
                expected: Expected::Gap(reason),
            }
        }
        2 => ahead(rng, journal),
        3 => almost(rng, journal),
        4 => {
            // After an event of an entry, or where an event was before the configuration was changed.
            let number = received_number(rng, newest).max(1);
            let part = if rng.bool() {
                event_part(["a", "b", "c"][rng.usize(..3)])
            } else {
                rng.u32(1..)
            };
            let next = next_of(epoch, number, part).or_else(|| first_of(epoch, number + 1, newest));
            valid(format!("{epoch:016x}-{number}.{part:08x}"), next)
        }
        _ => {
            let number = received_number(rng, newest);
            let next = first_of(epoch, number + 1, newest);
            valid(format!("{epoch:016x}-{number}"), next)
        }
    }
}

/// Beyond the newest entry, near or far. Only the journal knows that this entry does not exist.
pub(crate) fn ahead(rng: &mut Rng, journal: &Journal) -> Id {
    let Journal { epoch, newest } = *journal;
    let ahead = if rng.bool() {
        rng.u64(1..NEARBY_ENTRIES)
    } else {
        rng.u64(1..u64::MAX - newest)
    };
    let part = if rng.bool() {
        format!(".{:08x}", rng.u32(1..))
    } else {
        String::new()
    };
    Id {
        bytes: format!("{epoch:016x}-{}{part}", newest + ahead).into_bytes(),
        expected: Expected::Gap("unknown-id"),
    }
}

fn valid(id: String, next: Option<String>) -> Id {
    Id {
        bytes: id.clone().into_bytes(),
        expected: match next {
            Some(next) => Expected::Next(next),
            None => Expected::UpToDate { id },
        },
    }
}

/// The id of the first event of an entry.
fn first_of(epoch: u64, number: u64, newest: u64) -> Option<String> {
    (number <= newest).then(|| next_of(epoch, number, 0))?
}

/// The id of the entry's first event after a part; `None` if it has no more.
fn next_of(epoch: u64, number: u64, part: u32) -> Option<String> {
    let parts = parts(number);
    let next = parts.iter().position(|next| *next > part)?;
    Some(if next + 1 == parts.len() {
        format!("{epoch:016x}-{number}")
    } else {
        format!("{epoch:016x}-{number}.{:08x}", parts[next])
    })
}

/// The number of an entry that the client has received: mostly near the end, where clients are.
fn received_number(rng: &mut Rng, newest: u64) -> u64 {
    if rng.u8(..50) == 0 {
        rng.u64(..=newest)
    } else {
        newest - rng.u64(..NEARBY_ENTRIES)
    }
}

fn garbage(rng: &mut Rng) -> Id {
    let max_bytes = if rng.u8(..20) == 0 { 2_000 } else { 40 };
    let bytes: Vec<u8> = (0..rng.usize(..max_bytes)).map(|_| rng.u8(..)).collect();
    let expected = if bytes.is_empty() {
        Expected::NewClient
    } else {
        Expected::Gap("unknown-id")
    };
    Id { bytes, expected }
}

/// Ids that are invalid because of a single character.
fn almost(rng: &mut Rng, journal: &Journal) -> Id {
    let Journal { epoch, newest } = *journal;
    let number = received_number(rng, newest);
    let text = match rng.u8(..14) {
        0 => format!("{epoch:016x}-0{number}"),
        1 => format!("{epoch:016x}-+{number}"),
        2 => format!("{epoch:016x}-{number}.00000000"),
        3 => format!("{epoch:016x}-{number}\0"),
        4 => format!("{epoch:016x}-{number}\r\ndata: forged\r\n\r\n"),
        5 => format!("0{epoch:016x}-{number}"),
        6 => format!("{epoch:016x}-{}", u64::MAX),
        7 => format!("{epoch:016x}-{number}.0a0b0c0d.0a0b0c0d"),
        8 => format!("\u{feff}{epoch:016x}-{number}"),
        9 => format!("{epoch:016x}-{number}.1"),
        10 => format!("{epoch:016x}-{number}.0A0B0C0D"),
        11 => format!("{epoch:016x}-{number}.+a0b0c0d"),
        12 => format!("{epoch:016x}-{number}.00a0b0c0d"),
        _ => format!("{epoch:016x}-99999999999999999999{number}"),
    };
    Id {
        bytes: text.into_bytes(),
        expected: Expected::Gap("unknown-id"),
    }
}

impl Expected {
    /// How many blocks decide it.
    pub(crate) fn blocks(&self) -> usize {
        match self {
            Self::Next(_) | Self::Gap(_) => 2,
            Self::UpToDate { .. } | Self::NewClient => 1,
        }
    }

    pub(crate) fn check(&self, blocks: &[Event], journal: &Journal) -> Result<(), String> {
        let named = |name| blocks.iter().find(|block| block.name() == name);
        let heartbeat = named("sse.heartbeat").ok_or("no heartbeat")?;
        let gap = named("sse.gap");
        let is_met = match self {
            Self::Next(next) => gap.is_none() && blocks[1].id.as_ref() == Some(next),
            Self::UpToDate { id } => gap.is_none() && heartbeat.id.as_ref() == Some(id),
            Self::NewClient => gap.is_none() && heartbeat.id.is_some(),
            Self::Gap(reason) => gap.is_some_and(|gap| {
                let epoch = format!("{:016x}-", journal.epoch);
                gap.data == Some(format!("{{\"reason\":\"{reason}\"}}"))
                    && gap.id.as_ref().is_some_and(|id| id.starts_with(&epoch))
            }),
        };
        if is_met {
            Ok(())
        } else {
            Err(format!("expected {self:?}"))
        }
    }
}
