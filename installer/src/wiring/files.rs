//! The files of an app that have code in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Source, Unclear};

/// A file of the app, read.
pub(super) struct File {
    /// Relative to the app.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) source: Result<Source, Unclear>,
    /// Whether it is a module that is there for tests only.
    pub(super) is_test: bool,
}

/// The Rust files below a folder of the app, in order. What cannot be read is passed
/// over: this is for advice, and cargo has the last word.
pub(super) fn read_below(app: &Path, folder: &str) -> Vec<File> {
    let mut paths = Vec::new();
    list(&app.join(folder), &mut paths);
    let mut files = Vec::new();
    for path in paths {
        let Ok(bytes) = fs::read(&path) else {
            continue;
        };
        files.push(File {
            path: path.strip_prefix(app).unwrap_or(&path).to_owned(),
            source: Source::parse(&bytes),
            bytes,
            is_test: false,
        });
    }
    let of_tests: Vec<PathBuf> = files.iter().flat_map(test_files).collect();
    for file in &mut files {
        let without_extension = file.path.with_extension("");
        file.is_test = of_tests
            .iter()
            .any(|module| without_extension.starts_with(module));
    }
    files
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            // A folder behind a link may be one that this walk comes from.
            if !path.is_symlink() && path.file_name().is_some_and(|name| name != "target") {
                list(&path, paths);
            }
        } else if path.is_file() && path.extension().is_some_and(|it| it == "rs") {
            paths.push(path);
        }
    }
}

/// Where the file's `#[cfg(test)] mod tests;` are, without the `.rs`.
fn test_files(file: &File) -> Vec<PathBuf> {
    let Ok(source) = &file.source else {
        return Vec::new();
    };
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let stem = file.path.file_stem().unwrap_or_default();
    let is_root =
        folder.ends_with("src/bin") || ["main", "lib", "mod"].iter().any(|it| stem == *it);
    let modules = if is_root {
        folder.to_owned()
    } else {
        folder.join(stem)
    };
    let paths = source.code.test_files.iter();
    paths
        .map(|path| modules.join(path.iter().collect::<PathBuf>()))
        .collect()
}
