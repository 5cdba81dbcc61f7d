//! A directory that is held open, and the operations in it.
//!
//! Other users may be allowed to write below the cache folder. A path that they can change between
//! two system calls may lead anywhere. So everything below the cache folder is reached from an open
//! descriptor, one name at a time, and no symbolic link is followed.

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
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW},
    io::Errno,
};

use crate::platform;

/// More than any value that can be saved; a larger file is not one of ours.
pub(crate) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A directory, open for as long as this lives.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// The path it was opened by, for messages.
    path: PathBuf,
}

/// Tells a file or directory from every other, as long as a descriptor keeps it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

impl Dir {
    /// Opens a directory by a path that the user configured. Links in it are followed: they are
    /// the user's.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            fd: fs::openat(CWD, path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens a directory in this one. Fails with `ELOOP` or `ENOTDIR` if it is a symbolic link.
    pub(crate) fn open_dir(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            fd: fs::openat(&self.fd, name, flags, Mode::empty())?,
            path: self.path_of(name),
        })
    }

    /// Opens a regular file for reading.
    ///
    /// Symbolic links are not followed. Opening a FIFO would wait for a writer, hence `NONBLOCK`.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        self.regular(fs::openat(&self.fd, name, flags, Mode::empty())?)
    }

    /// Opens a regular file for writing.
    pub(super) fn open_file_to_write(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = self.regular(fs::openat(&self.fd, name, flags, Mode::empty())?)?;
        // Another user may have given a file of ours a second name, to have us write into it.
        if fs::fstat(&file)?.st_nlink > 1 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it has a second name (a hard link)",
            ));
        }
        Ok(file)
    }

    fn regular(&self, fd: OwnedFd) -> io::Result<File> {
        if FileType::from_raw_mode(fs::fstat(&fd)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        Ok(fd.into())
    }

    /// Creates a file; fails with `AlreadyExists` if the name is taken.
    pub(super) fn create_file(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode))?.into())
    }

    pub(super) fn create_dir(&self, name: &str, mode: u32) -> io::Result<()> {
        Ok(fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode))?)
    }

    /// Describes what has this name, and follows no link; `None` if nothing has it.
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

    /// Whether this directory is what has this name in `parent`.
    pub(super) fn is_at(&self, parent: &Self, name: &str) -> io::Result<bool> {
        let found = parent.stat(name)?;
        Ok(found.map(|found| Identity::of(&found)) == Some(self.identity()?))
    }

    pub(crate) fn identity(&self) -> io::Result<Identity> {
        Ok(Identity::of(&fs::fstat(&self.fd)?))
    }

    /// Whether the directory was removed while it was open.
    pub(crate) fn is_removed(&self) -> bool {
        fs::fstat(&self.fd).is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Renames a file or directory, and replaces a file of the new name.
    pub(crate) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.fd, name, &to.fd, new_name)?)
    }

    /// Renames a file or directory; fails with `AlreadyExists` if the new name is taken.
    pub(crate) fn rename_new(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let renamed = platform::rename_without_replacing(self.as_fd(), name, to.as_fd(), new_name);
        renamed.unwrap_or_else(|| self.link_new(name, to, new_name))
    }

    fn link_new(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        let is_dir = self.stat(name)?.is_some_and(|stat| is_dir(&stat));
        if !is_dir {
            fs::linkat(&self.fd, name, &to.fd, new_name, AtFlags::empty())?;
            // It has its new name. If the old one stays, it is an unfinished file that is removed
            // later.
            let _ = self.remove_file(name);
            return Ok(());
        }
        // A directory cannot be linked. Renaming onto a directory that is not empty fails, and a
        // directory that has a name of ours is never empty for long.
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

    /// Removes a file or a link; fails on a directory.
    pub(crate) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    pub(crate) fn remove_dir(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
    }

    /// Sets a file's times to now, so that programs that remove old files leave it alone.
    pub(super) fn touch(&self, name: &str) -> io::Result<()> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        Ok(fs::utimensat(
            &self.fd,
            name,
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// The names in the directory that are valid UTF-8, in no particular order. Ours all are; names
    /// of other programs do not matter.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        // A listing has a position, so it needs a descriptor of its own.
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

    /// How a message names what has this name.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A path to this directory, wherever it was moved to, for system calls that take no
    /// descriptor. Without `/proc` there is only the path by which it was opened.
    pub(crate) fn live_path(&self) -> PathBuf {
        let path = PathBuf::from(format!("/proc/self/fd/{}", self.fd.as_raw_fd()));
        if path.is_dir() {
            path
        } else {
            self.path.clone()
        }
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

pub(crate) fn is_dir(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

pub(crate) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// How long ago the file was changed, by the wall clock; `None` if that lies ahead.
pub(super) fn age(stat: &Stat, now: SystemTime) -> Option<Duration> {
    let seconds = u64::try_from(stat.st_mtime).ok()?;
    now.duration_since(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .ok()
}

/// The rest of a file's content.
pub(crate) fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, MAX_FILE_BYTES + 1), &mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is larger than any saved value",
        ));
    }
    Ok(bytes)
}

/// Whether an error comes from the machine rather than from the file, so that the next try may
/// succeed.
pub(crate) fn is_temporary(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::STALE)
    )
}

/// Whether something other than a directory has the name: a link, a file, a device.
pub(super) fn is_no_dir(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::LOOP | Errno::NOTDIR)
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    fn dir() -> (tempfile::TempDir, Dir) {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::open(temporary.path()).unwrap();
        (temporary, dir)
    }

    #[test]
    fn a_rename_replaces_nothing() {
        let (_guard, dir) = dir();
        for name in ["a", "b"] {
            let mut file = dir.create_file(name, 0o600).unwrap();
            file.write_all(name.as_bytes()).unwrap();
        }
        for rename in [Dir::rename_new, Dir::link_new] {
            let error = rename(&dir, "a", &dir, "b").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(dir.path_of("b")).unwrap(), b"b");
            assert_eq!(fs::read(dir.path_of("a")).unwrap(), b"a");
            let error = rename(&dir, "none", &dir, "c").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn links_and_fifos_are_not_opened() {
        let (_guard, dir) = dir();
        std::os::unix::fs::symlink("/etc/hostname", dir.path_of("link")).unwrap();
        std::os::unix::fs::symlink("/etc", dir.path_of("link-to-dir")).unwrap();
        rustix::fs::mknodat(&dir, "fifo", FileType::Fifo, Mode::RUSR, 0).unwrap();
        dir.create_dir("dir", 0o700).unwrap();
        for name in ["link", "link-to-dir", "fifo", "dir"] {
            assert!(dir.open_file(name).is_err(), "{name}");
            assert_eq!(dir.open_dir(name).is_ok(), name == "dir", "{name}");
        }
        assert!(is_no_dir(&dir.open_dir("link-to-dir").unwrap_err()));
    }

    #[test]
    fn a_moved_directory_is_still_the_same() {
        let (_guard, dir) = dir();
        dir.create_dir("a", 0o700).unwrap();
        let held = dir.open_dir("a").unwrap();
        assert!(held.is_at(&dir, "a").unwrap());
        dir.rename_new("a", &dir, "b").unwrap();
        assert!(!held.is_at(&dir, "a").unwrap());
        held.create_file("f", 0o600).unwrap();
        assert!(fs::exists(dir.path_of("b/f")).unwrap());
        assert_eq!(held.names().unwrap(), ["f"]);
    }
}
