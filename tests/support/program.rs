//! Where programs are.

use std::{env, path::PathBuf};

use crate::build::workspace;

/// Finds a program in `PATH`, where `tests/setup` installs what Debian does not package, or in a folder of Debian that is
/// not in every user's `PATH`.
#[track_caller]
pub(crate) fn find_program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([
            workspace().join("target/tools/bin"),
            PathBuf::from("/usr/sbin"),
        ])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing\nhelp: `tests/setup` installs it"))
}
