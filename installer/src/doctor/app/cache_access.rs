//! The cache folder: whether this user can save there, and who else has access.

use std::fs::{self, Metadata};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use actix_web_sse::{Cache, Config};

use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("cache");

/// Folders whose files apps usually serve to every visitor.
const PUBLIC_FOLDERS: [&str; 2] = ["public", "static"];

/// The bit of a file's mode that lets every user write.
const WRITABLE_BY_OTHERS: u32 = 0o002;
/// The permissions in a file's mode, without its type.
const PERMISSION_BITS: u32 = 0o7777;

pub(super) fn check(app: &Path, folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(public_folder(app, folder));
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {
            findings.push(existing_folder(folder, &metadata));
            findings.extend(check_access(folder, &metadata));
        }
        Ok(_) => findings.push(CHECK.error(
            format!("{} is not a folder", folder.display()),
            "move it away, or set SSE_CACHE to another folder",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.push(missing_folder(app, folder));
        }
        Err(error) => findings.push(CHECK.error(
            format!("{} cannot be accessed: {error}", folder.display()),
            "give the user that runs the app access to it, or set SSE_CACHE to another folder",
        )),
    }
    findings
}

/// Why a server cannot use the journal that the folder contains. The library has the same reason when it
/// refuses an edit of SSE_CACHE.
pub(super) fn check_journal(config: &Config) -> Option<Finding> {
    // The other checks report a folder that cannot be written.
    try_write(config.cache_dir()).ok()?;
    let error = Cache::check(config).err()?;
    let help = error.help().unwrap_or("set SSE_CACHE to another folder");
    Some(CHECK.error(error.to_string(), help))
}

/// A cache folder whose files every visitor can download.
fn public_folder(app: &Path, folder: &Path) -> Option<Finding> {
    let name = PUBLIC_FOLDERS.into_iter().find(|name| {
        let public = app.join(name);
        folder.starts_with(&public)
            || (public.is_dir() && resolve(folder).starts_with(resolve(&public)))
    })?;
    Some(CHECK.error(
        format!(
            "{} is inside {name}, whose files every visitor can download",
            folder.display()
        ),
        "set SSE_CACHE to a folder outside of it, for example SSE_CACHE=writable/cache",
    ))
}

/// The path without symbolic links, as far as it exists.
fn resolve(path: &Path) -> PathBuf {
    existing_part(path)
        .canonicalize()
        .unwrap_or_else(|_| path.to_owned())
}

/// The longest part of the path that exists.
fn existing_part(path: &Path) -> PathBuf {
    let existing = path.ancestors().find(|path| path.exists());
    existing.unwrap_or(path).to_owned()
}

/// The app creates the folder when it starts: with all parents if it is below the app's folder,
/// else only the last part of the path.
fn missing_folder(app: &Path, folder: &Path) -> Finding {
    let shown = folder.display();
    let parent = existing_part(folder);
    if !folder.starts_with(app) && folder.parent() != Some(&parent) {
        return CHECK.error(
            format!("{shown} does not exist, and neither does its parent folder"),
            "create the folder, or correct SSE_CACHE",
        );
    }
    match try_write(&parent) {
        Ok(()) => CHECK.ok(format!(
            "{shown} does not exist yet: the app will create it"
        )),
        Err(error) => CHECK.error(
            format!("{shown} does not exist and cannot be created: {error}"),
            format!(
                "give the user that runs the app write access to {}",
                parent.display()
            ),
        ),
    }
}

fn existing_folder(folder: &Path, metadata: &Metadata) -> Finding {
    let shown = folder.display();
    let permissions = format!(
        "mode {:04o}, owner {}, group {}",
        metadata.mode() & PERMISSION_BITS,
        metadata.uid(),
        metadata.gid()
    );
    match try_write(folder) {
        Ok(()) => CHECK.ok(format!("{shown} can be written and read ({permissions})")),
        Err(error) => CHECK.error(
            format!("this user cannot save in {shown} ({permissions}): {error}"),
            "give the user that runs this write access (chown or chmod), or set SSE_CACHE to \
             another folder",
        ),
    }
}

/// Writes a file, reads it back and removes it. Its name begins with a dot, so that no server takes
/// it for a drop-in.
fn try_write(folder: &Path) -> io::Result<()> {
    const CONTENTS: &[u8] = b"sse doctor";
    let mut file = tempfile::Builder::new()
        .prefix(".sse-doctor-")
        .tempfile_in(folder)?;
    file.write_all(CONTENTS)?;
    file.rewind()?;
    let mut read_back = Vec::new();
    file.read_to_end(&mut read_back)?;
    if read_back != CONTENTS {
        return Err(io::Error::other(
            "the contents of a test file changed between writing and reading it",
        ));
    }
    fs::read_dir(folder)?;
    file.close()
}

fn check_access(folder: &Path, metadata: &Metadata) -> Vec<Finding> {
    let user = rustix::process::geteuid().as_raw();
    let folder = folder.display().to_string();
    judge_access(&folder, metadata.mode(), metadata.uid(), user)
}

fn judge_access(folder: &str, mode: u32, owner: u32, user: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    if mode & WRITABLE_BY_OTHERS != 0 {
        findings.push(CHECK.warning(
            format!("every user of this machine can write to {folder}, and so send events"),
            format!("chmod o-w '{folder}'"),
        ));
    }
    if owner != user {
        findings.push(CHECK.note(format!(
            "{folder} belongs to user {owner}, but this command runs as user {user}: the \
                 findings may not apply to the server"
        )));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    /// The level of the first problem, or of the first finding.
    fn level(app: &Path, folder: &Path) -> Level {
        let findings = check(app, folder);
        let problem = findings.iter().find(|finding| finding.is_problem());
        problem.or(findings.first()).expect("a finding").level
    }

    #[test]
    fn the_check_creates_no_folder_and_leaves_no_file() {
        let app = tempfile::tempdir().expect("a folder");
        let folder = app.path().join("writable/cache");
        assert_eq!(level(app.path(), &folder), Level::Ok);
        assert!(!app.path().join("writable").exists());
        fs::create_dir_all(&folder).expect("it can be created");
        assert_eq!(level(app.path(), &folder), Level::Ok);
        assert_eq!(fs::read_dir(&folder).expect("it exists").count(), 0);
    }

    #[test]
    fn a_journal_that_this_version_cannot_use_is_an_error() {
        let app = tempfile::tempdir().expect("a folder");
        let config = Config::new(app.path(), "a:k").expect("valid");
        assert_eq!(check_journal(&config), None);
        assert!(!app.path().join("writable").exists());
        drop(Cache::open(&config).expect("it can be created"));
        assert_eq!(check_journal(&config), None);
        let names = fs::read_dir(config.cache_dir().join(".sse")).expect("it exists");
        let names = names.map(|name| name.expect("a name").path());
        let mut ids = names.map(|path| path.join(".id"));
        let id = ids.find(|id| id.exists()).expect("the journal's id");
        fs::write(id, "format 99\nsomething else\n").expect("it can be written");
        let finding = check_journal(&config).expect("a finding");
        assert_eq!(finding.level, Level::Error);
        assert!(finding.message.contains("newer version"), "{finding:?}");
    }

    #[test]
    fn a_public_cache_folder_is_an_error() {
        let app = tempfile::tempdir().expect("a folder");
        let app = app.path();
        assert_eq!(level(app, &app.join("public/cache")), Level::Error);
        fs::create_dir(app.join("static")).expect("it can be created");
        std::os::unix::fs::symlink("static", app.join("link")).expect("a link");
        assert_eq!(level(app, &app.join("link/cache")), Level::Error);
    }

    #[test]
    fn a_file_or_a_folder_that_cannot_be_created_is_an_error() {
        let app = tempfile::tempdir().expect("a folder");
        let app = app.path();
        let file = app.join("file");
        fs::write(&file, "").expect("it can be written");
        assert_eq!(level(app, &file), Level::Error);
        assert_eq!(level(app, Path::new("/none/such/cache")), Level::Error);
        assert_eq!(level(app, &file.join("cache")), Level::Error);
    }

    #[test]
    fn a_folder_that_every_user_can_write_is_a_warning() {
        let levels = |mode, owner, user| -> Vec<Level> {
            let findings = judge_access("cache", mode, owner, user);
            findings.iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels(0o40700, 5, 5), []);
        assert_eq!(levels(0o41777, 5, 5), [Level::Warning]);
        assert_eq!(levels(0o40775, 5, 6), [Level::Note]);
    }
}
