//! The file system of the cache folder: its type, and its free space.

#[cfg(all(target_os = "linux", not(portable)))]
mod linux_types;

#[cfg(all(target_os = "linux", not(portable)))]
use std::path::Path;

use super::drop_in_folder::DropInFolder;
use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("file-system");

pub(super) fn check(folder: DropInFolder<'_>) -> Vec<Finding> {
    // A folder that does not exist yet will be on the file system of its nearest parent.
    let Some(path) = folder.path.ancestors().find(|path| path.is_dir()) else {
        return Vec::new();
    };
    let mut findings = vec![file_system_type(path, folder)];
    if let Ok(stats) = rustix::fs::statvfs(path) {
        findings.extend(check_space(
            &path.display().to_string(),
            folder.setting(),
            stats.f_bavail.saturating_mul(stats.f_frsize),
            // Zero: the file system does not limit the number of files.
            (stats.f_files > 0).then_some(stats.f_favail),
        ));
    }
    findings
}

#[cfg(all(target_os = "linux", not(portable)))]
fn file_system_type(path: &Path, folder: DropInFolder<'_>) -> Finding {
    let shown = path.display();
    match linux_types::shared_file_system(path) {
        Ok(None) => CHECK.ok(format!("{shown} is on a local file system")),
        Ok(Some(name)) => CHECK.warning(
            format!(
                "{shown} is on a {name} file system: values that other machines save there are \
                 found only once per SSE_POLL_INTERVAL, and renames may not be atomic"
            ),
            format!("set {} to a folder on a local disk", folder.setting()),
        ),
        Err(error) => CHECK.note(format!(
            "the type of the file system of {shown} is unknown: {error}"
        )),
    }
}

#[cfg(any(not(target_os = "linux"), portable))]
fn file_system_type(_: &std::path::Path, _: DropInFolder<'_>) -> Finding {
    let message = "whether the folder is on a network file system is not checked on this system";
    CHECK.note(message)
}

/// A disk with less free space counts as full: a log or a database fills it at any moment.
const MIN_FREE_BYTES: u64 = 1024 * 1024;

fn check_space(
    folder: &str,
    setting: &str,
    free_bytes: u64,
    free_files: Option<u64>,
) -> Option<Finding> {
    let message = if free_bytes < MIN_FREE_BYTES {
        format!("the disk of {folder} is full: {free_bytes} bytes are left")
    } else if free_files == Some(0) {
        format!("no more files can be created on the disk of {folder}: all its inodes are in use")
    } else {
        return None;
    };
    Some(CHECK.warning(
        message,
        format!("free space on that disk, or set {setting} to another folder"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_warning() {
        assert!(check_space("cache", "SSE_CACHE", MIN_FREE_BYTES, Some(1)).is_none());
        assert!(check_space("cache", "SSE_CACHE", MIN_FREE_BYTES, None).is_none());
        let finding =
            |bytes, files| check_space("cache", "SSE_DROP_INS", bytes, files).expect("it is full");
        assert!(
            finding(MIN_FREE_BYTES - 1, None)
                .message
                .contains("is full")
        );
        let without_inodes = finding(MIN_FREE_BYTES, Some(0));
        assert!(without_inodes.message.contains("inodes"));
        assert!(
            without_inodes
                .help
                .is_some_and(|help| help.contains("SSE_DROP_INS"))
        );
    }

    #[test]
    fn a_missing_folder_is_judged_by_its_parent() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a/b");
        let is_cache = true;
        let folder = DropInFolder {
            path: &path,
            is_cache,
        };
        assert!(!check(folder).is_empty());
    }
}
