//! The cache folder: whether this user can save there, and who else can read it.

use std::fs::{self, Metadata};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::doctor::finding::Finding;

const CHECK: &str = "cache";

/// What the app may serve to everybody.
const SERVED: [&str; 2] = ["public", "static"];

pub(super) fn check(app: &Path, folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(served(app, folder));
    let shown = folder.display();
    match fs::metadata(folder) {
        Ok(data) if data.is_dir() => {
            findings.push(usable(folder, &data));
            findings.extend(access(folder, &data));
        }
        Ok(_) => findings.push(Finding::error(
            CHECK,
            format!("{shown} is no folder"),
            "move it away, or name another folder in SSE_CACHE",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.push(missing(app, folder));
        }
        Err(error) => findings.push(Finding::error(
            CHECK,
            format!("{shown} cannot be looked at: {error}"),
            "let the user that runs the app reach it, or name another folder in SSE_CACHE",
        )),
    }
    findings
}

/// A folder that everybody may load files from.
fn served(app: &Path, folder: &Path) -> Option<Finding> {
    let resolved = |path: &Path| {
        existing(path)
            .canonicalize()
            .unwrap_or_else(|_| path.to_owned())
    };
    let name = SERVED.into_iter().find(|name| {
        let served = app.join(name);
        folder.starts_with(&served)
            || (served.is_dir() && resolved(folder).starts_with(resolved(&served)))
    })?;
    Some(Finding::error(
        CHECK,
        format!(
            "{} lies in {name}, which everybody may load files from",
            folder.display()
        ),
        "name a folder outside of it in SSE_CACHE, for example SSE_CACHE=writable/cache",
    ))
}

/// The app makes the folder: below its own all of the path, elsewhere the last part of it.
fn missing(app: &Path, folder: &Path) -> Finding {
    let shown = folder.display();
    let parent = existing(folder);
    if !folder.starts_with(app) && folder.parent() != Some(&parent) {
        return Finding::error(
            CHECK,
            format!("{shown} is not there, and neither is the folder it would be made in"),
            "make it, or correct SSE_CACHE",
        );
    }
    match try_out(&parent) {
        Ok(()) => Finding::ok(
            CHECK,
            format!("{shown} is not there yet: the app will make it"),
        ),
        Err(error) => Finding::error(
            CHECK,
            format!("{shown} is not there, and cannot be made: {error}"),
            format!(
                "let the user that runs the app write into {}",
                parent.display()
            ),
        ),
    }
}

/// The folder, or what there is of the path to it.
fn existing(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.exists());
    there.unwrap_or(folder).to_owned()
}

fn usable(folder: &Path, data: &Metadata) -> Finding {
    let shown = folder.display();
    let whose = format!(" ({})", rights(data));
    match try_out(folder) {
        Ok(()) => Finding::ok(CHECK, format!("{shown} can be written and read{whose}")),
        Err(error) => Finding::error(
            CHECK,
            format!("this user cannot save in {shown}{whose}: {error}"),
            "let the user that runs this write there (chown or chmod), or name another folder in \
             SSE_CACHE",
        ),
    }
}

/// Writes a file without a name that anybody looks for, and reads it back.
fn try_out(folder: &Path) -> io::Result<()> {
    const TEXT: &[u8] = b"sse doctor";
    let mut file = tempfile::Builder::new()
        .prefix(".sse-doctor-")
        .tempfile_in(folder)?;
    file.write_all(TEXT)?;
    file.rewind()?;
    let mut read = Vec::new();
    file.read_to_end(&mut read)?;
    if read != TEXT {
        return Err(io::Error::other(
            "what was written there is not what is read",
        ));
    }
    fs::read_dir(folder)?;
    file.close()
}

fn rights(data: &Metadata) -> String {
    format!(
        "mode {:04o}, owner {}, group {}",
        data.mode() & 0o7777,
        data.uid(),
        data.gid()
    )
}

fn access(folder: &Path, data: &Metadata) -> Vec<Finding> {
    let user = rustix::process::geteuid().as_raw();
    judge(&folder.display().to_string(), data.mode(), data.uid(), user)
}

fn judge(folder: &str, mode: u32, owner: u32, user: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    if mode & 0o002 != 0 {
        findings.push(Finding::warning(
            CHECK,
            format!("every user of this machine may write into {folder}, and so send events"),
            format!("chmod o-w '{folder}'"),
        ));
    }
    if owner != user {
        findings.push(Finding::note(
            CHECK,
            format!(
                "{folder} belongs to user {owner}, and this is user {user}: what is found here \
                 need not hold for the server"
            ),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    fn level(app: &Path, folder: &Path) -> Level {
        let findings = check(app, folder);
        let worst = findings.iter().find(|finding| finding.is_bad());
        worst.or(findings.first()).expect("there is one").level
    }

    #[test]
    fn nothing_is_made_and_nothing_stays_behind() {
        let app = tempfile::tempdir().expect("a folder");
        let folder = app.path().join("writable/cache");
        assert_eq!(level(app.path(), &folder), Level::Ok);
        assert!(!app.path().join("writable").exists());
        fs::create_dir_all(&folder).expect("it can be made");
        assert_eq!(level(app.path(), &folder), Level::Ok);
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 0);
    }

    #[test]
    fn a_folder_that_is_served_is_an_error() {
        let app = tempfile::tempdir().expect("a folder");
        assert_eq!(
            level(app.path(), &app.path().join("public/cache")),
            Level::Error
        );
        fs::create_dir(app.path().join("static")).expect("it can be made");
        std::os::unix::fs::symlink("static", app.path().join("link")).expect("a link");
        assert_eq!(
            level(app.path(), &app.path().join("link/cache")),
            Level::Error
        );
    }

    #[test]
    fn what_is_in_the_way_or_cannot_be_made_is_an_error() {
        let app = tempfile::tempdir().expect("a folder");
        let file = app.path().join("file");
        fs::write(&file, "").expect("it can be written");
        assert_eq!(level(app.path(), &file), Level::Error);
        assert_eq!(
            level(app.path(), Path::new("/none/such/cache")),
            Level::Error
        );
        assert_eq!(level(app.path(), &file.join("cache")), Level::Error);
    }

    #[test]
    fn a_folder_that_everybody_may_write_is_warned_about() {
        let levels = |mode, owner, user| -> Vec<Level> {
            let findings = judge("cache", mode, owner, user);
            findings.iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels(0o40700, 5, 5), []);
        assert_eq!(levels(0o41777, 5, 5), [Level::Warning]);
        assert_eq!(levels(0o40775, 5, 6), [Level::Note]);
    }
}
