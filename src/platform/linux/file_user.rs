//! The user and group as which the current thread accesses files.

use rustix::fs::{Gid, Uid};

/// Not the id of any user or group. The system calls refuse it, so they only return the current id.
const NO_ID: u32 = u32::MAX;

/// The user as which this thread accesses files.
pub(crate) fn user() -> u32 {
    replace_user(NO_ID)
}

/// The group as which this thread accesses files.
pub(crate) fn group() -> u32 {
    replace_group(NO_ID)
}

/// Sets the user as which this thread accesses files, if the process may.
pub(crate) fn set_user(user: Uid) {
    replace_user(user.as_raw());
}

/// Sets the group as which this thread accesses files, if the process may.
pub(crate) fn set_group(group: Gid) {
    replace_group(group.as_raw());
}

/// Returns the former user, whether or not the call changed it.
#[allow(unsafe_code, reason = "no crate wraps setfsuid")]
fn replace_user(id: u32) -> u32 {
    // SAFETY: the call takes and returns an integer and touches no memory.
    unsafe { libc::setfsuid(id) }.cast_unsigned()
}

/// Returns the former group, whether or not the call changed it.
#[allow(unsafe_code, reason = "no crate wraps setfsgid")]
fn replace_group(id: u32) -> u32 {
    // SAFETY: the call takes and returns an integer and touches no memory.
    unsafe { libc::setfsgid(id) }.cast_unsigned()
}
