//! A rename that fails instead of replacing a file, which POSIX does not have.

use std::{io, os::fd::BorrowedFd};

/// Always `None`, unsupported: the caller creates a hard link instead.
pub(crate) fn rename_without_replacing(
    _folder: BorrowedFd<'_>,
    _name: &str,
    _new_folder: BorrowedFd<'_>,
    _new_name: &str,
) -> Option<io::Result<()>> {
    None
}
