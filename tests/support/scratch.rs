//! A folder that is removed even if the test's process ends without dropping it.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::running::Running;

/// Waits until the pipe to it is closed: the system closes it however the test's process ends. By
/// two seconds later the programs that write into the folder have ended, too.
const REMOVE_AT_END: &str = r#"read -r _; sleep 2; rm -rf -- "$0""#;

/// Statics are never dropped, so a browser or a server that tests share needs such a folder.
pub(crate) struct ScratchFolder {
    // Fields are dropped in this order: first the folder is removed, then the remover is killed.
    dir: TempDir,
    _remover: Running,
}

impl ScratchFolder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let remover = Command::new("sh")
            .args(["-c", REMOVE_AT_END])
            .arg(dir.path())
            // Outside of the group that is interrupted by Ctrl-C.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            dir,
            _remover: Running(remover),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}
