//! The files that cargo builds the package's binaries from.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::plan;
use crate::exit::Failure;

/// The existing source files of the package's binaries, those the manifest lists and those
/// cargo discovers. The paths are relative to the app's folder; `src/main.rs` comes first.
pub(crate) fn binary_sources(app: &Path, manifest: &Manifest<'_>) -> Result<Vec<PathBuf>, Failure> {
    let mut candidates = Vec::new();
    if manifest.discovers_binaries() {
        candidates.push(PathBuf::from("src/main.rs"));
        candidates.extend(discover_sources(app)?);
    }
    for (name, path) in manifest.binaries() {
        match (name, path) {
            (_, Some(path)) => candidates.push(without_cur_dir(Path::new(path))),
            (Some(name), None) => {
                candidates.extend(find_named_source(app, name, manifest.package_name())?);
            }
            (None, None) => {}
        }
    }
    let mut sources = Vec::new();
    for path in candidates {
        if plan::is_file(&app.join(&path))? {
            sources.push(path);
        }
    }
    sources.sort_by_key(|path| (*path != Path::new("src/main.rs"), path.clone()));
    sources.dedup();
    Ok(sources)
}

/// `src/bin/*.rs` and `src/bin/*/main.rs`.
fn discover_sources(app: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = Path::new("src/bin");
    let path = app.join(folder);
    let list_error = |error: io::Error| Failure::io("list", &path, &error);
    let entries = match fs::read_dir(&path) {
        Err(error) if plan::is_not_found(&error) => return Ok(Vec::new()),
        entries => entries.map_err(list_error)?,
    };
    let mut sources = Vec::new();
    for entry in entries {
        let entry = entry.map_err(list_error)?;
        let source = folder.join(entry.file_name());
        if source
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            sources.push(source.clone());
        }
        sources.push(source.join("main.rs"));
    }
    Ok(sources)
}

/// The source of a binary whose manifest entry has no path, by cargo's rules.
fn find_named_source(
    app: &Path,
    name: &str,
    package: Option<&str>,
) -> Result<Option<PathBuf>, Failure> {
    let folder = Path::new("src/bin");
    let file = folder.join(format!("{name}.rs"));
    let main = (Some(name) == package).then(|| PathBuf::from("src/main.rs"));
    let candidates = [Some(file), Some(folder.join(name).join("main.rs")), main];
    for path in candidates.into_iter().flatten() {
        if plan::is_file(&app.join(&path))? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The path without `.` components, such as a leading `./`.
fn without_cur_dir(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}
