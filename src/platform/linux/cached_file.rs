//! Reads a file without waiting for a disk.

use std::{
    io::IoSliceMut,
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    fs::{self, FileType, Mode, OFlags, ResolveFlags},
    io::{ReadWriteFlags, preadv2},
};

/// The types of local file systems that read without waiting, from statfs(2): ext4 (also ext2 and ext3), XFS and Btrfs.
const FILE_SYSTEMS: [i128; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// Whether the file system of this folder has such reads. To open a file on a network file system may wait for its
/// server, whatever is in memory.
pub(crate) fn can_read_cached(folder: BorrowedFd<'_>) -> bool {
    // Wide enough for the types of every system, some of which extend the sign.
    let file_system = |stat: fs::StatFs| i128::from(stat.f_type) & 0xffff_ffff;
    fs::fstatfs(folder).is_ok_and(|stat| FILE_SYSTEMS.contains(&file_system(stat)))
}

/// The whole content of a regular file in this folder, if it has one name and at most this many bytes, and the kernel
/// has all of it in memory. Call it only if [`can_read_cached`].
pub(crate) fn read_cached(folder: BorrowedFd<'_>, name: &str, max_bytes: usize) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // `RESOLVE_CACHED` fails unless the name is in the kernel's cache, and `RWF_NOWAIT` unless the content is.
    let file = fs::openat2(folder, name, flags, Mode::empty(), ResolveFlags::CACHED).ok()?;
    let stat = fs::fstat(&file).ok()?;
    let size = usize::try_from(stat.st_size).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if !is_file || stat.st_nlink != 1 || size > max_bytes {
        return None;
    }
    // One byte more than it has: a read that fills the buffer has not reached the end.
    let mut bytes = vec![0; size + 1];
    let mut buffer = [IoSliceMut::new(&mut bytes)];
    let count = preadv2(file.as_fd(), &mut buffer, 0, ReadWriteFlags::NOWAIT).ok()?;
    bytes.truncate(count);
    (count == size).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn folders_that_are_not_on_a_disk_have_no_such_reads() {
        let folder = fs::File::open("/proc/self").unwrap();
        assert!(!can_read_cached(folder.as_fd()));
    }

    #[test]
    fn only_a_usual_file_with_one_name_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let opened = fs::File::open(folder.path()).unwrap();
        let read = |name| read_cached(opened.as_fd(), name, 5);
        let path = |name| folder.path().join(name);
        for (name, content) in [("fits", "12345"), ("empty", ""), ("large", "123456")] {
            fs::write(path(name), content).unwrap();
        }
        if !can_read_cached(opened.as_fd()) {
            return;
        }
        // A rename elsewhere at the same moment may make the kernel give up.
        let read_again = |name| (0..100).find_map(|_| read(name));
        assert_eq!(read_again("fits").as_deref(), Some(&b"12345"[..]));
        assert_eq!(read_again("empty").as_deref(), Some(&b""[..]));
        fs::hard_link(path("fits"), path("second name")).unwrap();
        symlink(path("empty"), path("link")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        for name in ["fits", "large", "second name", "link", "folder", "absent"] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
