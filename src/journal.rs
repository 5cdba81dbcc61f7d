//! The journal: every saved value once, in one order that all processes agree on.
//!
//! [`Journal`] is the whole contract between the processes that save and those that deliver. Code
//! above this module does not know how entries are stored; [`file`] stores them as numbered files.

mod contract;
pub(crate) mod file;
mod index;
mod reader;

pub(crate) use self::{
    contract::{Journal, Lookup, Watch},
    index::{Clocks, KeyIndex},
    reader::{JournalReader, ReadOutcome},
};
