//! Linux, with the system calls that other systems do not have.

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
