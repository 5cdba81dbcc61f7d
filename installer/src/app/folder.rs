//! Finds the app's folder.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf, absolute};

use actix_web_sse::cli_support::settings;

use super::{codeigniter, workspace};
use crate::cli::AppArgs;
use crate::exit::Failure;

/// The folder of the app whose cache and `.env` a command uses. The library's own rule finds
/// it, so that command and app use the same files.
pub(crate) fn app_folder(args: &AppArgs) -> Result<PathBuf, Failure> {
    if args.package.is_some() {
        return installation_folder(args);
    }
    let dir = named_folder(args).unwrap_or_else(|| Ok(actix_web_sse::app_dir()))?;
    // Without a .env there, no app can have started in the root.
    let is_configured = dir.join(".env").exists() || env::var_os(settings::events.name).is_some();
    if !is_configured
        && let Some(root) = dir.ancestors().find(|dir| dir.join("Cargo.toml").is_file())
    {
        workspace::refuse_bare_root(root)?;
    }
    Ok(dir)
}

/// The folder of the app to install into. Its `.env` may not exist yet, so other files of an app
/// also identify the folder.
pub(crate) fn installation_folder(args: &AppArgs) -> Result<PathBuf, Failure> {
    let dir = named_folder(args).unwrap_or_else(nearest_app_folder)?;
    let Some(package) = &args.package else {
        return Ok(dir);
    };
    let manifest = dir
        .ancestors()
        .map(|dir| dir.join("Cargo.toml"))
        .find(|manifest| manifest.is_file());
    match manifest {
        Some(manifest) => workspace::member_dir(&manifest, package),
        None => Err(no_manifest(&dir)),
    }
}

fn no_manifest(dir: &Path) -> Failure {
    Failure::error(format!("no Cargo.toml in {}", dir.display()))
        .with_help("run the command in your app's folder, or pass the folder: sse -C DIR …")
}

/// The folder that the arguments name.
fn named_folder(args: &AppArgs) -> Option<Result<PathBuf, Failure>> {
    if let Some(manifest) = &args.manifest_path {
        return Some(manifest_folder(manifest));
    }
    let dir = args.dir.as_deref()?;
    Some(if dir.is_dir() {
        absolute(dir).map_err(|error| Failure::io("find", dir, &error))
    } else {
        Err(no_folder(dir))
    })
}

fn no_folder(path: &Path) -> Failure {
    let shown = path.display();
    if !path.is_file() {
        return Failure::error(format!("the folder {shown} does not exist"))
            .with_help("pass your app's folder with -C");
    }
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = parent.unwrap_or(Path::new(".")).display();
    Failure::error(format!("{shown} is a file, not a folder"))
        .with_help(format!("pass your app's folder: sse -C {folder} …"))
}

fn manifest_folder(manifest: &Path) -> Result<PathBuf, Failure> {
    let path = absolute(manifest).map_err(|error| Failure::io("find", manifest, &error))?;
    let is_manifest = path.is_file() && path.file_name() == Some(OsStr::new("Cargo.toml"));
    match path.parent() {
        Some(dir) if is_manifest => Ok(dir.to_owned()),
        _ => Err(
            Failure::error(format!("{} is not a Cargo.toml file", manifest.display()))
                .with_help("pass the path of your app's Cargo.toml with --manifest-path"),
        ),
    }
}

/// The folder of cargo's current package, else the nearest one upwards that looks like an app.
fn nearest_app_folder() -> Result<PathBuf, Failure> {
    if let Some(dir) = env::var_os("CARGO_MANIFEST_DIR") {
        return Ok(dir.into());
    }
    let here = env::current_dir()
        .map_err(|error| Failure::io("find the working directory", Path::new("."), &error))?;
    let is_app = |dir: &&Path| {
        let files = ["Cargo.toml", ".env"];
        files.iter().any(|file| dir.join(file).is_file()) || codeigniter::is_app(dir)
    };
    Ok(here.ancestors().find(is_app).unwrap_or(&here).to_owned())
}
