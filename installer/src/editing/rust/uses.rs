//! The library's items that an app's code names.

use std::path::{Path, PathBuf};

use super::call_site::Doubt;
use super::parsed_files::{self, ParsedFile};
use super::paths::{CodePath, LIBRARY_CRATE};
use super::rust_file::RustFile;
use super::scopes::Resolution;

/// An app with its own route to the stream uses at least one of these items. Those used
/// beside the route come first, because the first match is the reported line.
const STREAM_ITEMS: &[&str] = &["routes", "Subscription", "EventStream", "Sse", "*"];

/// An app that serves `sse.js` uses at least one of these items.
const SCRIPT_ITEMS: &[&str] = &["routes", "scripts", "*"];

/// One use of the library in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// Counted from 1.
    pub(crate) line: usize,
    /// The item's name, such as `routes` or `Sse`; `*` if it may be any item, and `self`
    /// for the library itself.
    pub(crate) item: String,
    /// Whether the code is compiled for tests only.
    pub(crate) is_test: bool,
}

/// All uses of the library in an app.
#[derive(Debug, Default)]
pub(crate) struct Uses(Vec<(PathBuf, Use)>);

impl Uses {
    /// Each line that uses the library, as `file:line`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.0.iter().map(file_and_line).collect();
        lines.dedup();
        lines
    }

    /// Where the app registers its own route to the stream, as `file:line`.
    pub(crate) fn stream_route(&self) -> Option<String> {
        let library_use = STREAM_ITEMS.iter().find_map(|item| self.in_app(item))?;
        Some(file_and_line(library_use))
    }

    /// Whether the app serves the library's scripts.
    pub(crate) fn serves_scripts(&self) -> bool {
        SCRIPT_ITEMS.iter().any(|item| self.in_app(item).is_some())
    }

    fn in_app(&self, item: &str) -> Option<&(PathBuf, Use)> {
        let mut uses = self.0.iter();
        uses.find(|(path, library_use)| {
            path.starts_with("src") && !library_use.is_test && library_use.item == item
        })
    }
}

fn file_and_line((path, library_use): &(PathBuf, Use)) -> String {
    format!("{}:{}", path.display(), library_use.line)
}

/// The uses of the library in one file.
#[cfg(test)]
pub(super) fn uses_in_file(code: &[u8]) -> Vec<Use> {
    uses_in_parsed(code, &RustFile::parse(code))
}

/// The uses of the library in an app, including its tests, examples and benches.
pub(crate) fn uses_in(app: &Path) -> Uses {
    let mut uses = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for file in parsed_files::read_below(app, folder) {
            let in_file = uses_in_parsed(&file.bytes, &file.parsed).into_iter();
            uses.extend(in_file.map(|library_use| {
                let is_test = library_use.is_test || file.is_test;
                (
                    file.path.clone(),
                    Use {
                        is_test,
                        ..library_use
                    },
                )
            }));
        }
    }
    Uses(uses)
}

/// File and line of every `App::new()` of actix-web below `src`, outside of tests.
pub(crate) fn app_constructions(app: &Path) -> Vec<(PathBuf, usize)> {
    let files = parsed_files::read_below(app, "src").into_iter();
    let lines = |file: ParsedFile| {
        let lines = file
            .parsed
            .map_or_else(|_| Vec::new(), |file| file.app_lines());
        lines.into_iter().map(move |line| (file.path.clone(), line))
    };
    files.filter(|file| !file.is_test).flat_map(lines).collect()
}

fn uses_in_parsed(code: &[u8], parsed: &Result<RustFile, Doubt>) -> Vec<Use> {
    let mut uses = match parsed {
        Ok(file) => uses_by_paths(file),
        Err(_) => uses_by_lines(code),
    };
    uses.sort_by_key(|library_use| library_use.line);
    uses.dedup();
    uses
}

fn uses_by_paths(file: &RustFile) -> Vec<Use> {
    let scopes = &file.outline.scopes;
    let is_library = |scope, path: &CodePath| {
        let crate_name = CodePath {
            is_global: path.is_global,
            segments: path.segments[..1].to_vec(),
        };
        path.segments[0] == LIBRARY_CRATE
            || (path.segments.len() > 1
                && scopes.resolve(scope, &crate_name)
                    == Resolution::External(vec![LIBRARY_CRATE.to_owned()]))
    };
    let mentions = file.outline.mentions.iter().filter(|mention| {
        !mention.path.segments.is_empty() && is_library(mention.scope, &mention.path)
    });
    mentions
        .map(|mention| {
            let item = mention.path.segments.get(1).map_or("self", String::as_str);
            Use {
                line: file.line_number(mention.start_offset),
                item: item.to_owned(),
                is_test: mention.is_test,
            }
        })
        .collect()
}

/// For files that do not parse: each line that has the library's name and is not a comment.
fn uses_by_lines(code: &[u8]) -> Vec<Use> {
    let Ok(code) = str::from_utf8(code) else {
        return Vec::new();
    };
    let mut uses = Vec::new();
    for (index, line) in code.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        uses.extend(line.match_indices(LIBRARY_CRATE).map(|(at, _)| Use {
            line: index + 1,
            item: item_after(&line[at + LIBRARY_CRATE.len()..]),
            is_test: false,
        }));
    }
    uses
}

/// The item in the path that `after` continues, after the library's name.
fn item_after(after: &str) -> String {
    let Some(path) = after.strip_prefix("::") else {
        return "self".to_owned();
    };
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    match &path[..end.unwrap_or(path.len())] {
        "" => "*".to_owned(),
        item => item.to_owned(),
    }
}
