//! The cache folder, or the drop-in folder: whether this user can write there, and who else has access.

use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use actix_web_sse::{Cache, Config};

use super::drop_in_folder::DropInFolder;
use crate::doctor::finding::Finding;

/// Folders whose files apps usually serve to every visitor, whatever `SSE_PUBLIC` is.
const PUBLIC_FOLDERS: [&str; 2] = ["public", "static"];

/// The bit of a file's mode that lets every user write.
const WRITABLE_BY_OTHERS: u32 = 0o002;
/// The permissions in a file's mode, without its type.
const PERMISSION_BITS: u32 = 0o7777;

pub(super) fn check(config: &Config, folder: DropInFolder<'_>) -> Vec<Finding> {
    let app = config.app_dir();
    let mut findings: Vec<Finding> = public_folder(config, folder).into_iter().collect();
    let shown = folder.path.display();
    let choose_another = folder.choose_another();
    match fs::metadata(folder.path) {
        Ok(metadata) if metadata.is_dir() => {
            findings.extend(existing_folder(config, folder, &metadata));
            let user = rustix::process::geteuid().as_raw();
            let (mode, owner) = (metadata.mode(), metadata.uid());
            findings.extend(judge_access(folder, mode, owner, user));
        }
        Ok(_) => findings.push(folder.unusable(
            format!("{shown} is not a folder"),
            format!("move it away, or {choose_another}"),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.push(missing_folder(app, folder));
        }
        Err(error) => findings.push(folder.unusable(
            format!("{shown} cannot be accessed: {error}"),
            format!("give the user that runs the server access to it, or {choose_another}"),
        )),
    }
    findings
}

/// A cache folder whose files every visitor can download.
fn public_folder(config: &Config, folder: DropInFolder<'_>) -> Option<Finding> {
    let app = config.app_dir();
    let usual = PUBLIC_FOLDERS.map(|name| app.join(name));
    let folders = usual.into_iter().chain([config.public_dir().to_owned()]);
    let is_inside = |public: &PathBuf| resolve(folder.path).starts_with(resolve(public));
    let public = folders.into_iter().find(is_inside)?;
    let name = public.strip_prefix(app).unwrap_or(&public).display();
    let name = match name.to_string() {
        name if name.is_empty() => "the app's folder".to_owned(),
        name => name,
    };
    let setting = folder.setting();
    Some(folder.check().error(
        format!(
            "{} is inside {name}, whose files every visitor can download",
            folder.path.display()
        ),
        format!("set {setting} to a folder outside of it, for example {setting}=writable/cache"),
    ))
}

/// The path without symbolic links, as far as it exists.
fn resolve(path: &Path) -> PathBuf {
    let existing = existing_part(path);
    match (existing.canonicalize(), path.strip_prefix(existing)) {
        (Ok(existing), Ok(missing)) => existing.join(missing),
        _ => path.to_owned(),
    }
}

/// The longest part of the path that exists.
fn existing_part(path: &Path) -> &Path {
    let existing = path.ancestors().find(|path| path.exists());
    existing.unwrap_or(path)
}

/// The server creates the folder when it starts: with all parents if it is below the app's folder,
/// else only the last part of the path.
fn missing_folder(app: &Path, folder: DropInFolder<'_>) -> Finding {
    let (path, shown) = (folder.path, folder.path.display());
    let parent = existing_part(path);
    if !path.starts_with(app) && path.parent() != Some(parent) {
        return folder.unusable(
            format!("{shown} does not exist, and neither does its parent folder"),
            format!("create the folder, or correct {}", folder.setting()),
        );
    }
    let parent_shown = parent.display();
    match try_write(parent) {
        Ok(()) => folder.check().ok(format!(
            "{shown} does not exist yet: the server will create it"
        )),
        Err(error) => folder.unusable(
            format!("{shown} does not exist and cannot be created: {error}"),
            format!("give the user that runs the server write access to {parent_shown}"),
        ),
    }
}

fn existing_folder(config: &Config, folder: DropInFolder<'_>, metadata: &Metadata) -> Vec<Finding> {
    let shown = folder.path.display();
    let permissions = describe_permissions(metadata);
    let choose_another = folder.choose_another();
    if let Err(error) = try_write(folder.path) {
        let consequence = match folder.is_cache {
            true => "cannot save in",
            false => "cannot write to the drop-in folder",
        };
        return vec![folder.unusable(
            format!("this user {consequence} {shown} ({permissions}): {error}"),
            format!(
                "give the user that runs the server write access (chown or chmod), or {choose_another}"
            ),
        )];
    }
    if !folder.is_cache {
        let message = format!("drop-ins in {shown} can be read and removed ({permissions})");
        return vec![folder.check().ok(message)];
    }
    let is_writable =
        (folder.check()).ok(format!("{shown} can be written and read ({permissions})"));
    // Why a server cannot use the journal that the folder contains. The library has the same reason
    // when it refuses an edit of SSE_CACHE.
    let error = Cache::check(config).err();
    let unusable = error.map(|error| folder.check().refusal(&error, &choose_another));
    [is_writable].into_iter().chain(unusable).collect()
}

pub(super) fn describe_permissions(metadata: &Metadata) -> String {
    let mode = metadata.mode() & PERMISSION_BITS;
    let (owner, group) = (metadata.uid(), metadata.gid());
    format!("mode {mode:04o}, owner {owner}, group {group}")
}

/// Writes a file and removes it. Its name begins with a dot, so that no server takes it for a drop-in.
fn try_write(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".sse-doctor-")
        .tempfile_in(folder)?;
    file.write_all(b"sse doctor")?;
    fs::read_dir(folder)?;
    file.close()
}

fn judge_access(folder: DropInFolder<'_>, mode: u32, owner: u32, user: u32) -> Vec<Finding> {
    let (check, folder) = (folder.check(), folder.path.display());
    let mut findings = Vec::new();
    if mode & WRITABLE_BY_OTHERS != 0 {
        findings.push(check.warning(
            format!("every user of this machine can write to {folder}, and so send events"),
            format!("chmod o-w '{folder}'"),
        ));
    }
    if owner != user {
        findings.push(check.note(format!(
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

    fn findings(config: &Config) -> Vec<Finding> {
        check(config, DropInFolder::of(config).expect("a folder"))
    }

    /// The level of the first problem, or of the first finding.
    fn level(app: &Path, folder: &Path) -> Level {
        let config = Config::new(app, "a:k").expect("valid");
        let findings = findings(&config.with_cache_dir(folder));
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
        drop(Cache::open(&config).expect("it can be created"));
        let problem = || findings(&config).into_iter().find(Finding::is_problem);
        assert_eq!(problem(), None);
        let names = fs::read_dir(config.cache_dir().join(".sse")).expect("it exists");
        let names = names.map(|name| name.expect("a name").path());
        let mut ids = names.map(|path| path.join(".id"));
        let id = ids.find(|id| id.exists()).expect("the journal's id");
        fs::write(id, "format 99\nsomething else\n").expect("it can be written");
        let finding = problem().expect("a finding");
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
            let folder = DropInFolder {
                path: Path::new("cache"),
                is_cache: true,
            };
            let findings = judge_access(folder, mode, owner, user);
            findings.iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels(0o40700, 5, 5), []);
        assert_eq!(levels(0o41777, 5, 5), [Level::Warning]);
        assert_eq!(levels(0o40775, 5, 6), [Level::Note]);
    }
}
