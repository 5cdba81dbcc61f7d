//! Reads files that were found in an app's folders, and may be anything.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// A larger file is the output of a build tool, not a source.
const MAX_SOURCE_BYTES: usize = 1024 * 1024;

/// The contents of a regular file of this size; `None` if it is anything else, or cannot be read.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    // Opening a named pipe would wake its writer.
    if !path.is_file() {
        return None;
    }
    // What takes the file's place meanwhile, and some files of the kernel, would block without this flag.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    // Files of the kernel have the length 0, and some never end.
    let read = file
        .take(MAX_SOURCE_BYTES as u64 + 1)
        .read_to_end(&mut bytes);
    let length = read.ok()?;
    (length <= MAX_SOURCE_BYTES).then_some(bytes)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_not_read() {
        for path in ["/proc/self/pagemap", "/dev/zero", "/proc", "/nothing"] {
            assert_eq!(read(Path::new(path)), None, "{path}");
        }
        assert!(read(Path::new("/proc/version")).is_some());
    }
}
