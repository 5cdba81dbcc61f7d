//! The source that an app gets the library from.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf, absolute};

use super::git_origin;
use super::rust_app::RustApp;
use crate::cli::DependencyArgs;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::{DependencySource, LIBRARY_PACKAGE};
use crate::exit::Failure;

/// The checkout that this command was built from; `None` if it was built from a registry.
const CHECKOUT: Option<&str> = option_env!("SSE_CHECKOUT");

/// The dependency to add: the arguments' choice, else the workspace's dependency, else the
/// source of this command itself.
pub(crate) fn dependency_source(
    args: &DependencyArgs,
    app: &Path,
    rust: &RustApp,
) -> Result<DependencySource, Failure> {
    if let Some(git) = args.git() {
        return Ok(DependencySource::Git(git));
    }
    if let Some(path) = &args.dep_path {
        return Ok(DependencySource::Path(chosen_path(path, app)?));
    }
    if let Some(version) = &args.dep_version {
        return Ok(DependencySource::Version(version.clone()));
    }
    if let Some(inherited) = &rust.inherited {
        return Ok(inherited.clone());
    }
    match CHECKOUT {
        None => Ok(DependencySource::Version(
            env!("CARGO_PKG_VERSION").to_owned(),
        )),
        Some(path) if is_cargo_checkout(Path::new(path)) => {
            git_origin::recorded_git_source().map(DependencySource::Git)
        }
        Some(path) if is_library(Path::new(path))? => Ok(DependencySource::Path(path.to_owned())),
        Some(path) => Err(Failure::error(format!(
            "the checkout that this `sse` was built from no longer exists: {path}"
        ))
        .with_help(
            "pass the library's source with --dep-path DIR, --dep-git URL or --dep-version REQ",
        )),
    }
}

/// Whether `cargo install --git` made the checkout. Cargo may delete it at any time, so it must
/// not become a path dependency.
fn is_cargo_checkout(checkout: &Path) -> bool {
    let parts: Vec<_> = checkout.components().map(Component::as_os_str).collect();
    parts
        .windows(2)
        .any(|pair| pair[0] == "git" && pair[1] == "checkouts")
}

/// The path to write into the app's manifest: absolute if the argument is absolute, else
/// relative to the app's folder instead of the working directory.
fn chosen_path(path: &Path, app: &Path) -> Result<String, Failure> {
    let from_root = absolute(path).map_err(|error| Failure::io("find", path, &error))?;
    if !is_library(&from_root)? {
        return Err(
            Failure::error(format!("no {LIBRARY_PACKAGE} in {}", path.display()))
                .with_help("pass the folder with the library's Cargo.toml with --dep-path"),
        );
    }
    let chosen = if path.is_absolute() {
        from_root
    } else {
        relative_path(app, &from_root)
    };
    let text = chosen.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Failure::error(format!(
            "the path {} is not valid UTF-8, so it cannot be written to Cargo.toml",
            path.display()
        ))
    })
}

/// Fails if the app is the library itself, which cannot depend on itself.
pub(crate) fn refuse_library(app: &Path) -> Result<(), Failure> {
    if !is_library(app)? {
        return Ok(());
    }
    let message = format!(
        "{} is the checkout of {LIBRARY_PACKAGE}, not an app",
        app.display()
    );
    Err(Failure::error(message)
        .with_help("run the command in your app's folder, or pass the folder: sse -C DIR install"))
}

fn is_library(dir: &Path) -> Result<bool, Failure> {
    let path = dir.join("Cargo.toml");
    let text = match fs::read(&path) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(Failure::io("read", &path, &error));
        }
        read => read.unwrap_or_default(),
    };
    let manifest = Manifest::parse(&text);
    Ok(manifest.is_ok_and(|manifest| manifest.package_name() == Some(LIBRARY_PACKAGE)))
}

/// The relative path between two folders. Symbolic links are resolved first, because `..`
/// leads to the parent of a link's target, not of the link.
fn relative_path(from: &Path, to: &Path) -> PathBuf {
    let resolved = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (resolved(from), resolved(to));
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b);
    let shared = shared.count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(shared)).collect();
    if path.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_leads_from_one_folder_to_the_other() {
        let path = |from: &str, to: &str| relative_path(Path::new(from), Path::new(to));
        assert_eq!(path("/no/a/b", "/no/c"), Path::new("../../c"));
        assert_eq!(path("/no/a", "/no/a/b"), Path::new("b"));
        assert_eq!(path("/no/a", "/no/a"), Path::new("."));
    }
}
