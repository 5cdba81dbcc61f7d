//! Drop-ins: files that any program puts into the cache folder, named by a cache key behind `SSE_DROP_IN_PREFIX`.
//!
//! A drop-in passes through these places, so that a process that is killed at any moment neither loses
//! nor duplicates it:
//!
//! 1. `PREFIX` and `KEY`: where its writer put it. It is renamed *before* it is read, so that a later writer
//!    creates a new file.
//! 2. `.sse/claimed/KEY/NAME`: until its writer has closed it, and its entry is in the journal. The
//!    folder is locked by the server that ingests the key. It has the name of the key alone, so that the key
//!    of a claimed drop-in is known to every server, whatever its prefix is then.
//! 3. The journal. The entry contains the drop-in's name, so a server that finds a drop-in of a killed
//!    one looks for its entry first.

mod claim;
mod content;
mod drop_in_file;
mod drop_in_watcher;
mod ingester;
mod key_queue;
mod losses;
mod php;
mod retries;
#[cfg(test)]
mod tests;
mod writers;

pub(crate) use self::ingester::{OpenFolder, start};
#[cfg(all(any(fuzzing, test), feature = "actix"))]
pub(crate) use self::{content::parse, php::starts_like_array};
