//! The app's `.env`: how dotenvy reads it, and the block of lines that `install` adds.

pub(crate) mod block;
pub(crate) mod dotenv;
mod markers;
pub(crate) mod values;
