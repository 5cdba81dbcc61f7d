//! Whether a file is open for writing, which only Linux can tell.

use std::fs::File;

/// Always `None`, unknown: the caller waits until the file has not changed for some time.
pub(crate) fn has_writer(_file: &File) -> Option<bool> {
    None
}

/// Always `false`: there are no leases.
#[cfg(test)]
pub(crate) fn hold_write_lease(_file: &File) -> bool {
    false
}
