//! The user and group as which the current thread accesses files.

use rustix::fs::{Gid, Uid};

/// Sets the user of this thread's file accesses and returns the one before. `None` only returns the
/// current one: -1 is never a valid id, so the call changes nothing.
#[allow(unsafe_code, reason = "no crate wraps setfsuid")]
pub(crate) fn set_user(user: Option<Uid>) -> u32 {
    let id = user.map_or(u32::MAX, Uid::as_raw);
    // SAFETY: the call takes and returns an integer and touches no memory.
    unsafe { libc::setfsuid(id) }.cast_unsigned()
}

/// The same for the group.
#[allow(unsafe_code, reason = "no crate wraps setfsgid")]
pub(crate) fn set_group(group: Option<Gid>) -> u32 {
    let id = group.map_or(u32::MAX, Gid::as_raw);
    // SAFETY: as above.
    unsafe { libc::setfsgid(id) }.cast_unsigned()
}
