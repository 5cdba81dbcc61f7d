//! The workspace that the app may be a member of.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::DependencySource;
use crate::exit::Failure;

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

/// The packages of a workspace. Cargo lists them, because only cargo resolves globs,
/// exclusions and defaults reliably.
pub(crate) fn members(manifest: &Path) -> Result<Vec<Member>, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(&cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(manifest)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::error(format!("cannot run cargo: {error}"))
                .with_help("name your app's folder instead: sse -C DIR …")
        })?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.trim().trim_start_matches("error: ");
        return Err(
            Failure::error(format!("cargo cannot read the workspace: {why}"))
                .with_help("fix the workspace, or name your app's folder: sse -C DIR …"),
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::error(format!("cannot read cargo's output: {error}")))?;
    Ok(metadata.packages)
}

/// The folder of the package `name` of the workspace.
pub(crate) fn member_dir(manifest: &Path, name: &str) -> Result<PathBuf, Failure> {
    let members = members(manifest)?;
    let found = members.iter().find(|member| member.name == name);
    let dir = found.and_then(Member::dir).map(Path::to_owned);
    dir.ok_or_else(|| {
        Failure::usage(format!("no package `{name}` in {}", manifest.display()))
            .with_help(package_help(&members))
    })
}

/// Fails if the folder is the root of a workspace without a package of its own: the app is one of its members.
pub(crate) fn refuse_bare_root(dir: &Path) -> Result<(), Failure> {
    let text = fs::read(dir.join("Cargo.toml")).unwrap_or_default();
    let is_bare =
        |manifest: Manifest<'_>| manifest.is_workspace() && manifest.package_name().is_none();
    // A manifest that does not parse is reported by those who need it.
    match Manifest::parse(&text).is_ok_and(is_bare) {
        true => Err(bare_root(dir)),
        false => Ok(()),
    }
}

/// Names the members of the workspace.
pub(crate) fn bare_root(dir: &Path) -> Failure {
    let path = dir.join("Cargo.toml");
    // If cargo cannot list the members, the help names none.
    let members = members(&path).unwrap_or_default();
    Failure::usage(format!(
        "{} is a workspace without a package of its own",
        path.display()
    ))
    .with_help(package_help(&members))
}

/// Help text that lists the values `--package` can have.
fn package_help(members: &[Member]) -> String {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    if names.is_empty() {
        return "the workspace has no packages; name your app's folder: sse -C DIR …".to_owned();
    }
    format!("name one with -p: {}", names.join(", "))
}

/// The dependency on the library that the app can inherit from its workspace.
pub(crate) fn inherited_dependency(
    app: &Path,
    manifest: &Manifest<'_>,
) -> Option<DependencySource> {
    if manifest.is_workspace() {
        return manifest.workspace_source();
    }
    if let Some(root) = manifest.workspace_path() {
        let text = fs::read(app.join(root).join("Cargo.toml")).ok()?;
        return Manifest::parse(&text).ok()?.workspace_source();
    }
    for dir in app.ancestors().skip(1) {
        let Ok(text) = fs::read(dir.join("Cargo.toml")) else {
            continue;
        };
        // Cargo itself reports a manifest that does not parse.
        let Ok(root) = Manifest::parse(&text) else {
            return None;
        };
        if root.is_workspace() {
            let excluded = root.excludes().any(|path| app.starts_with(dir.join(path)));
            return if excluded {
                None
            } else {
                root.workspace_source()
            };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(root: &str, member: &str) -> Option<DependencySource> {
        let dir = tempfile::tempdir().expect("can create a temporary folder");
        fs::write(dir.path().join("Cargo.toml"), root).expect("can write the file");
        let app = dir.path().join("apps/one");
        fs::create_dir_all(&app).expect("can create the folder");
        inherited_dependency(
            &app,
            &Manifest::parse(member.as_bytes()).expect("valid input"),
        )
    }

    #[test]
    fn a_member_inherits_the_workspaces_dependency() {
        let root = "[workspace]\n[workspace.dependencies]\nactix-web-sse = \"1\"\n";
        let excluding = root.replacen(
            "[workspace]\n",
            "[workspace]\nexclude = [\"apps/one\"]\n",
            1,
        );
        assert!(source(root, "[package]\nname = \"one\"\n").is_some());
        assert!(source(root, "[package]\nname = \"one\"\nworkspace = \"../..\"\n").is_some());
        assert_eq!(
            source(root, "[package]\nname = \"one\"\n[workspace]\n"),
            None
        );
        assert_eq!(source(&excluding, "[package]\nname = \"one\"\n"), None);
        assert_eq!(
            source("[package]\nname = \"x\"\n", "[package]\nname = \"one\"\n"),
            None
        );
    }
}
