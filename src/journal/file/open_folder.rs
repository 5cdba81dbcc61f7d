//! A folder that is held open, and the operations in it.
//!
//! Other users may be allowed to write below the cache folder. A path that they can change between
//! two system calls may lead anywhere. So everything below the cache folder is reached from an open
//! descriptor, one name at a time, and no symbolic link is followed.

#[cfg(test)]
mod tests;

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::{
    buffer::spare_capacity,
    fs::{
        self, AtFlags, CWD, FileType, Mode, OFlags, RawMode, Stat, Timespec, Timestamps, UTIME_NOW,
    },
    io::Errno,
};

use crate::{config::MAX_VALUE_BYTES, platform};

/// Twice the largest value that can be saved, which leaves room for the rest of an entry, so no file of
/// the library is larger. It limits how much memory another program's file can use.
pub(crate) const MAX_CACHE_FILE_BYTES: u64 = 2 * MAX_VALUE_BYTES as u64;

/// A folder that stays open as long as this value exists.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    fd: OwnedFd,
    /// The path by which it was opened, for messages.
    path: PathBuf,
}

/// Distinguishes a file or folder from every other, as long as a descriptor keeps it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    // Wide enough for the types of every system.
    device: i128,
    inode: i128,
}

impl FileIdentity {
    pub(crate) fn from_stat(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
        }
    }
}

impl OpenFolder {
    /// Opens a folder by a configured path. Symbolic links in it are followed: the user configured
    /// them.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            fd: fs::openat(CWD, path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens a folder in this one. Fails with `ELOOP` or `ENOTDIR` if it is a symbolic link.
    pub(crate) fn open_folder(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            fd: fs::openat(&self.fd, name, flags, Mode::empty())?,
            path: self.path_of(name),
        })
    }

    /// Opens a regular file for reading, and follows no symbolic link.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        Ok(self.open_file_with_stat(name)?.0)
    }

    /// The same, with the file's metadata.
    pub(super) fn open_file_with_stat(&self, name: &str) -> io::Result<(File, Stat)> {
        // NONBLOCK: opening a named pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        require_regular_file(fs::openat(&self.fd, name, flags, Mode::empty())?)
    }

    /// Opens a regular file for reading and writing, and follows no symbolic link. Returns its metadata, too.
    pub(super) fn open_file_to_write(&self, name: &str) -> io::Result<(File, Stat)> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let (file, stat) = require_regular_file(fs::openat(&self.fd, name, flags, Mode::empty())?)?;
        // Another user may have linked this name to a file that only this process may write.
        if stat.st_nlink > 1 {
            return Err(hard_link_error());
        }
        Ok((file, stat))
    }

    /// Creates a file; fails with `AlreadyExists` if the name is taken.
    pub(super) fn create_file(&self, name: &str, mode: RawMode) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode))?.into())
    }

    pub(super) fn create_folder(&self, name: &str, mode: RawMode) -> io::Result<()> {
        Ok(fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode))?)
    }

    /// The metadata of this name, without following a link; `None` if the name does not exist.
    pub(crate) fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn has(&self, name: &str) -> io::Result<bool> {
        Ok(self.stat(name)?.is_some())
    }

    /// Whether this folder has this name in `parent`.
    pub(crate) fn is_at(&self, parent: &Self, name: &str) -> io::Result<bool> {
        let found = parent.stat(name)?;
        Ok(found.map(|found| FileIdentity::from_stat(&found)) == Some(self.identity()?))
    }

    pub(crate) fn identity(&self) -> io::Result<FileIdentity> {
        Ok(FileIdentity::from_stat(&fs::fstat(&self.fd)?))
    }

    /// Whether the folder was removed while it was open.
    pub(crate) fn is_removed(&self) -> bool {
        fs::fstat(&self.fd).is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Renames a file or folder. A file that has the new name is replaced.
    pub(crate) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.fd, name, &to.fd, new_name)?)
    }

    /// Renames a file or folder; fails with `AlreadyExists` if the new name is taken.
    pub(crate) fn rename_new(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let renamed = platform::rename_without_replacing(self.as_fd(), name, to.as_fd(), new_name);
        renamed.unwrap_or_else(|| self.link_new(name, to, new_name))
    }

    /// The same, where a rename always replaces.
    fn link_new(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let is_folder = self.stat(name)?.is_some_and(|stat| is_folder(&stat));
        if !is_folder {
            fs::linkat(&self.fd, name, &to.fd, new_name, AtFlags::empty())?;
            // If the old name stays, it is an unfinished file that is removed later.
            let _ = self.remove_file(name);
            return Ok(());
        }
        // A folder cannot be linked. Renaming to a folder that is not empty fails, and a folder with
        // a name of the journal is never empty for long.
        if to.has(new_name)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(name, to, new_name).map_err(|error| {
            if error.kind() == io::ErrorKind::DirectoryNotEmpty {
                io::ErrorKind::AlreadyExists.into()
            } else {
                error
            }
        })
    }

    /// Removes a file or a link; fails on a folder.
    pub(crate) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    pub(crate) fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
    }

    /// Sets a file's times to now, so that programs that remove old files keep it.
    pub(super) fn touch(&self, name: &str) -> io::Result<()> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(fs::utimensat(&self.fd, name, &times, flags)?)
    }

    /// The names in the folder that are valid UTF-8, in no particular order. All names that the
    /// library creates are; those of other programs do not matter.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        // A listing has a position, so it needs its own descriptor.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = fs::openat(&self.fd, ".", flags, Mode::empty())?;
        let mut names = Vec::new();
        for item in fs::Dir::new(fd)? {
            let item = item?;
            let name = OsStr::from_bytes(item.file_name().to_bytes());
            names.extend(
                name.to_str()
                    .filter(|name| ![".", ".."].contains(name))
                    .map(str::to_owned),
            );
        }
        Ok(names)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in this folder, for messages.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A path to this folder even after it was moved, for system calls that take no descriptor.
    /// Without `/proc`, it is the path by which the folder was opened.
    pub(crate) fn fd_path(&self) -> PathBuf {
        let path = PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        if path.is_dir() {
            path
        } else {
            self.path.clone()
        }
    }
}

impl AsFd for OpenFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn require_regular_file(fd: OwnedFd) -> io::Result<(File, Stat)> {
    let stat = fs::fstat(&fd)?;
    if is_file(&stat) {
        return Ok((fd.into(), stat));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is not a regular file",
    ))
}

pub(super) fn hard_link_error() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "it has a second name (a hard link)",
    )
}

pub(crate) fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

pub(crate) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// How long ago the file was modified, by the wall clock; `None` if that time is in the future.
pub(super) fn age(stat: &Stat, now: SystemTime) -> Option<Duration> {
    let seconds = u64::try_from(stat.st_mtime).ok()?;
    now.duration_since(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .ok()
}

/// Reads a regular file that nobody writes to any more, usually with one system call. Fails if it has more than
/// [`MAX_CACHE_FILE_BYTES`].
pub(super) fn read_finished(file: &mut File, stat: &Stat) -> io::Result<Vec<u8>> {
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    let size = usize::try_from(size.min(MAX_CACHE_FILE_BYTES)).unwrap_or_default();
    // One byte more than it has: a read that does not fill the buffer has reached the end.
    let mut bytes = Vec::with_capacity(size + 1);
    let count = loop {
        match rustix::io::read(&mut *file, spare_capacity(&mut bytes)) {
            Err(Errno::INTR) => {}
            count => break count?,
        }
    };
    if count != size {
        bytes.append(&mut read_all(file)?);
    }
    check_size(&bytes)?;
    Ok(bytes)
}

/// Reads a file to its end; fails if it has more than [`MAX_CACHE_FILE_BYTES`].
pub(crate) fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(
        &mut io::Read::take(file, MAX_CACHE_FILE_BYTES + 1),
        &mut bytes,
    )?;
    check_size(&bytes)?;
    Ok(bytes)
}

fn check_size(bytes: &[u8]) -> io::Result<()> {
    if bytes.len() as u64 > MAX_CACHE_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is larger than any saved value",
        ));
    }
    Ok(())
}

/// Whether an error comes from the machine rather than from the file, so that the next attempt may
/// succeed. `AGAIN`: another program has a lease on the file, which the kernel ends after 45 seconds at
/// most.
pub(crate) fn is_temporary(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::STALE | Errno::AGAIN
        )
    )
}

/// `None` if what the system was asked for does not exist.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Whether the name exists, but is not a folder: a link, a file or a device.
pub(super) fn is_not_a_folder(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::LOOP | Errno::NOTDIR)
    )
}
