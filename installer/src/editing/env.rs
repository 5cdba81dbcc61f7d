//! The app's `.env`: the block of lines that `install` adds, and the values in it.

pub(crate) mod block;
mod markers;
pub(crate) mod readers;
pub(crate) mod values;
