//! The file cache: a folder whose journal is one file per entry, named by its number.
//!
//! Three rules keep many processes in one order without a lock:
//!
//! 1. A number is taken by renaming a finished file to it *without replacing* ([`entry_folder`]).
//! 2. A folder of numbers is created inside the one before it ([`append`]).
//! 3. The oldest folder is removed as a whole ([`sweep`]).
//!
//! Everything is reached through open descriptors ([`open_folder`]), and root works in another user's
//! folder with that user's rights ([`owner`]).

mod append;
mod cache_folder;
mod check_usable;
mod discard;
mod enter_epoch;
mod entry_folder;
mod file_journal;
mod find;
mod flock;
mod id;
mod journal_watcher;
mod keyed_saves;
mod layout;
mod open;
mod open_folder;
mod orphans;
mod owner;
mod permissions;
mod random;
mod read;
mod spare_file;
mod sweep;
mod test_hooks;
#[cfg(test)]
pub(crate) mod tests;
mod trash;
mod unfinished;

pub(crate) use self::{
    cache_folder::CacheFolder,
    check_usable::{check_existing, may_be_at},
    file_journal::FileJournal,
    journal_watcher::watch,
    open_folder::{OpenFolder, is_file, is_folder, is_temporary, read_all},
    random::{time_of_ordered_name, time_ordered_name},
    trash::discard,
};
