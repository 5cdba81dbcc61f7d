//! The file system of the cache folder: its type, and its free space.

use std::path::Path;

use crate::doctor::finding::Finding;

const CHECK: &str = "file-system";

pub(super) fn check(folder: &Path) -> Vec<Finding> {
    // A folder that does not exist yet will be on the file system of its nearest parent.
    let Some(folder) = folder.ancestors().find(|path| path.is_dir()) else {
        return Vec::new();
    };
    let mut findings = vec![file_system_type(folder)];
    if let Ok(stats) = rustix::fs::statvfs(folder) {
        findings.extend(no_space(
            &folder.display().to_string(),
            stats.f_bavail.saturating_mul(stats.f_frsize),
            // Zero: the file system does not limit the number of files.
            (stats.f_files > 0).then_some(stats.f_favail),
        ));
    }
    findings
}

#[cfg(target_os = "linux")]
fn file_system_type(folder: &Path) -> Finding {
    let shown = folder.display().to_string();
    match rustix::fs::statfs(folder) {
        Ok(stats) => {
            // The type has 32 bits. The width and the sign of the field depend on the architecture.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::unnecessary_cast,
                reason = "only the lower 32 bits are used"
            )]
            let type_number = stats.f_type as u32;
            judge_type(&shown, type_number)
        }
        Err(error) => Finding::note(
            CHECK,
            format!("the type of the file system of {shown} is unknown: {error}"),
        ),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn file_system_type(_: &Path) -> Finding {
    let message = "whether the cache is on a network file system is not checked on this system";
    Finding::note(CHECK, message)
}

/// File systems on which other machines may change files without a notification here. The numbers
/// are Linux's, from statfs(2).
#[cfg(target_os = "linux")]
const SHARED_FILE_SYSTEMS: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x517B, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x786F_4256, "VirtualBox"),
];

#[cfg(target_os = "linux")]
fn judge_type(folder: &str, type_number: u32) -> Finding {
    let mut shared = SHARED_FILE_SYSTEMS.iter();
    let Some((_, name)) = shared.find(|(number, _)| *number == type_number) else {
        return Finding::ok(CHECK, format!("{folder} is on a local file system"));
    };
    Finding::warning(
        CHECK,
        format!(
            "{folder} is on a {name} file system: values that other machines save there are \
             noticed once every SSE_POLL_INTERVAL only, and renames may not be atomic"
        ),
        "set SSE_CACHE to a folder on a local disk",
    )
}

/// A disk with less free space counts as full: a log or a database fills it at any moment.
const MIN_FREE_BYTES: u64 = 1024 * 1024;

fn no_space(folder: &str, free_bytes: u64, free_files: Option<u64>) -> Option<Finding> {
    let message = if free_bytes < MIN_FREE_BYTES {
        format!("the disk of {folder} is full: {free_bytes} bytes are left")
    } else if free_files == Some(0) {
        format!("no more files can be created on the disk of {folder}: all its inodes are in use")
    } else {
        return None;
    };
    Some(Finding::warning(
        CHECK,
        message,
        "free space on that disk, or set SSE_CACHE to another folder",
    ))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn network_file_systems_are_a_warning() {
        for (type_number, level) in [
            (0x6969, Level::Warning),
            (0xFF53_4D42, Level::Warning),
            (0x6573_5546, Level::Warning),
            (0xEF53, Level::Ok),      // ext4
            (0x794C_7630, Level::Ok), // overlay
            (0x0102_1994, Level::Ok), // tmpfs
        ] {
            let found = judge_type("cache", type_number).level;
            assert_eq!(found, level, "{type_number:x}");
        }
        assert_eq!(file_system_type(Path::new("/proc")).level, Level::Ok);
    }

    #[test]
    fn a_full_disk_is_a_warning() {
        assert!(no_space("cache", MIN_FREE_BYTES, Some(1)).is_none());
        assert!(no_space("cache", MIN_FREE_BYTES, None).is_none());
        let message = |bytes, files| {
            let finding = no_space("cache", bytes, files);
            finding.expect("it is full").message
        };
        assert!(message(MIN_FREE_BYTES - 1, None).contains("is full"));
        assert!(message(MIN_FREE_BYTES, Some(0)).contains("inodes"));
    }

    #[test]
    fn a_missing_folder_is_judged_by_its_parent() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(!check(&dir.path().join("a/b")).is_empty());
    }
}
