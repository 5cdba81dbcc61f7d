//! The user and group as which the current thread accesses files: always the process's own, because
//! no portable call changes them for one thread. So root is refused in another user's cache folder.

use rustix::fs::{Gid, Uid};

/// Root: only root asks, see `Owner::needing_impersonation`.
pub(crate) fn user() -> u32 {
    0
}

/// The value does not matter: the user already differs from every owner that root would impersonate.
pub(crate) fn group() -> u32 {
    0
}

pub(crate) fn set_user(_user: Uid) {}

pub(crate) fn set_group(_group: Gid) {}
