//! Whether a file is open for writing, by asking the kernel for a lease.

use std::{fs::File, io, os::fd::AsRawFd};

/// From `asm-generic/fcntl.h`; the same on every architecture, but missing in `libc`.
const F_SETSIG: libc::c_int = 10;

/// Whether a process has the file open for writing. `None` if the kernel grants no leases on this
/// file, because it belongs to another user or its file system does not support them.
///
/// Linux grants a read lease only on a file that no process has open for writing. The lease is
/// released at once; only the answer matters.
#[allow(
    unsafe_code,
    reason = "no crate wraps leases; a lease is the one way to ask Linux whether a file has a writer"
)]
pub(crate) fn has_writer(file: &File) -> Option<bool> {
    let fd = file.as_raw_fd();
    // If a writer opens the file while the lease is held, the kernel sends a signal: by default
    // SIGIO, which ends the process. SIGURG is ignored by default.
    //
    // SAFETY: these calls take a descriptor, which `file` keeps open, and integers; they touch no
    // memory of ours.
    unsafe {
        if libc::fcntl(fd, F_SETSIG, libc::SIGURG) == -1 {
            return None;
        }
        if libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) == 0 {
            libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK);
            return Some(false);
        }
    }
    (io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN)).then_some(true)
}

/// Makes every attempt to open the file fail for as long as `file` is open, as a file server such as Samba
/// does for a client that caches it. `false` if the kernel grants no leases on it.
#[cfg(test)]
#[allow(unsafe_code, reason = "see above")]
pub(crate) fn hold_write_lease(file: &File) -> bool {
    let fd = file.as_raw_fd();
    // SAFETY: see above.
    unsafe {
        libc::fcntl(fd, F_SETSIG, libc::SIGURG) == 0
            && libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK) == 0
    }
}
