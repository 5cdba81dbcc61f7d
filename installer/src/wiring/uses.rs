//! What an app's code names of the library.

use std::path::{Path, PathBuf};

use super::files::{self, File};
use super::names::{self, Meaning};
use super::{LIBRARY, Source, Unclear};

/// Names of the library, one of which an app that has its own route to the stream uses; first
/// those that stand where the route is.
const FOR_STREAMS: &[&str] = &["routes", "Subscription", "EventStream", "Sse", "*"];

/// Names of the library, one of which an app that serves `sse.js` uses.
const FOR_SCRIPTS: &[&str] = &["routes", "scripts", "*"];

/// One mention of the library in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is named: `routes`, `cache`, `Sse`, …; `*` where it may be anything, and
    /// `self` where it is the library itself.
    pub(crate) item: String,
    /// Whether it is code for tests only.
    pub(crate) is_test: bool,
}

/// All mentions of the library in an app.
#[derive(Debug, Default)]
pub(crate) struct Uses(Vec<(PathBuf, Use)>);

impl Uses {
    /// Each line that mentions the library, as `file:line`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |(path, it): &(PathBuf, Use)| format!("{}:{}", path.display(), it.line);
        let mut lines: Vec<String> = self.0.iter().map(line).collect();
        lines.dedup();
        lines
    }

    /// Where the app makes its own route to the stream, if it does, as `file:line`.
    pub(crate) fn stream(&self) -> Option<String> {
        let (path, it) = FOR_STREAMS.iter().find_map(|item| self.in_app(item))?;
        Some(format!("{}:{}", path.display(), it.line))
    }

    /// Whether the app serves the library's scripts.
    pub(crate) fn serves_scripts(&self) -> bool {
        FOR_SCRIPTS.iter().any(|item| self.in_app(item).is_some())
    }

    fn in_app(&self, item: &str) -> Option<&(PathBuf, Use)> {
        let mut uses = self.0.iter();
        uses.find(|(path, it)| path.starts_with("src") && !it.is_test && it.item == item)
    }
}

/// What one file names of the library.
#[cfg(test)]
pub(super) fn uses(code: &[u8]) -> Vec<Use> {
    uses_of(code, &Source::parse(code))
}

/// What the code of an app names of the library, its tests, examples and benches too.
pub(crate) fn uses_in(app: &Path) -> Uses {
    let mut found = Vec::new();
    for folder in ["src", "tests", "examples", "benches"] {
        for file in files::read_below(app, folder) {
            let uses = uses_of(&file.bytes, &file.source).into_iter();
            found.extend(uses.map(|it| {
                let is_test = it.is_test || file.is_test;
                (file.path.clone(), Use { is_test, ..it })
            }));
        }
    }
    Uses(found)
}

/// Every `App::new()` of actix-web below `src`, outside of tests: file and line.
pub(crate) fn places(app: &Path) -> Vec<(PathBuf, usize)> {
    let files = files::read_below(app, "src").into_iter();
    let lines = |file: File| {
        let apps = file.source.map_or_else(|_| Vec::new(), |it| it.apps());
        apps.into_iter().map(move |line| (file.path.clone(), line))
    };
    files.filter(|file| !file.is_test).flat_map(lines).collect()
}

fn uses_of(code: &[u8], source: &Result<Source, Unclear>) -> Vec<Use> {
    let mut uses = match source {
        Ok(source) => by_paths(source),
        Err(_) => by_lines(code),
    };
    uses.sort_by_key(|it| it.line);
    uses.dedup();
    uses
}

fn by_paths(source: &Source) -> Vec<Use> {
    let scopes = &source.code.scopes;
    let is_library = |scope, path: &names::Path| {
        let crate_name = names::Path {
            is_global: path.is_global,
            segments: path.segments[..1].to_vec(),
        };
        path.segments[0] == LIBRARY
            || (path.segments.len() > 1
                && scopes.meaning(scope, &crate_name)
                    == Meaning::External(vec![LIBRARY.to_owned()]))
    };
    let mentions = source.code.paths.iter();
    mentions
        .filter(|it| !it.path.segments.is_empty() && is_library(it.scope, &it.path))
        .map(|it| Use {
            line: source.line(it.at),
            item: it
                .path
                .segments
                .get(1)
                .map_or("self", String::as_str)
                .to_owned(),
            is_test: it.is_test,
        })
        .collect()
}

/// For files that do not parse: each line that has the library's name and is no comment.
fn by_lines(code: &[u8]) -> Vec<Use> {
    let Ok(code) = str::from_utf8(code) else {
        return Vec::new();
    };
    let mut uses = Vec::new();
    for (index, line) in code.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        uses.extend(line.match_indices(LIBRARY).map(|(at, _)| Use {
            line: index + 1,
            item: item_behind(&line[at + LIBRARY.len()..]),
            is_test: false,
        }));
    }
    uses
}

fn item_behind(rest: &str) -> String {
    let Some(path) = rest.strip_prefix("::") else {
        return "self".to_owned();
    };
    let end = path.find(|it: char| !it.is_alphanumeric() && it != '_');
    match &path[..end.unwrap_or(path.len())] {
        "" => "*".to_owned(),
        item => item.to_owned(),
    }
}
