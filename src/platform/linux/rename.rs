//! A rename that fails instead of replacing a file.

use std::{io, os::fd::BorrowedFd};

use rustix::{
    fs::{RenameFlags, renameat_with},
    io::Errno,
};

/// Fails with `AlreadyExists` if the new name is taken. `None` if the file system does not support
/// this.
pub(crate) fn rename_without_replacing(
    folder: BorrowedFd<'_>,
    name: &str,
    new_folder: BorrowedFd<'_>,
    new_name: &str,
) -> Option<io::Result<()>> {
    match renameat_with(folder, name, new_folder, new_name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => None,
        result => Some(result.map_err(io::Error::from)),
    }
}
