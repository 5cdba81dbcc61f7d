//! Which files cargo builds the package's binaries from.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::manifest::Manifest;

/// The source files of the package's binaries that are there, relative to the app's
/// folder and in order: what the manifest lists, and what cargo finds by itself.
pub(crate) fn binary_sources(app: &Path, manifest: &Manifest<'_>) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    if manifest.finds_binaries() {
        sources.push(PathBuf::from("src/main.rs"));
        sources.extend(found_in(app));
    }
    for (name, path) in manifest.binaries() {
        match (name, path) {
            (_, Some(path)) => sources.push(plain(Path::new(path))),
            (Some(name), None) => sources.extend(named(app, name, manifest.package())),
            (None, None) => {}
        }
    }
    sources.retain(|path| app.join(path).is_file());
    sources.sort_by_key(|path| (*path != Path::new("src/main.rs"), path.clone()));
    sources.dedup();
    sources
}

/// `src/bin/*.rs` and `src/bin/*/main.rs`.
fn found_in(app: &Path) -> Vec<PathBuf> {
    let folder = Path::new("src/bin");
    let Ok(entries) = fs::read_dir(app.join(folder)) else {
        return Vec::new();
    };
    let sources = entries.flatten().map(|entry| {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            path.join("main.rs")
        } else {
            path
        }
    });
    sources
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect()
}

/// Where cargo looks for a binary of which it knows the name only.
fn named(app: &Path, name: &str, package: Option<&str>) -> Option<PathBuf> {
    let folder = Path::new("src/bin");
    let file = folder.join(format!("{name}.rs"));
    let main = (Some(name) == package).then(|| PathBuf::from("src/main.rs"));
    [Some(file), Some(folder.join(name).join("main.rs")), main]
        .into_iter()
        .flatten()
        .find(|path| app.join(path).is_file())
}

/// The path without the `./` that it may begin with.
fn plain(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}
