//! The file journal under faults: stalled writers, removed files, names of other programs, and restarts of
//! the machine.

mod epochs;
mod failing_checks;
pub(crate) mod non_regular_files;
mod removals;
mod stress;
