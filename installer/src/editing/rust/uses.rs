//! The library's items that a file names.

use super::call_site::Doubt;
use super::paths::LIBRARY_CRATE;
use super::rust_file::RustFile;

/// One use of the library in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Counted from 1.
    pub(super) line: usize,
    /// The item's name, such as `routes` or `Sse`; `*` if it may be any item, and `self`
    /// for the library itself.
    pub(super) item: String,
    /// Whether the code is compiled for tests only.
    pub(super) is_test: bool,
}

/// The uses of the library in one file.
pub(super) fn library_uses(code: &[u8], parsed: &Result<RustFile, Doubt>) -> Vec<Use> {
    let mut uses = match parsed {
        Ok(file) => file.outline.uses.clone(),
        Err(_) => uses_by_lines(code),
    };
    uses.sort_by_key(|library_use| library_use.line);
    uses.dedup();
    uses
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
