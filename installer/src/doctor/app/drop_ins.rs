//! Drop-ins that the server could not use: files of other programs that it may not read, or that have
//! no value.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::doctor::finding::Finding;

const CHECK: &str = "drop-ins";

/// The permissions in a file's mode, without its type.
const PERMISSION_BITS: u32 = 0o7777;

pub(super) fn check<'a>(folder: &Path, keys: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    keys.flat_map(|key| check_key(folder, key, &is_readable))
        .collect()
}

fn is_readable(file: &Path) -> bool {
    access(file, Access::READ_OK).is_ok()
}

fn check_key(folder: &Path, key: &str, is_readable: &impl Fn(&Path) -> bool) -> Vec<Finding> {
    let waiting = folder.join(key);
    // The server sets a drop-in aside here.
    let skipped = folder.join(".sse/broken").join(key);
    let mut findings = Vec::new();
    for file in [&waiting, &skipped] {
        let metadata = fs::symlink_metadata(file);
        let Some(metadata) = metadata.ok().filter(fs::Metadata::is_file) else {
            continue;
        };
        if !is_readable(file) {
            findings.push(unreadable(folder, file, &metadata));
        } else if *file == skipped {
            findings.push(without_value(key, file));
        }
    }
    findings
}

fn unreadable(folder: &Path, file: &Path, metadata: &fs::Metadata) -> Finding {
    let folder = folder.display();
    Finding::warning(
        CHECK,
        format!(
            "this user cannot read {} (mode {:04o}, owner {}, group {}): a server of this user skips it",
            file.display(),
            metadata.mode() & PERMISSION_BITS,
            metadata.uid(),
            metadata.gid()
        ),
        format!(
            "run both programs as one user, or give them a common group (chgrp GROUP '{folder}'; \
             chmod 2770 '{folder}') that may read the files; in CodeIgniter, 'mode' => 0640 of $file in \
             app/Config/Cache.php lets it. Then delete this file"
        ),
    )
}

fn without_value(key: &str, file: &Path) -> Finding {
    let message = format!(
        "the server has skipped a drop-in of {key}, and keeps it as {}: its log says why",
        file.display()
    );
    Finding::note(CHECK, message)
        .with_help("correct the program that wrote it, then delete the file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Level;

    #[test]
    fn unreadable_and_skipped_drop_ins_are_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let broken = folder.join(".sse/broken");
        fs::create_dir_all(&broken).expect("it can be created");
        for file in [
            folder.join("waiting"),
            broken.join("skipped"),
            broken.join("secret"),
        ] {
            fs::write(file, "1").expect("it can be written");
        }
        fs::create_dir(folder.join("folder")).expect("it can be created");
        let levels = |key, is_readable: bool| -> Vec<Level> {
            let findings = check_key(folder, key, &|_: &Path| is_readable);
            findings.iter().map(|finding| finding.level).collect()
        };
        assert_eq!(levels("waiting", true), []);
        assert_eq!(levels("waiting", false), [Level::Warning]);
        assert_eq!(levels("skipped", true), [Level::Note]);
        assert_eq!(levels("secret", false), [Level::Warning]);
        for key in ["none", "folder"] {
            assert_eq!(levels(key, false), [], "{key}");
        }
    }
}
