//! The journal's id, which distinguishes it from every other journal.

use std::{
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    path::PathBuf,
};

use rustix::io::Errno;

use super::{
    open_folder::{FileIdentity, OpenFolder, read_all},
    permissions::Permissions,
    random::random_u64,
    test_hooks::{boot_id, stall_point},
    unfinished::UnfinishedItem,
};
use crate::epoch::{Epoch, Epochs, FormerEpoch};

/// With a leading dot, as all files of the journal: see `layout`.
const ID_FILE_NAME: &str = ".id";

// The lines of the file begin with these.
const FORMAT: &str = "format ";
const ID: &str = "id ";
const BOOT: &str = "boot ";
const FILE: &str = "file ";
const EPOCH: &str = "epoch ";
const FORMER: &str = "former ";

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
    held: File,
    identity: FileIdentity,
    path: PathBuf,
    content: IdContent,
}

/// Why a journal cannot be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    Missing,
    /// The library cannot have written it like this. The folder is held open, so that no other is discarded
    /// in its place. `None`: the name does not belong to a folder.
    Damaged(Option<OpenFolder>),
    /// A newer version of this library has created it.
    Newer,
    Io(io::Error),
}

impl IdFile {
    /// A file that is missing is damage, too.
    pub(super) fn open(journal: &OpenFolder) -> Result<Self, OpenError> {
        let mut file = journal.open_file(ID_FILE_NAME)?;
        let stat = rustix::fs::fstat(&file).map_err(io::Error::from)?;
        let text = read_all(&mut file)?;
        Ok(Self {
            identity: FileIdentity::from_stat(&stat),
            path: journal.path_of(ID_FILE_NAME),
            content: parse(&text)?,
            held: file,
        })
    }

    /// Writes the id of a new journal.
    pub(super) fn create(permissions: &Permissions, journal: &OpenFolder) -> io::Result<()> {
        let (high, low) = (random_u64()?, random_u64()?);
        let content = IdContent {
            id: u128::from(high) << 64 | u128::from(low),
            origin: Origin::default(),
            epochs: Epoch(random_u64()?).into(),
        };
        content.write(permissions, journal)?.replace(ID_FILE_NAME)
    }

    /// Starts the next epoch, after the entry `newest`. The file is replaced, so every process that has
    /// the journal open notices. `NotFound` if another process was faster. After another error, this
    /// process alone is in the new epoch.
    pub(super) fn start_epoch(
        &mut self,
        permissions: &Permissions,
        journal: &OpenFolder,
        newest: u64,
    ) -> io::Result<()> {
        let next = Epoch(random_u64()?);
        self.content.epochs = self.content.epochs.followed_by(next, newest);
        let unfinished = self.content.write(permissions, journal)?;
        stall_point();
        // It takes long on a busy disk, so another process may have started an epoch meanwhile.
        if !self.is_in_place()? {
            return Err(io::ErrorKind::NotFound.into());
        }
        unfinished.replace(ID_FILE_NAME)?;
        *self = Self::open(journal)?;
        Ok(())
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

    pub(super) fn epochs(&self) -> &Epochs {
        &self.content.epochs
    }

    /// Whether the current epoch started in this file, rather than in one that it is a copy of, and since
    /// the last boot. `false` if the boot is not known.
    pub(super) fn is_of_this_boot(&self) -> bool {
        let Origin { boot, file } = self.content.origin;
        boot.is_some() && boot == boot_id() && fingerprint(&self.held).is_ok_and(|own| own == file)
    }
}

/// Distinguishes the file from a copy of it: by its inode, and by its time of creation if the file
/// system stores that, because inodes are reused.
fn fingerprint(file: &File) -> io::Result<u128> {
    let metadata = file.metadata()?;
    let since_1970 = metadata
        .created()
        .ok()
        .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
    let time = since_1970.map_or(0, |time| time.as_nanos());
    Ok(time << 64 ^ u128::from(metadata.ino()))
}

/// For a lock that is held as long as the journal is open.
impl AsFd for IdFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.held.as_fd()
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io(error) => error,
            _ => io::ErrorKind::InvalidData.into(),
        }
    }
}

impl From<io::Error> for OpenError {
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
            Self::Damaged(None)
        } else {
            Self::Io(error)
        }
    }
}

#[derive(Debug)]
struct IdContent {
    id: u128,
    origin: Origin,
    epochs: Epochs,
}

/// Where the current epoch started.
#[derive(Debug, Clone, Copy, Default)]
struct Origin {
    /// The boot of the machine, if that is known.
    boot: Option<u128>,
    /// The [`fingerprint`] of the file.
    file: u128,
}

impl IdContent {
    /// Writes a file that has no name yet, so that no process sees a part of it.
    fn write<'a>(
        &self,
        permissions: &Permissions,
        journal: &'a OpenFolder,
    ) -> io::Result<UnfinishedItem<'a>> {
        let (mut file, unfinished) = permissions.create_unfinished_file(journal)?;
        let origin = Origin {
            boot: boot_id(),
            file: fingerprint(&file)?,
        };
        file.write_all(self.text(origin).as_bytes())?;
        // The journal would be discarded if a crash of the machine left this file without its content.
        file.sync_all()?;
        Ok(unfinished)
    }

    fn text(&self, origin: Origin) -> String {
        let Origin { boot, file } = origin;
        let (id, boot) = (self.id, boot.unwrap_or_default());
        let epoch = self.epochs.current();
        let former = self.epochs.former().iter();
        let former =
            former.map(|former| format!("{FORMER}{} {}\n", former.epoch, former.last_number));
        format!(
            "{FORMAT}{JOURNAL_FORMAT_VERSION}\n{ID}{id:032x}\n{BOOT}{boot:032x}\n{FILE}{file:032x}\n\
             {EPOCH}{epoch}\n{}",
            former.collect::<String>()
        )
    }
}

fn parse(text: &[u8]) -> Result<IdContent, OpenError> {
    let damaged = || OpenError::Damaged(None);
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    let format = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(FORMAT));
    match format.and_then(|format| format.parse().ok()) {
        Some(JOURNAL_FORMAT_VERSION) => {}
        Some(format) if format > JOURNAL_FORMAT_VERSION => return Err(OpenError::Newer),
        _ => return Err(damaged()),
    }
    let value = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let number = |name| u128::from_str_radix(value(name)?, 16).ok();
    // A journal without an epoch gets one when it is opened.
    let current = value(EPOCH).and_then(|epoch| epoch.parse().ok());
    let former = text.lines().filter_map(parse_former);
    Ok(IdContent {
        id: number(ID).ok_or_else(damaged)?,
        origin: Origin {
            boot: number(BOOT).filter(|boot| *boot != 0),
            file: number(FILE).unwrap_or_default(),
        },
        epochs: Epochs::new(current.unwrap_or_default(), &former.collect::<Vec<_>>()),
    })
}

fn parse_former(line: &str) -> Option<FormerEpoch> {
    let (epoch, last_number) = line.strip_prefix(FORMER)?.split_once(' ')?;
    Some(FormerEpoch {
        epoch: epoch.parse().ok()?,
        last_number: last_number.parse().ok()?,
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
        assert!(matches!(
            parse(b"format 3\nanything"),
            Err(OpenError::Newer)
        ));
        for text in [
            &b""[..],
            b"format 1\nid 0f\n",
            b"format 2\n",
            b"format 2\nid x\n",
            b"\xff",
            b"0123456789abcdef0123456789abcdef\n",
        ] {
            assert!(matches!(parse(text), Err(OpenError::Damaged(None))));
        }
    }

    #[test]
    fn the_content_is_read_as_it_was_written() {
        let epochs = Epochs::from(Epoch(1)).followed_by(Epoch(2), 40);
        for boot in [Some(10), None] {
            let origin = Origin { boot, file: 11 };
            let epochs = epochs.followed_by(Epoch(3), 50);
            let content = IdContent {
                id: 15,
                origin,
                epochs,
            };
            let read = parse(content.text(origin).as_bytes()).unwrap();
            assert_eq!(
                (read.id, read.origin.boot, read.origin.file),
                (15, boot, 11)
            );
            assert_eq!(read.epochs.current(), Epoch(3));
            assert_eq!(read.epochs.former(), content.epochs.former());
        }
        let without_epoch = parse(b"format 2\nid 0f\nboot 0a\n").unwrap();
        assert_eq!(without_epoch.epochs.current(), Epoch::default());
        assert!(without_epoch.epochs.former().is_empty());
    }
}
