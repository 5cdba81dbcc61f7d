//! The journal's id: what tells it from every other journal, and from itself before a fault.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use super::{
    access::{Access, random},
    dir::{Dir, Identity, read_all},
};
use crate::{epoch::Epoch, platform::boot_id};

const NAME: &str = ".id";

/// The version of the format on disk that this code reads and writes.
pub(super) const FORMAT: u32 = 2;

/// The file with the journal's id, held open.
///
/// It says whether this is still the journal at its address. Programs that clean up remove it
/// together with entries, and every process notices that another file has its name, or none.
#[derive(Debug)]
pub(super) struct IdFile {
    /// As long as it is open, no other file gets its identity.
    _held: File,
    identity: Identity,
    path: PathBuf,
    epoch: Epoch,
    is_of_this_boot: bool,
}

/// Why there is no id.
#[derive(Debug)]
pub(super) enum NoId {
    /// The file is missing, or cannot have been written by us.
    Damaged,
    /// A newer version of this library has written it.
    Newer,
    Unreadable(io::Error),
}

impl IdFile {
    pub(super) fn open(journal: &Dir) -> Result<Self, NoId> {
        let mut file = journal.open_file(NAME).map_err(NoId::from)?;
        let stat = rustix::fs::fstat(&file).map_err(|error| NoId::from(io::Error::from(error)))?;
        let text = read_all(&mut file).map_err(NoId::from)?;
        let Content { id, boot } = parse(&text)?;
        Ok(Self {
            identity: Identity::of(&stat),
            path: journal.path_of(NAME),
            epoch: epoch(id, created(&file, &stat), boot_id()),
            is_of_this_boot: boot == Some(boot_id()),
            _held: file,
        })
    }

    /// Writes the id of a new journal.
    pub(super) fn write(access: &Access, journal: &Dir) -> io::Result<()> {
        let (mut file, unfinished) = access.unfinished_file(journal)?;
        let (high, low, boot) = (random()?, random()?, boot_id());
        write!(
            file,
            "format {FORMAT}\nid {high:016x}{low:016x}\nboot {boot:032x}\n"
        )?;
        unfinished.replace(NAME)
    }

    /// Whether its path still leads to this file.
    pub(super) fn is_in_place(&self) -> bool {
        rustix::fs::stat(&self.path).is_ok_and(|found| Identity::of(&found) == self.identity)
    }

    /// Lets it look new to programs that remove old files.
    pub(super) fn touch(journal: &Dir) {
        // Only its owner may do this, and one who does is enough.
        let _ = journal.touch(NAME);
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether the journal was begun since the machine's last boot, so that its epoch has all its
    /// entries.
    pub(super) fn is_of_this_boot(&self) -> bool {
        self.is_of_this_boot
    }

    /// Opens the file once more: a lock belongs to one opening of a file.
    pub(super) fn open_again(&self, journal: &Dir) -> io::Result<File> {
        let file = journal.open_file(NAME)?;
        if Identity::of(&rustix::fs::fstat(&file)?) == self.identity {
            Ok(file)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }
}

/// The id, the file that has it, and the machine's boot, mixed.
///
/// A reboot may lose the last entries, since saves are not synced to the disk one by one. A copy of
/// the folder, such as a backup that was restored, has other entries than its original. Either way,
/// what follows is another epoch.
fn epoch(id: u128, created: u128, boot: u128) -> Epoch {
    // NonRegularFile multipliers spread the few bits in which two files differ.
    let created = created.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let mixed = id ^ boot ^ created;
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    Epoch(half(mixed >> 64) ^ half(mixed))
}

/// Tells the file from a copy of it: by its inode, and by the time of its creation where the file
/// system keeps it, because inodes are used again.
fn created(file: &File, stat: &rustix::fs::Stat) -> u128 {
    let since_1970 = file
        .metadata()
        .and_then(|found| found.created())
        .ok()
        .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
    let time = since_1970.map_or(0, |time| time.as_nanos());
    time << 64 ^ u128::from(stat.st_ino)
}

impl From<io::Error> for NoId {
    fn from(error: io::Error) -> Self {
        use rustix::io::Errno;
        let is_no_file = matches!(
            Errno::from_io_error(&error),
            Some(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO)
        );
        let is_odd = matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        );
        if is_no_file || is_odd {
            Self::Damaged
        } else {
            Self::Unreadable(error)
        }
    }
}

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    id: u128,
    /// The boot in which the journal was begun.
    boot: Option<u128>,
}

fn parse(text: &[u8]) -> Result<Content, NoId> {
    let text = std::str::from_utf8(text).map_err(|_| NoId::Damaged)?;
    let mut lines = text.lines();
    let format = lines.next().and_then(|line| line.strip_prefix("format "));
    match format.and_then(|format| format.parse().ok()) {
        Some(FORMAT) => {}
        Some(format) if format > FORMAT => return Err(NoId::Newer),
        _ => return Err(NoId::Damaged),
    }
    let mut value = |name| {
        let line = lines.next().and_then(|line| line.strip_prefix(name));
        line.and_then(|value| u128::from_str_radix(value, 16).ok())
    };
    Ok(Content {
        id: value("id ").ok_or(NoId::Damaged)?,
        boot: value("boot "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_format_is_told_from_a_damaged_one() {
        let content = |boot| Content { id: 15, boot };
        assert_eq!(parse(b"format 2\nid 0f\n").unwrap(), content(None));
        let text = b"format 2\nid 0f\nboot 0a\n";
        assert_eq!(parse(text).unwrap(), content(Some(10)));
        assert!(matches!(parse(b"format 3\nanything"), Err(NoId::Newer)));
        for text in [
            &b""[..],
            b"format 1\nid 0f\n",
            b"format 2\n",
            b"format 2\nid x\n",
            b"\xff",
            b"0123456789abcdef0123456789abcdef\n",
        ] {
            assert!(matches!(parse(text), Err(NoId::Damaged)));
        }
    }
}
