//! Drop-ins that the server could not use: files of other programs that it may not read, or that have
//! no value, and whatever else has the name of a cache key.

use std::fs::{self, FileType, Metadata};
use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use rustix::fs::{Access, access};

use super::cache_access::describe_permissions;
use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("drop-ins");

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let events = config.events();
    let findings = events.keys().flat_map(|key| match events.is_private(key) {
        true => check_private_key(config, key),
        false => check_key(config, key, &is_readable),
    });
    findings.collect()
}

/// The file that another program writes, and the place where the server sets it aside.
fn files_of(config: &Config, key: &str) -> [PathBuf; 2] {
    let folder = config.cache_dir();
    [
        config.drop_in_path(key).unwrap_or_else(|| folder.join(key)),
        folder.join(".sse/broken").join(key),
    ]
}

/// A file names no audience, so the server refuses each.
fn check_private_key(config: &Config, key: &str) -> Vec<Finding> {
    let files = files_of(config, key);
    let is_file = |file: &&PathBuf| fs::symlink_metadata(file).is_ok_and(|found| found.is_file());
    let found = files.iter().filter(is_file).map(|file| {
        CHECK.warning(
            format!(
                "{} is a drop-in of a private key: the server refuses it, because a file names no audience",
                file.display()
            ),
            format!(
                "save the value with `sse save {key} VALUE --to AUDIENCE` instead, or remove `:private` after the key \
                 in SSE_EVENTS; then delete this file"
            ),
        )
    });
    found.collect()
}

fn is_readable(file: &Path) -> bool {
    access(file, Access::READ_OK).is_ok()
}

fn check_key(config: &Config, key: &str, is_readable: &impl Fn(&Path) -> bool) -> Vec<Finding> {
    let [waiting, skipped] = files_of(config, key);
    let mut findings = Vec::new();
    for file in [&waiting, &skipped] {
        let Ok(metadata) = fs::symlink_metadata(file) else {
            continue;
        };
        if !metadata.is_file() {
            findings.push(not_a_file(file, metadata.file_type()));
        } else if !is_readable(file) {
            findings.push(unreadable(config.cache_dir(), file, &metadata));
        } else if *file == skipped {
            findings.push(without_value(key, file));
        }
    }
    findings
}

fn unreadable(folder: &Path, file: &Path, metadata: &Metadata) -> Finding {
    let (folder, file) = (folder.display(), file.display());
    let permissions = describe_permissions(metadata);
    CHECK.warning(
        format!("this user cannot read {file} ({permissions}): a server of this user skips it"),
        format!(
            "run both programs as one user, or give them a common group (chgrp GROUP '{folder}'; \
             chmod 2770 '{folder}') that may read the files; in CodeIgniter, 'mode' => 0640 of $file \
             in app/Config/Cache.php lets it. Then delete this file"
        ),
    )
}

/// The server neither follows, opens nor moves it.
fn not_a_file(file: &Path, file_type: FileType) -> Finding {
    let kind = if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_dir() {
        "a folder"
    } else {
        "a named pipe, a socket or a device"
    };
    let file = file.display();
    CHECK.warning(
        format!(
            "{file} is {kind}: the server ignores it, and a program that writes to it triggers no \
             event"
        ),
        "remove it, so that programs can create a file under this key",
    )
}

fn without_value(key: &str, file: &Path) -> Finding {
    let file = file.display();
    CHECK.tip(
        format!(
            "the server has skipped a drop-in of {key}, and keeps it as {file}: its log says why"
        ),
        "correct the program that wrote it, then delete the file",
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::doctor::finding::Level;

    fn config(folder: &Path, events: &str) -> Config {
        let config = Config::new(folder, events).expect("it is valid");
        let config = config.with_cache_dir(folder).with_drop_in_prefix("p_");
        config.expect("it is valid")
    }

    #[test]
    fn unreadable_and_skipped_drop_ins_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let broken = folder.join(".sse/broken");
        fs::create_dir_all(&broken).expect("it can be created");
        for file in [
            folder.join("p_waiting"),
            broken.join("skipped"),
            broken.join("secret"),
        ] {
            fs::write(file, "1").expect("it can be written");
        }
        fs::create_dir(folder.join("p_folder")).expect("it can be created");
        let config = config(folder, "a:waiting");
        let levels = |key, is_readable: bool| -> Vec<Level> {
            let findings = check_key(&config, key, &|_: &Path| is_readable);
            findings.iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels("waiting", true), []);
        assert_eq!(levels("waiting", false), [Level::Warning]);
        assert_eq!(levels("skipped", true), [Level::Note]);
        assert_eq!(levels("secret", false), [Level::Warning]);
        assert_eq!(levels("none", false), []);
    }

    #[test]
    fn drop_ins_of_private_keys_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let broken = folder.join(".sse/broken");
        fs::create_dir_all(&broken).expect("it can be created");
        let config = config(folder, "a:k:private,b:l");
        assert_eq!(check(&config), []);
        for (index, file) in [folder.join("p_k"), broken.join("k")].iter().enumerate() {
            fs::write(file, "1").expect("it can be written");
            let findings = check(&config);
            assert_eq!(findings.len(), index + 1);
            let found = findings.last().expect("there is one");
            let name = file.display().to_string();
            assert!(found.is_problem() && found.message.starts_with(&name));
            let help = found.help.as_deref().unwrap_or_default();
            assert!(help.contains("sse save k VALUE --to"), "{help}");
        }
    }

    #[test]
    fn links_and_folders_under_a_key_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::create_dir(folder.join("p_folder")).expect("it can be created");
        symlink("elsewhere", folder.join("p_link")).expect("it can be created");
        let config = config(folder, "a:folder");
        for (key, kind) in [("folder", "a folder"), ("link", "a symbolic link")] {
            let findings = check_key(&config, key, &|_: &Path| true);
            let [finding] = findings.as_slice() else {
                panic!("{key}: {findings:?}");
            };
            assert_eq!(finding.level, Level::Warning, "{key}");
            assert!(finding.message.contains(kind), "{finding:?}");
        }
    }
}
