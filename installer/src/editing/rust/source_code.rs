//! All Rust code of an app, read and parsed once.

use std::fs;
use std::path::{Path, PathBuf};

use super::call_site::Doubt;
use super::outline::AppOrigin;
use super::rust_file::RustFile;
use super::uses::{self, Use};
use crate::editing::plan::OriginalFile;
use crate::editing::source_reader;

/// An app with its own route to the stream uses at least one of these items. Those used
/// beside the route come first, because the first match is the reported line.
const STREAM_ITEMS: &[&str] = &["routes", "Subscription", "EventStream", "Sse", "*"];

/// An app that serves `sse.js` uses at least one of these items.
const SCRIPT_ITEMS: &[&str] = &["routes", "scripts", "*"];

/// The Rust files of an app, including its tests, examples and benches. Files that cannot be read are
/// left out: cargo reports them.
#[derive(Default)]
pub(crate) struct SourceCode(Vec<CodeFile>);

struct CodeFile {
    /// Relative to the app's folder.
    path: PathBuf,
    parsed: Result<RustFile, Doubt>,
    uses: Vec<Use>,
    /// Whether the file is a module that is compiled for tests only.
    is_test: bool,
}

impl SourceCode {
    /// Reads the app's code, except the files that have been read already.
    pub(crate) fn read<'a>(app: &Path, originals: impl Iterator<Item = &'a OriginalFile>) -> Self {
        let originals = originals.map(|file| {
            let contents = file.contents().unwrap_or_default();
            CodeFile::parse(PathBuf::from(file.name()), contents)
        });
        let mut files: Vec<CodeFile> = originals.collect();
        for folder in ["src", "tests", "examples", "benches"] {
            read_below(app, Path::new(folder), &mut files);
        }
        let test_modules: Vec<PathBuf> = files.iter().flat_map(CodeFile::test_modules).collect();
        for file in &mut files {
            let without_extension = file.path.with_extension("");
            let mut modules = test_modules.iter();
            file.is_test = modules.any(|module| without_extension.starts_with(module));
        }
        Self(files)
    }

    pub(super) fn file(&self, name: &str) -> Option<&Result<RustFile, Doubt>> {
        let mut files = self.0.iter();
        let file = files.find(|file| file.path == Path::new(name))?;
        Some(&file.parsed)
    }

    /// Each line that uses the library, as `file:line`.
    pub(crate) fn library_lines(&self) -> Vec<String> {
        let lines = |file: &CodeFile| {
            let lines = file.uses.iter().map(|found| file.location(found.line));
            lines.collect::<Vec<_>>()
        };
        let mut lines: Vec<String> = self.0.iter().flat_map(lines).collect();
        lines.dedup();
        lines
    }

    /// Where the app registers its own route to the stream, as `file:line`.
    pub(crate) fn stream_route(&self) -> Option<String> {
        STREAM_ITEMS.iter().find_map(|item| self.in_app(item))
    }

    /// The locations of a file service for `/` and of the library's routes that are added after it.
    pub(crate) fn routes_behind_file_service(&self) -> Option<[String; 2]> {
        self.app_files().find_map(|file| {
            let parsed = file.parsed.as_ref().ok()?;
            let [service, routes] = parsed.routes_behind_file_service()?;
            Some([file.location(service), file.location(routes)])
        })
    }

    /// Whether the app serves the library's scripts.
    pub(crate) fn serves_scripts(&self) -> bool {
        SCRIPT_ITEMS.iter().any(|item| self.in_app(item).is_some())
    }

    /// Where the app's code has `App::new()`, as `file:line`.
    pub(crate) fn app_location(&self) -> Option<String> {
        let certain = self.app_lines(AppOrigin::ActixWeb);
        if !certain.is_empty() {
            return Some(certain.join(" or "));
        }
        let possible = self.app_lines(AppOrigin::Unknown).join(" or ");
        (!possible.is_empty()).then(|| format!("{possible}, if this `App` is actix-web's"))
    }

    fn app_lines(&self, origin: AppOrigin) -> Vec<String> {
        let mut lines = Vec::new();
        for file in self.app_files() {
            if let Ok(parsed) = &file.parsed {
                let in_file = parsed.app_lines(origin).into_iter();
                lines.extend(in_file.map(|line| file.location(line)));
            }
        }
        lines
    }

    /// Whether the app's code has an `App::new()` in another file than this one.
    pub(super) fn has_app_besides(&self, name: &str) -> bool {
        self.app_files().any(|file| {
            let parsed = file.parsed.as_ref().ok();
            file.path != Path::new(name)
                && parsed.is_some_and(|parsed| !parsed.app_lines(AppOrigin::ActixWeb).is_empty())
        })
    }

    fn in_app(&self, item: &str) -> Option<String> {
        self.app_files().find_map(|file| {
            let mut uses = file.uses.iter();
            let found = uses.find(|found| !found.is_test && found.item == item)?;
            Some(file.location(found.line))
        })
    }

    fn app_files(&self) -> impl Iterator<Item = &CodeFile> {
        let files = self.0.iter();
        files.filter(|file| !file.is_test && file.path.starts_with("src"))
    }
}

impl CodeFile {
    fn parse(path: PathBuf, contents: &[u8]) -> Self {
        let parsed = RustFile::parse(contents);
        Self {
            uses: uses::library_uses(contents, &parsed),
            path,
            parsed,
            is_test: false,
        }
    }

    fn location(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// The paths of the file's `#[cfg(test)] mod tests;`, without `.rs`.
    fn test_modules(&self) -> Vec<PathBuf> {
        let Ok(parsed) = &self.parsed else {
            return Vec::new();
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let stem = self.path.file_stem().unwrap_or_default();
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
}

/// Adds the Rust files below a folder of the app, in order of their paths.
fn read_below(app: &Path, folder: &Path, files: &mut Vec<CodeFile>) {
    let Ok(entries) = fs::read_dir(app.join(folder)) else {
        return;
    };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let (path, found) = (folder.join(&name), app.join(folder).join(&name));
        if found.is_dir() {
            // A symbolic link to a folder may lead back to a parent of it.
            if !found.is_symlink() && name != "target" {
                read_below(app, &path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !files.iter().any(|file| file.path == path)
            && let Some(contents) = source_reader::read(&found)
        {
            files.push(CodeFile::parse(path, &contents));
        }
    }
}
