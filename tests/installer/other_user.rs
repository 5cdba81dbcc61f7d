//! `sse`, run by a user to whom the system refuses something.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use tempfile::TempDir;

const NOBODY: u32 = 65534;

/// Another user if this one is root, to whom the system refuses nothing.
pub(crate) struct OtherUser {
    /// Has a copy of the program that every user may run.
    public: TempDir,
}

impl OtherUser {
    pub(crate) fn new() -> Self {
        let public = tempfile::tempdir().unwrap();
        fs::set_permissions(public.path(), fs::Permissions::from_mode(0o755)).unwrap();
        support::copy_program(&support::sse(), &public.path().join("sse"));
        Self { public }
    }

    pub(crate) fn sse(&self, app: &Path, arguments: &[&str]) -> Command {
        let mut sse = Command::new(self.public.path().join("sse"));
        sse.current_dir(app)
            .args(arguments)
            .env_remove("CARGO_MANIFEST_DIR");
        if rustix::process::geteuid().is_root() {
            sse.uid(NOBODY).gid(NOBODY);
        }
        sse
    }
}
