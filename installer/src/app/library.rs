//! The library as this command knows it: where an app can get it from.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf, absolute};

use actix_web_sse::Config;

use super::git_origin;
use crate::app::installation::Installation;
use crate::cli::DependencyArgs;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::{DependencySource, PACKAGE};
use crate::exit::Failure;

/// The checkout that this command was built from; none when it came from a registry.
const CHECKOUT: Option<&str> = option_env!("SSE_CHECKOUT");

/// The dependency to add: what the arguments choose, else what the app's workspace
/// has, else where this command itself comes from.
pub(crate) fn source(
    args: &DependencyArgs,
    installation: &Installation,
) -> Result<DependencySource, Failure> {
    if let Some(git) = args.git() {
        return Ok(DependencySource::Git(git));
    }
    if let Some(path) = &args.dep_path {
        return Ok(DependencySource::Path(chosen_path(
            path,
            &installation.app,
        )?));
    }
    if let Some(version) = &args.dep_version {
        return Ok(DependencySource::Version(version.clone()));
    }
    if let Some(inherited) = &installation.inherited {
        return Ok(inherited.clone());
    }
    match CHECKOUT {
        None => Ok(DependencySource::Version(
            env!("CARGO_PKG_VERSION").to_owned(),
        )),
        Some(path) if is_cargos(Path::new(path)) => git_origin::git().map(DependencySource::Git),
        Some(path) if is_library(Path::new(path)) => Ok(DependencySource::Path(path.to_owned())),
        Some(path) => Err(Failure::error(format!(
            "the checkout that this `sse` was built from is gone: {path}"
        ))
        .help("say where the library is: --dep-path DIR, --dep-git URL or --dep-version REQ")),
    }
}

/// Whether a checkout is one that `cargo install --git` made for itself, and may throw away.
fn is_cargos(checkout: &Path) -> bool {
    let parts: Vec<_> = checkout.components().map(Component::as_os_str).collect();
    parts
        .windows(2)
        .any(|pair| pair[0] == "git" && pair[1] == "checkouts")
}

/// A cache key that fires an event in the app, for examples.
pub(crate) fn first_key(app: &Path) -> String {
    let config = Config::from_dir(app).ok();
    let key = config.and_then(|config| {
        let (_, key) = config.events().iter().next()?;
        Some(key.to_owned())
    });
    key.unwrap_or_else(|| "event_cache_key1".to_owned())
}

/// `path`, which is relative to the working directory, as the app's manifest must
/// say it: absolute if it was given so, else relative to the app.
fn chosen_path(path: &Path, app: &Path) -> Result<String, Failure> {
    let from_root = absolute(path).map_err(|error| Failure::io("find", path, &error))?;
    if !is_library(&from_root) {
        return Err(
            Failure::error(format!("there is no {PACKAGE} in {}", path.display()))
                .help("give --dep-path the folder with the library's Cargo.toml"),
        );
    }
    let chosen = if path.is_absolute() {
        from_root
    } else {
        relative(app, &from_root)
    };
    let text = chosen.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        Failure::error(format!(
            "{} is no UTF-8, which Cargo.toml must be",
            path.display()
        ))
    })
}

fn is_library(dir: &Path) -> bool {
    let text = fs::read(dir.join("Cargo.toml")).unwrap_or_default();
    Manifest::parse(&text).is_ok_and(|manifest| manifest.package() == Some(PACKAGE))
}

/// The way from one folder to another. Symbolic links are resolved, because `..`
/// behind one leads elsewhere than it looks.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let resolved = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (from, to) = (resolved(from), resolved(to));
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other);
    let shared = shared.count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    if way.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_one_folder_to_another() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/no/a/b", "/no/c"), Path::new("../../c"));
        assert_eq!(way("/no/a", "/no/a/b"), Path::new("b"));
        assert_eq!(way("/no/a", "/no/a"), Path::new("."));
    }
}
