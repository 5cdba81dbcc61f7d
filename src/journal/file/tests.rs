//! The file journal under faults: stalled writers, removed files, and names of other programs.

mod failing_checks;
pub(crate) mod non_regular_files;
mod removals;
mod stress;
