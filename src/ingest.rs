//! Drop-ins: files that any program puts into the cache folder, named by a cache key.
//!
//! A drop-in passes through these places by one rename each, so that a process that is killed at any
//! moment neither loses nor duplicates it:
//!
//! 1. `KEY`: where its writer put it. It is renamed *before* it is read, so that a later writer creates
//!    a new file.
//! 2. `.sse/claimed/NAME/KEY`: until its writer has closed it.
//! 3. `.sse/ready/NAME`: the complete journal entry. From here on, `claimed/NAME` only has to be
//!    removed.
//! 4. The journal.

mod claim;
mod content;
mod drop_in_file;
mod drop_in_watcher;
#[cfg(all(any(fuzzing, test), feature = "actix"))]
pub(crate) mod fuzzing;
mod ingester;
mod overlapping_saves;
mod php;
mod ready;
mod recovery;
mod start;
#[cfg(test)]
mod tests;
mod writers;

pub(crate) use self::start::start;
