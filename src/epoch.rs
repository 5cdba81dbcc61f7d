//! Tells the numbers of one journal from those of another.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

/// Four bits each, and leading zeros, so that every epoch has one spelling.
const DIGITS: usize = 16;

/// Identifies the journal that a number belongs to: the first part of an event's id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Epoch(pub(crate) u64);

impl Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != DIGITS || !is_hex {
            return Err(());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ())
    }
}
