//! New contents of a file in a temporary file, and how they replace the target.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::editing::receipt;
use crate::exit::Failure;

/// Begins the name of every temporary file.
pub(super) const TEMPORARY_PREFIX: &str = ".sse-";
const TEMPORARY_SUFFIX: &str = ".tmp";
/// Ends the name of a pending copy.
const PENDING_SUFFIX: &str = ".pending";
/// The random characters between prefix and suffix, as many as tempfile itself uses.
const TEMPORARY_RANDOM_CHARS: usize = 6;

/// Contents in a temporary file. It is locked, so that a concurrent `recover`
/// does not remove it.
pub(super) struct StagedFile {
    temporary: NamedTempFile,
    contents: Vec<u8>,
}

impl StagedFile {
    /// Writes `contents` beside the target, on the same file system. The file gets the owner and
    /// mode in `metadata`, or those of a new file.
    pub(super) fn new(
        target: &Path,
        contents: &[u8],
        metadata: Option<&Metadata>,
    ) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder
            .prefix(TEMPORARY_PREFIX)
            .suffix(TEMPORARY_SUFFIX)
            .rand_bytes(TEMPORARY_RANDOM_CHARS);
        // The contents may be secret: until the file has the mode of the one it replaces,
        // only its owner may read it. A new file's mode is the umask's decision.
        let mode = if metadata.is_some() { 0o600 } else { 0o666 };
        builder.permissions(Permissions::from_mode(mode));
        let mut temporary = builder.tempfile_in(staging_folder(target))?;
        // Ignored: if the file system has no locks, `recover` cannot lock the file either, and
        // leaves it alone.
        let _ = temporary.as_file().lock();
        temporary.write_all(contents)?;
        if let Some(metadata) = metadata {
            adopt_owner(temporary.as_file(), metadata);
            temporary
                .as_file()
                .set_permissions(metadata.permissions())?;
        }
        temporary.as_file().sync_all()?;
        Ok(Self {
            temporary,
            contents: contents.to_vec(),
        })
    }

    /// Whether a rename may replace the target. It must not if the target has several hard
    /// links or another owner, because the rename would break the links or change the owner.
    pub(super) fn can_replace(&self, target: &Metadata) -> bool {
        let staged = self.temporary.as_file().metadata();
        staged.is_ok_and(|staged| target.nlink() == 1 && has_same_owner(&staged, target))
    }

    pub(super) fn create(self, target: &Path) -> io::Result<()> {
        let created = self.temporary.persist_noclobber(target);
        created.map(|_| ()).map_err(|error| error.error)
    }

    pub(super) fn rename(self, target: &Path) -> io::Result<()> {
        let renamed = self.temporary.persist(target);
        renamed.map(|_| ()).map_err(|error| error.error)
    }

    /// Overwrites the target's bytes. If the process is killed meanwhile, it leaves the pending
    /// copy, from which `recover` completes the target.
    pub(super) fn write_in_place(self, target: &Path) -> Result<(), WriteError> {
        let failed = |error: &io::Error| Failure::io("write", target, error);
        let before = fs::read(target).map_err(|error| failed(&error))?;
        // Before the copy is in place: a target that this user may not write is not torn.
        let file = open_for_writing(target).map_err(|error| failed(&error))?;
        let copy = PendingCopy::path(target, &before);
        let locked = self.temporary.persist(&copy);
        let _locked = locked.map_err(|error| failed(&error.error))?;
        let write = |contents| overwrite(&file, contents).and_then(|()| fs::remove_file(&copy));
        let Err(error) = write(&self.contents) else {
            return Ok(());
        };
        let failure = failed(&error);
        let Err(error) = write(&before) else {
            return Err(failure.into());
        };
        let copy = copy.display();
        Err(WriteError {
            failure: failure.append(&format!("; the file could not be restored ({error}); its new contents are in {copy}, and the next `sse install` or `sse uninstall` writes them")),
            is_completed_later: true,
        })
    }
}

/// Why a change was not made.
pub(super) struct WriteError {
    pub(super) failure: Failure,
    /// Whether a file has neither its old nor its new contents, and the next run completes it.
    pub(super) is_completed_later: bool,
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_completed_later: false,
        }
    }
}

/// The copy of the new contents beside a file that is written in place. Its name contains the
/// file's name and a hash of the old contents.
pub(super) struct PendingCopy<'a> {
    /// The name of the file that is written.
    pub(super) target: &'a str,
    old_hash: u64,
}

impl<'a> PendingCopy<'a> {
    pub(super) fn path(target: &Path, before: &[u8]) -> PathBuf {
        let mut name = OsString::from(TEMPORARY_PREFIX);
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{:016x}{PENDING_SUFFIX}", receipt::hash(before)));
        target.with_file_name(name)
    }

    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let name = name
            .strip_prefix(TEMPORARY_PREFIX)?
            .strip_suffix(PENDING_SUFFIX)?;
        let (target, hash) = name.rsplit_once('.')?;
        let old_hash = u64::from_str_radix(hash, 16).ok()?;
        Some(Self { target, old_hash })
    }

    /// Whether `contents` are those of the file before it was written.
    pub(super) fn has_old_contents(&self, contents: &[u8]) -> bool {
        self.old_hash == receipt::hash(contents)
    }
}

/// The nearest existing folder above the target. Missing ones are created later.
fn staging_folder(target: &Path) -> &Path {
    let mut folders = target.ancestors().skip(1);
    folders
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."))
}

/// Opens the file and leaves its contents as they are.
pub(super) fn open_for_writing(target: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(target)
}

pub(super) fn overwrite(mut target: &File, contents: &[u8]) -> io::Result<()> {
    target.set_len(0)?;
    target.rewind()?;
    target.write_all(contents)?;
    target.sync_all()
}

/// Whether `name` is that of a temporary file of `install` or `uninstall`.
pub(super) fn is_temporary(name: &str) -> bool {
    let random = name
        .strip_prefix(TEMPORARY_PREFIX)
        .and_then(|name| name.strip_suffix(TEMPORARY_SUFFIX));
    random.is_some_and(|random| {
        random.len() == TEMPORARY_RANDOM_CHARS
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn has_same_owner(a: &Metadata, b: &Metadata) -> bool {
    (a.uid(), a.gid()) == (b.uid(), b.gid())
}

/// Gives the file the owner of its target, if this user may do that.
fn adopt_owner(file: &File, target: &Metadata) {
    let has_owner = file
        .metadata()
        .is_ok_and(|staged| has_same_owner(&staged, target));
    if !has_owner {
        // Ignored: if it is refused, the target is written in place.
        let _ = fchown(file, Some(target.uid()), Some(target.gid()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_temporary_files_are_recognised() {
        let staged = StagedFile::new(&std::env::temp_dir().join("x"), b"", None)
            .expect("can create the file");
        let name = staged
            .temporary
            .path()
            .file_name()
            .expect("the path has a file name");
        assert!(is_temporary(name.to_str().expect("valid UTF-8")));
        for other in [
            ".sse-.tmp",
            ".sse-abcde.tmp",
            ".sse-abcdefg.tmp",
            ".sse-abc.ef.tmp",
            "sse-abcdef.tmp",
            ".sse-abcdef.tmp~",
        ] {
            assert!(!is_temporary(other), "{other}");
        }
        let path = PendingCopy::path(Path::new("a/.env"), b"before");
        let name = path.file_name().and_then(|name| name.to_str());
        let copy =
            PendingCopy::parse(name.expect("the path has a file name")).expect("it is a copy's");
        assert_eq!(copy.target, ".env");
        assert!(copy.has_old_contents(b"before") && !copy.has_old_contents(b"after"));
        assert!(path.starts_with("a") && PendingCopy::parse(".sse-abcdef.tmp").is_none());
    }
}
