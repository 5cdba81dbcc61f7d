//! The programs under test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The checkout.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The `sse` command.
#[must_use]
pub fn sse() -> PathBuf {
    built().join("sse")
}

/// The starter app's program.
#[must_use]
pub fn starter() -> PathBuf {
    built().join("sse-starter")
}

/// cargo, for this workspace and for apps that share its target folder.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    // With this variable libtest prints the time of each test. With another value of it, cargo compiles all crates again.
    cargo.env_remove("RUSTC_BOOTSTRAP");
    // As in this workspace's manifest, so that an app uses the crates that were compiled for the workspace.
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    cargo
}

/// Builds both: cargo does not build the programs of other packages for a test.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // target/PROFILE/deps/this-test
        let this = env::current_exe().unwrap();
        let profile = this.parent().and_then(Path::parent).unwrap();
        let mut cargo = cargo();
        cargo
            .args([
                "build",
                "--quiet",
                "--package",
                "sse-cli",
                "--package",
                "sse-starter",
                "--features",
                "sse-cli/serve",
            ])
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .current_dir(workspace());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(
            cargo.status().unwrap().success(),
            "the programs under test do not build"
        );
        profile.to_path_buf()
    })
}
