//! Which files cargo builds the package's binaries from.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::exit::Failure;
use crate::manifest::Manifest;
use crate::plan;

/// The source files of the package's binaries that are there, relative to the app's
/// folder and in order: what the manifest lists, and what cargo finds by itself.
pub(crate) fn binary_sources(app: &Path, manifest: &Manifest<'_>) -> Result<Vec<PathBuf>, Failure> {
    let mut places = Vec::new();
    if manifest.finds_binaries() {
        places.push(PathBuf::from("src/main.rs"));
        places.extend(found_in(app)?);
    }
    for (name, path) in manifest.binaries() {
        match (name, path) {
            (_, Some(path)) => places.push(plain(Path::new(path))),
            (Some(name), None) => places.extend(named(app, name, manifest.package())?),
            (None, None) => {}
        }
    }
    let mut sources = Vec::new();
    for path in places {
        if plan::is_file(&app.join(&path))? {
            sources.push(path);
        }
    }
    sources.sort_by_key(|path| (*path != Path::new("src/main.rs"), path.clone()));
    sources.dedup();
    Ok(sources)
}

/// `src/bin/*.rs` and `src/bin/*/main.rs`.
fn found_in(app: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = Path::new("src/bin");
    let path = app.join(folder);
    let unlisted = |error: io::Error| Failure::io("list", &path, &error);
    let entries = match fs::read_dir(&path) {
        Err(error) if plan::is_absence(&error) => return Ok(Vec::new()),
        entries => entries.map_err(unlisted)?,
    };
    let mut sources = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unlisted)?;
        let source = folder.join(entry.file_name());
        if source.extension().is_some_and(|it| it == "rs") {
            sources.push(source.clone());
        }
        sources.push(source.join("main.rs"));
    }
    Ok(sources)
}

/// Where cargo looks for a binary of which it knows the name only.
fn named(app: &Path, name: &str, package: Option<&str>) -> Result<Option<PathBuf>, Failure> {
    let folder = Path::new("src/bin");
    let file = folder.join(format!("{name}.rs"));
    let main = (Some(name) == package).then(|| PathBuf::from("src/main.rs"));
    let places = [Some(file), Some(folder.join(name).join("main.rs")), main];
    for path in places.into_iter().flatten() {
        if plan::is_file(&app.join(&path))? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The path without the `./` that it may begin with.
fn plain(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}
