//! The journal's id, which distinguishes it from every other journal.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use rustix::io::Errno;

use super::{
    open_folder::{FileIdentity, OpenFolder, read_all},
    permissions::Permissions,
    random::random_u64,
};
use crate::{epoch::Epoch, platform::boot_id};

/// With a leading dot, as all files of the journal: see `layout`.
const ID_FILE_NAME: &str = ".id";

/// The version of the format on disk that this code reads and writes.
pub(super) const JOURNAL_FORMAT_VERSION: u32 = 2;

/// The file with the journal's id, held open.
///
/// While this file has its name, the journal is the one in its folder. Programs that clean up remove
/// it together with the entries. Every process then notices that the name is missing or belongs to
/// another file.
#[derive(Debug)]
pub(super) struct IdFile {
    /// While it is open, the system gives its identity to no other file.
    _held: File,
    identity: FileIdentity,
    path: PathBuf,
    epoch: Epoch,
    is_of_this_boot: bool,
}

#[derive(Debug)]
pub(super) enum IdError {
    /// The file is missing, or the library cannot have written it.
    Damaged,
    /// A newer version of this library has written it.
    Newer,
    Io(io::Error),
}

impl IdFile {
    pub(super) fn open(journal: &OpenFolder) -> Result<Self, IdError> {
        let mut file = journal.open_file(ID_FILE_NAME).map_err(IdError::from)?;
        let stat =
            rustix::fs::fstat(&file).map_err(|error| IdError::from(io::Error::from(error)))?;
        let text = read_all(&mut file).map_err(IdError::from)?;
        let IdContent { id, boot } = parse(&text)?;
        Ok(Self {
            identity: FileIdentity::from_stat(&stat),
            path: journal.path_of(ID_FILE_NAME),
            epoch: mix_epoch(id, fingerprint(&file, &stat), boot_id()),
            is_of_this_boot: boot == Some(boot_id()),
            _held: file,
        })
    }

    /// Writes the id of a new journal.
    pub(super) fn write(permissions: &Permissions, journal: &OpenFolder) -> io::Result<()> {
        let (mut file, unfinished) = permissions.create_unfinished_file(journal)?;
        let (high, low, boot) = (random_u64()?, random_u64()?, boot_id());
        write!(
            file,
            "format {JOURNAL_FORMAT_VERSION}\nid {high:016x}{low:016x}\nboot {boot:032x}\n"
        )?;
        unfinished.replace(ID_FILE_NAME)
    }

    /// Whether its path still leads to this file. Any other error than a missing file, such as a
    /// folder on the path that may not be searched, proves neither.
    pub(super) fn is_in_place(&self) -> Result<bool, Errno> {
        match rustix::fs::stat(&self.path) {
            Ok(found) => Ok(FileIdentity::from_stat(&found) == self.identity),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes the file look new to programs that remove old files.
    pub(super) fn touch(journal: &OpenFolder) {
        // Only the file's owner may do this, and one process that does it is enough.
        let _ = journal.touch(ID_FILE_NAME);
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether the journal was created since the machine's last boot. Then its epoch contains all of
    /// its entries.
    pub(super) fn is_of_this_boot(&self) -> bool {
        self.is_of_this_boot
    }
}

/// Mixes the id, the file that contains it and the machine's boot.
///
/// A crash of the machine may lose the last entries, since saves are not synced to the disk one by
/// one. A copy of the folder, such as a restored backup, gets other entries than its original. In
/// both cases a new epoch starts.
fn mix_epoch(id: u128, fingerprint: u128, boot: u128) -> Epoch {
    // An odd multiplier spreads the few bits in which two files differ over all bits. This one is
    // 2^128 divided by the golden ratio, whose bits follow no pattern.
    let fingerprint = fingerprint.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let mixed = id ^ boot ^ fingerprint;
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    Epoch(half(mixed >> 64) ^ half(mixed))
}

/// Distinguishes the file from a copy of it: by its inode, and by its time of creation if the file
/// system stores that, because inodes are reused.
fn fingerprint(file: &File, stat: &rustix::fs::Stat) -> u128 {
    let since_1970 = file
        .metadata()
        .and_then(|found| found.created())
        .ok()
        .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
    let time = since_1970.map_or(0, |time| time.as_nanos());
    time << 64 ^ u128::from(stat.st_ino)
}

impl From<io::Error> for IdError {
    fn from(error: io::Error) -> Self {
        let is_no_file = matches!(
            Errno::from_io_error(&error),
            Some(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO)
        );
        let is_unusable = matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        );
        if is_no_file || is_unusable {
            Self::Damaged
        } else {
            Self::Io(error)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct IdContent {
    id: u128,
    /// The boot in which the journal was created.
    boot: Option<u128>,
}

fn parse(text: &[u8]) -> Result<IdContent, IdError> {
    let text = std::str::from_utf8(text).map_err(|_| IdError::Damaged)?;
    let mut lines = text.lines();
    let format = lines.next().and_then(|line| line.strip_prefix("format "));
    match format.and_then(|format| format.parse().ok()) {
        Some(JOURNAL_FORMAT_VERSION) => {}
        Some(format) if format > JOURNAL_FORMAT_VERSION => return Err(IdError::Newer),
        _ => return Err(IdError::Damaged),
    }
    let mut value = |name| {
        let line = lines.next().and_then(|line| line.strip_prefix(name));
        line.and_then(|value| u128::from_str_radix(value, 16).ok())
    };
    Ok(IdContent {
        id: value("id ").ok_or(IdError::Damaged)?,
        boot: value("boot "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::file::discard::JOURNAL_NAME;

    #[test]
    fn the_journals_name_ends_with_the_version_of_its_format() {
        let version = JOURNAL_FORMAT_VERSION.to_string();
        assert_eq!(JOURNAL_NAME.strip_prefix("journal-"), Some(&*version));
    }

    #[test]
    fn a_newer_format_is_distinguished_from_a_damaged_id() {
        let content = |boot| IdContent { id: 15, boot };
        assert_eq!(parse(b"format 2\nid 0f\n").unwrap(), content(None));
        let text = b"format 2\nid 0f\nboot 0a\n";
        assert_eq!(parse(text).unwrap(), content(Some(10)));
        assert!(matches!(parse(b"format 3\nanything"), Err(IdError::Newer)));
        for text in [
            &b""[..],
            b"format 1\nid 0f\n",
            b"format 2\n",
            b"format 2\nid x\n",
            b"\xff",
            b"0123456789abcdef0123456789abcdef\n",
        ] {
            assert!(matches!(parse(text), Err(IdError::Damaged)));
        }
    }
}
