//! A folder that is removed even if the test's process ends without dropping it.

use std::{
    env,
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
        Self::in_folder(&env::temp_dir())
    }

    /// In a memory file system, if there is one.
    #[cfg(feature = "tools")]
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        match memory.is_dir() {
            true => Self::in_folder(memory),
            false => Self::new(),
        }
    }

    fn in_folder(folder: &Path) -> Self {
        let dir = tempfile::tempdir_in(folder).unwrap();
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
