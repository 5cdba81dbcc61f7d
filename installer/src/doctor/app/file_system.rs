//! The file system that the cache folder is on: its kind, and the room on it.

use std::path::Path;

use crate::doctor::finding::Finding;

const CHECK: &str = "file-system";

pub(super) fn check(folder: &Path) -> Vec<Finding> {
    // Of a folder that is not there yet, what there is of its path tells.
    let Some(folder) = folder.ancestors().find(|path| path.is_dir()) else {
        return Vec::new();
    };
    let mut findings = vec![kind(folder)];
    if let Ok(room) = rustix::fs::statvfs(folder) {
        findings.extend(full(
            &folder.display().to_string(),
            room.f_bavail.saturating_mul(room.f_frsize),
            // Some file systems have no fixed number of files, and tell none.
            (room.f_files > 0).then_some(room.f_favail),
        ));
    }
    findings
}

#[cfg(target_os = "linux")]
fn kind(folder: &Path) -> Finding {
    let shown = folder.display().to_string();
    match rustix::fs::statfs(folder) {
        Ok(found) => {
            // The numbers have 32 bits; the field's width and sign differ between machines.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::unnecessary_cast,
                reason = "only the lower 32 bits mean something"
            )]
            let number = found.f_type as u32;
            judge(&shown, number)
        }
        Err(error) => Finding::note(CHECK, format!("{shown} does not tell its kind: {error}")),
    }
}

#[cfg(not(target_os = "linux"))]
fn kind(_: &Path) -> Finding {
    let what = "whether the cache is on a network file system is not examined on this system";
    Finding::note(CHECK, what)
}

/// Names of file systems whose files others may change unseen, by Linux's number (statfs(2)).
#[cfg(target_os = "linux")]
const SHARED: [(u32, &str); 11] = [
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
fn judge(folder: &str, number: u32) -> Finding {
    let Some((_, name)) = SHARED.iter().find(|(shared, _)| *shared == number) else {
        return Finding::ok(
            CHECK,
            format!("{folder} is on a file system of this machine"),
        );
    };
    Finding::warning(
        CHECK,
        format!(
            "{folder} is on a {name} file system: what other machines save there is seen at each \
             SSE_POLL_INTERVAL, and not all of them keep renames whole"
        ),
        "name a folder on a disk of this machine in SSE_CACHE",
    )
}

/// Less than this is as good as full.
const LITTLE: u64 = 1024 * 1024;

fn full(folder: &str, bytes: u64, files: Option<u64>) -> Option<Finding> {
    let what = if bytes < LITTLE {
        format!("the disk of {folder} is full: {bytes} bytes are left")
    } else if files == Some(0) {
        format!("the disk of {folder} has room for no more files: all its inodes are in use")
    } else {
        return None;
    };
    Some(Finding::warning(
        CHECK,
        what,
        "make room there, or name another folder in SSE_CACHE",
    ))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn file_systems_of_a_network_are_warned_about() {
        for (number, level) in [
            (0x6969, Level::Warning),
            (0xFF53_4D42, Level::Warning),
            (0x6573_5546, Level::Warning),
            (0xEF53, Level::Ok),      // ext4
            (0x794C_7630, Level::Ok), // overlay
            (0x0102_1994, Level::Ok), // tmpfs
        ] {
            assert_eq!(judge("cache", number).level, level, "{number:x}");
        }
        // Nothing but the kernel's own numbers is known of these.
        assert_eq!(kind(Path::new("/proc")).level, Level::Ok);
    }

    #[test]
    fn a_full_disk_is_warned_about() {
        assert!(full("cache", LITTLE, Some(1)).is_none());
        assert!(full("cache", LITTLE, None).is_none());
        let what = |bytes, files| full("cache", bytes, files).expect("it is full").what;
        assert!(what(LITTLE - 1, None).contains("is full"));
        assert!(what(LITTLE, Some(0)).contains("inodes"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_judged_by_its_parent() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(!check(&dir.path().join("a/b")).is_empty());
    }
}
