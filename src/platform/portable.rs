//! Any Unix system, with less than Linux offers. Each function's comment states what it cannot do.

pub(super) mod boot;
#[cfg(feature = "actix")]
pub(super) mod cached_file;
pub(crate) mod file_user;
pub(super) mod folder_watcher;
pub(super) mod interrupt;
pub(super) mod lease;
pub(super) mod rename;
#[cfg(feature = "actix")]
pub(crate) mod tcp;
