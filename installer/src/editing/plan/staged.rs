//! New contents of a file, on the disk already, and how they take their place.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::editing::receipt;

/// Every name of a temporary file of ours begins with it.
pub(super) const PREFIX: &str = ".sse-";
const SUFFIX: &str = ".tmp";
/// Ends the name of a copy that is kept while its target is written in place.
const PENDING: &str = ".pending";
/// How many characters stand between prefix and suffix, at random.
const RANDOM: usize = 6;

/// Contents in a temporary file, locked for as long as it is ours.
pub(super) struct Staged {
    temporary: NamedTempFile,
    contents: Vec<u8>,
}

impl Staged {
    /// Puts `contents` beside the target, on the same file system, with the target's
    /// owner and mode or what the umask gives a new file.
    pub(super) fn new(
        target: &Path,
        contents: &[u8],
        metadata: Option<&Metadata>,
    ) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
        // The contents may be secret: until the file has the mode of the one it replaces,
        // only its owner may read it. A new file's mode is the umask's decision.
        let mode = if metadata.is_some() { 0o600 } else { 0o666 };
        builder.permissions(Permissions::from_mode(mode));
        let mut temporary = builder.tempfile_in(folder_of(target))?;
        // Where there are no locks it has none, and nobody will take it for abandoned.
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

    /// Whether a rename over this target would leave it what it is. It would not where the
    /// target is one of several names of a file, or somebody else's file.
    pub(super) fn fits(&self, target: &Metadata) -> bool {
        let own = self.temporary.as_file().metadata();
        own.is_ok_and(|own| {
            target.nlink() == 1 && (target.uid(), target.gid()) == (own.uid(), own.gid())
        })
    }

    pub(super) fn create(self, target: &Path) -> io::Result<()> {
        let created = self.temporary.persist_noclobber(target);
        created.map(|_| ()).map_err(|error| error.error)
    }

    pub(super) fn rename(self, target: &Path) -> io::Result<()> {
        let renamed = self.temporary.persist(target);
        renamed.map(|_| ()).map_err(|error| error.error)
    }

    /// Writes over the target's bytes. A process that is killed meanwhile leaves the copy, with
    /// which [`recover`](super::recover) completes the writing.
    pub(super) fn write_in_place(self, target: &Path) -> Result<(), Stopped> {
        let before = fs::read(target)?;
        let copy = Copy::path(target, &before);
        let _locked = self.temporary.persist(&copy).map_err(|error| error.error)?;
        let written = overwrite(target, &self.contents).and_then(|()| fs::remove_file(&copy));
        written.map_err(|error| {
            let put_back = overwrite(target, &before).and_then(|()| fs::remove_file(&copy));
            let torn = put_back.err().map(|error| {
                let copy = copy.display();
                format!("it could not be put back ({error}), but what it is to say is in {copy}, and the next `sse install` or `sse uninstall` puts it there")
            });
            Stopped { error, torn }
        })
    }
}

/// Why a file was not written in place.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) error: io::Error,
    /// Where it is not as it was before: what becomes of it.
    pub(super) torn: Option<String>,
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self { error, torn: None }
    }
}

/// The copy that lies beside a file while it is written in place. Its name says which file,
/// and what that was before.
pub(super) struct Copy<'a> {
    /// The name of the file that it is of.
    pub(super) target: &'a str,
    hash: u64,
}

impl<'a> Copy<'a> {
    fn path(target: &Path, before: &[u8]) -> PathBuf {
        let mut name = OsString::from(PREFIX);
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{:016x}{PENDING}", receipt::hash(before)));
        target.with_file_name(name)
    }

    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let name = name.strip_prefix(PREFIX)?.strip_suffix(PENDING)?;
        let (target, hash) = name.rsplit_once('.')?;
        let hash = u64::from_str_radix(hash, 16).ok()?;
        Some(Self { target, hash })
    }

    /// Whether this is what the file said before it was written.
    pub(super) fn was(&self, contents: &[u8]) -> bool {
        self.hash == receipt::hash(contents)
    }
}

/// The nearest folder that is there: those that are missing will be made in it.
fn folder_of(target: &Path) -> &Path {
    let mut folders = target.ancestors().skip(1);
    folders
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."))
}

pub(super) fn overwrite(target: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(target)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Whether this is how a temporary file of ours is named.
pub(super) fn is_temporary(name: &str) -> bool {
    let random = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Gives the file to the owner of the one it replaces, as far as we may.
fn adopt_owner(file: &File, target: &Metadata) {
    let is_own = file
        .metadata()
        .is_ok_and(|own| (own.uid(), own.gid()) == (target.uid(), target.gid()));
    if !is_own {
        // Where it is refused, the target is written in place.
        let _ = fchown(file, Some(target.uid()), Some(target.gid()));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Where the copy is of a file that said `before`.
    pub(crate) fn copy_path(target: &Path, before: &[u8]) -> PathBuf {
        Copy::path(target, before)
    }

    #[test]
    fn own_names_are_told_from_others() {
        let staged = Staged::new(&std::env::temp_dir().join("x"), b"", None).expect("it is made");
        let name = staged.temporary.path().file_name().expect("it has one");
        assert!(is_temporary(name.to_str().expect("it is text")));
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
        let path = Copy::path(Path::new("a/.env"), b"before");
        let name = path.file_name().and_then(|name| name.to_str());
        let copy = Copy::parse(name.expect("it has one")).expect("it is a copy's");
        assert_eq!(copy.target, ".env");
        assert!(copy.was(b"before") && !copy.was(b"after"));
        assert!(path.starts_with("a") && Copy::parse(".sse-abcdef.tmp").is_none());
    }
}
