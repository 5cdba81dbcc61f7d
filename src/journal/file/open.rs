//! Files as this cache opens, compares and renames them.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    path::Path,
};

/// More than any value that can be saved; a file beyond it is not ours.
pub(crate) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The content of a regular file. Symbolic links are not followed, and a FIFO or device that has
/// an entry's name is neither opened for its content nor waited for.
pub(super) fn regular_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open_regular(path)?;
    read_all(&mut file)
}

/// Opens a regular file for reading.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        // Non-blocking matters for FIFOs only, whose opening would wait for a writer.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ));
    }
    Ok(file)
}

/// Opens a folder to hold it. Symbolic links are not followed, and a FIFO is not waited for.
pub(super) fn open_folder(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// All of a file's content from where it stands.
pub(crate) fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is larger than any saved value",
        ));
    }
    Ok(bytes)
}

/// Whether both are the same file. Only sure while one of them is open.
pub(crate) fn same_file(one: &Metadata, other: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    #[cfg(not(unix))]
    {
        // Without identities the time of creation has to do.
        one.created().ok() == other.created().ok()
    }
}

/// Renames a file or folder, and fails with `AlreadyExists` where the new name is taken.
pub(crate) fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::{
            fs::{CWD, RenameFlags, renameat_with},
            io::Errno,
        };
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // A file system that cannot do it can still link a file under a second name.
            Err(Errno::INVAL | Errno::NOSYS) => link_without_replacing(from, to),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        link_without_replacing(from, to)
    }
}

fn link_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(from)?.is_dir() {
        // No folder can be linked. A name that is taken is never an empty folder for long, and
        // renaming onto one that is not empty fails.
        return match fs::symlink_metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to).map_err(|error| match error.kind() {
                io::ErrorKind::DirectoryNotEmpty => io::ErrorKind::AlreadyExists.into(),
                _ => error,
            }),
        };
    }
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "a").unwrap();
        fs::write(&b, "b").unwrap();
        for rename in [rename_without_replacing, link_without_replacing] {
            assert_eq!(
                rename(&a, &b).unwrap_err().kind(),
                io::ErrorKind::AlreadyExists
            );
            assert_eq!(fs::read(&b).unwrap(), b"b");
            assert_eq!(fs::read(&a).unwrap(), b"a");
        }
        assert_eq!(
            rename_without_replacing(&dir.path().join("none"), &b)
                .unwrap_err()
                .kind(),
            io::ErrorKind::NotFound
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        assert!(open_regular(&link).is_err());
        assert!(open_regular(dir.path()).is_err());
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(open_regular(&fifo).is_err());
    }
}
