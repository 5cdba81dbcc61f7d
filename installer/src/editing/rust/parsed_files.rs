//! An app's Rust files.

use std::fs;
use std::path::{Path, PathBuf};

use super::call_site::Doubt;
use super::rust_file::RustFile;

/// One Rust file of the app, parsed.
pub(super) struct ParsedFile {
    /// Relative to the app's folder.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) parsed: Result<RustFile, Doubt>,
    /// Whether the file is a module that is compiled for tests only.
    pub(super) is_test: bool,
}

/// The Rust files below a folder of the app, in order of their paths. Files that cannot be
/// read are skipped: the result only serves for advice, and cargo reports them.
pub(super) fn read_below(app: &Path, folder: &str) -> Vec<ParsedFile> {
    let mut paths = Vec::new();
    list_rust_files(&app.join(folder), &mut paths);
    let mut files = Vec::new();
    for path in paths {
        let Ok(bytes) = fs::read(&path) else {
            continue;
        };
        files.push(ParsedFile {
            path: path.strip_prefix(app).unwrap_or(&path).to_owned(),
            parsed: RustFile::parse(&bytes),
            bytes,
            is_test: false,
        });
    }
    let test_modules: Vec<PathBuf> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let without_extension = file.path.with_extension("");
        file.is_test = test_modules
            .iter()
            .any(|module| without_extension.starts_with(module));
    }
    files
}

fn list_rust_files(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            // A symbolic link to a folder may lead back to a parent of it.
            if !path.is_symlink() && path.file_name().is_some_and(|name| name != "target") {
                list_rust_files(&path, paths);
            }
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The paths of the file's `#[cfg(test)] mod tests;`, without `.rs`.
fn test_modules(file: &ParsedFile) -> Vec<PathBuf> {
    let Ok(parsed) = &file.parsed else {
        return Vec::new();
    };
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let stem = file.path.file_stem().unwrap_or_default();
    let is_root =
        folder.ends_with("src/bin") || ["main", "lib", "mod"].iter().any(|name| stem == *name);
    let modules_folder = if is_root {
        folder.to_owned()
    } else {
        folder.join(stem)
    };
    let paths = parsed.outline.test_modules.iter();
    paths
        .map(|path| modules_folder.join(path.iter().collect::<PathBuf>()))
        .collect()
}
