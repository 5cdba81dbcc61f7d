//! The files that cargo builds the package's binaries from.

use std::fs;
use std::io;
use std::path::Path;

use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::plan;
use crate::exit::Failure;

const MAIN_SOURCE: &str = "src/main.rs";

/// The existing source files of the package's binaries, those the manifest lists and those
/// cargo discovers, as far as they are in the app's folder; `src/main.rs` comes first. A manifest
/// may name a source elsewhere, which `install` must not touch.
pub(crate) fn binary_sources(app: &Path, manifest: &Manifest<'_>) -> Result<Vec<String>, Failure> {
    let mut candidates = discover_sources(app, manifest)?;
    let listed = manifest.binary_paths().map(Path::new);
    let below = listed
        .map(|path| path.strip_prefix(".").unwrap_or(path))
        .filter(|path| plan::is_below(path));
    candidates.extend(below.filter_map(|path| path.to_str().map(str::to_owned)));
    let mut sources = Vec::new();
    for path in candidates {
        if plan::is_file(&app.join(&path))? {
            sources.push(path);
        }
    }
    sources.sort_by_key(|path| (path != MAIN_SOURCE, path.clone()));
    sources.dedup();
    Ok(sources)
}

/// Where cargo looks for a binary without a path: `src/main.rs`, `src/bin/*.rs` and
/// `src/bin/*/main.rs`.
fn discover_sources(app: &Path, manifest: &Manifest<'_>) -> Result<Vec<String>, Failure> {
    let folder = app.join("src/bin");
    let list_error = |error: io::Error| Failure::io("list", &folder, &error);
    let entries = match fs::read_dir(&folder) {
        Err(error) if plan::is_not_found(&error) => None,
        entries => Some(entries.map_err(list_error)?),
    };
    let mut sources = Vec::new();
    if let Some(package) = manifest.package_name()
        && manifest.builds_binary(package)
    {
        sources.push(MAIN_SOURCE.to_owned());
    }
    for entry in entries.into_iter().flatten() {
        let file_name = entry.map_err(list_error)?.file_name();
        let Some(file_name) = file_name.to_str() else {
            continue;
        };
        let (name, source) = match file_name.strip_suffix(".rs") {
            Some(name) => (name, format!("src/bin/{file_name}")),
            None => (file_name, format!("src/bin/{file_name}/main.rs")),
        };
        if manifest.builds_binary(name) {
            sources.push(source);
        }
    }
    Ok(sources)
}
