//! Everything that differs between operating systems.
//!
//! `linux` uses system calls that only Linux has. `portable` does the same work with what every Unix
//! system has, more slowly or with less protection. Compiled with `--cfg portable`, the library uses
//! `portable` on Linux too, so the tests cover both.

mod change;
#[cfg(all(target_os = "linux", not(portable)))]
mod linux;
#[cfg(any(not(target_os = "linux"), portable))]
mod portable;

pub(crate) use self::change::ChangeKinds;
#[cfg(all(target_os = "linux", not(portable)))]
use self::linux as system;
#[cfg(any(not(target_os = "linux"), portable))]
use self::portable as system;
#[cfg(test)]
pub(crate) use self::system::lease::hold_write_lease;
pub(crate) use self::system::{
    boot::boot_id,
    file_user,
    folder_watcher::{FolderWatcher, WatchId},
    interrupt::Interrupt,
    lease::has_writer,
    rename::rename_without_replacing,
};
#[cfg(feature = "actix")]
pub(crate) use self::system::{
    cached_file::{can_read_cached, read_cached},
    tcp,
};

/// Whether this build uses the system calls that only Linux has.
#[cfg(test)]
pub(crate) const IS_LINUX: bool = cfg!(all(target_os = "linux", not(portable)));
