//! The packages of a workspace, as cargo knows them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::exit::Failure;

/// A package of the workspace.
#[derive(Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

impl Member {
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.manifest_path.parent()
    }
}

/// Asks cargo, which alone knows what globs, exclusions and defaults come to.
pub(crate) fn of_workspace(manifest: &Path) -> Result<Vec<Member>, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(&cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(manifest)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::error(format!("cannot run cargo: {error}"))
                .help("name the folder of your app instead: sse -C DIR …")
        })?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.trim().trim_start_matches("error: ");
        return Err(
            Failure::error(format!("cargo cannot read the workspace: {why}"))
                .help("mend it, or name the folder of your app: sse -C DIR …"),
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::error(format!("cannot read what cargo says: {error}")))?;
    Ok(metadata.packages)
}

/// The folder of the package `name`.
pub(crate) fn find(manifest: &Path, name: &str) -> Result<PathBuf, Failure> {
    let members = of_workspace(manifest)?;
    let found = members.iter().find(|member| member.name == name);
    let dir = found.and_then(Member::dir).map(Path::to_owned);
    dir.ok_or_else(|| {
        Failure::usage(format!(
            "there is no package `{name}` in {}",
            manifest.display()
        ))
        .help(choices(&members))
    })
}

/// What `--package` can be.
pub(crate) fn choices(members: &[Member]) -> String {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    if names.is_empty() {
        return "the workspace has no packages; name the folder of your app: sse -C DIR …"
            .to_owned();
    }
    format!("name one with -p: {}", names.join(", "))
}
