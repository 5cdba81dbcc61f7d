//! The app's folder, and the workspace that it may be a member of.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf, absolute};

use crate::cli::AppArgs;
use crate::dependency::Source;
use crate::exit::Failure;
use crate::manifest::Manifest;
use crate::members;
use crate::wiring;

/// The folder of the app whose cache and `.env` are used: the library's own rule, so
/// that both look in the same place.
pub(crate) fn dir_to_use(args: &AppArgs) -> Result<PathBuf, Failure> {
    if args.package.is_some() {
        return dir_to_install(args);
    }
    named(args).unwrap_or_else(|| Ok(actix_web_sse::app_dir()))
}

/// The folder of the app to install into. Running apps go by `.env`, which may
/// not be there yet: the `Cargo.toml` that cargo would take counts as much.
pub(crate) fn dir_to_install(args: &AppArgs) -> Result<PathBuf, Failure> {
    let dir = named(args).unwrap_or_else(found)?;
    let Some(package) = &args.package else {
        return Ok(dir);
    };
    let manifest = dir
        .ancestors()
        .map(|dir| dir.join("Cargo.toml"))
        .find(|manifest| manifest.is_file());
    match manifest {
        Some(manifest) => members::find(&manifest, package),
        None => Err(no_manifest(&dir)),
    }
}

/// What is wrong where no app is.
pub(crate) fn no_manifest(dir: &Path) -> Failure {
    Failure::error(format!("there is no Cargo.toml in {}", dir.display()))
        .help("run this in the folder of your app, or name it: sse -C DIR …")
}

/// The folder that the arguments name, if they do.
fn named(args: &AppArgs) -> Option<Result<PathBuf, Failure>> {
    if let Some(manifest) = &args.manifest_path {
        return Some(dir_of(manifest));
    }
    let dir = args.dir.as_deref()?;
    Some(if dir.is_dir() {
        absolute(dir).map_err(|error| Failure::io("find", dir, &error))
    } else {
        Err(
            Failure::error(format!("there is no folder {}", dir.display()))
                .help("give -C the folder of your app"),
        )
    })
}

fn dir_of(manifest: &Path) -> Result<PathBuf, Failure> {
    let path = absolute(manifest).map_err(|error| Failure::io("find", manifest, &error))?;
    let is_manifest = path.is_file() && path.file_name() == Some(OsStr::new("Cargo.toml"));
    match path.parent() {
        Some(dir) if is_manifest => Ok(dir.to_owned()),
        _ => Err(
            Failure::error(format!("{} is no Cargo.toml", manifest.display()))
                .help("give --manifest-path the path of your app's Cargo.toml"),
        ),
    }
}

fn found() -> Result<PathBuf, Failure> {
    if let Some(dir) = env::var_os("CARGO_MANIFEST_DIR") {
        return Ok(dir.into());
    }
    let here = env::current_dir()
        .map_err(|error| Failure::io("find the working directory", Path::new("."), &error))?;
    let is_app = |dir: &&Path| dir.join("Cargo.toml").is_file() || dir.join(".env").is_file();
    Ok(here.ancestors().find(is_app).unwrap_or(&here).to_owned())
}

/// How a member of the app's workspace inherits the library, if it can.
pub(crate) fn workspace_source(app: &Path, manifest: &Manifest<'_>) -> Option<Source> {
    if manifest.is_workspace() {
        return manifest.workspace_source();
    }
    if let Some(root) = manifest.named_workspace() {
        let text = fs::read(app.join(root).join("Cargo.toml")).ok()?;
        return Manifest::parse(&text).ok()?.workspace_source();
    }
    for dir in app.ancestors().skip(1) {
        let Ok(text) = fs::read(dir.join("Cargo.toml")) else {
            continue;
        };
        // A manifest that does not parse is cargo's to complain about.
        let Ok(root) = Manifest::parse(&text) else {
            return None;
        };
        if root.is_workspace() {
            let excluded = root
                .excludes()
                .iter()
                .any(|path| app.starts_with(dir.join(path)));
            return if excluded {
                None
            } else {
                root.workspace_source()
            };
        }
    }
    None
}

/// The lines of the app's code that mention the library, as `file:line`.
pub(crate) fn mentions(app: &Path) -> Vec<String> {
    wiring::uses_in(app).lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(root: &str, member: &str) -> Option<Source> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("Cargo.toml"), root).expect("it can be written");
        let app = dir.path().join("apps/one");
        fs::create_dir_all(&app).expect("it can be made");
        workspace_source(
            &app,
            &Manifest::parse(member.as_bytes()).expect("it parses"),
        )
    }

    #[test]
    fn a_member_inherits_what_its_workspace_has() {
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
