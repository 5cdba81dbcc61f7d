//! The file journal under faults: stalled writers, removed files, names of other programs, and restarts of
//! the machine.

#[cfg(feature = "actix")]
mod cached_reads;
mod epochs;
mod failing_checks;
mod keyed_saves;
pub(crate) mod non_regular_files;
mod removals;
mod spare_file;
mod stress;

use std::sync::Arc;

use super::{cache_folder::CacheFolder, file_journal::FileJournal, layout::Layout};
use crate::config::Config;

/// A journal whose folders have four numbers each, so that a few entries fill and sweep several.
pub(crate) fn open_with_small_folders(config: &Config) -> FileJournal {
    let folder = Arc::new(CacheFolder::prepare(config).unwrap());
    let mut journal = FileJournal::open(&folder).unwrap();
    journal.set_layout(Layout::with_numbers_per_folder(4));
    journal
}
