//! The app's pages, scripts and code, as text.

use std::fs;
use std::path::{Path, PathBuf};

use super::javascript;
use crate::editing::text;

/// Where apps keep them.
pub(super) const FOLDERS: [&str; 6] = ["public", "static", "assets", "templates", "views", "src"];

const SCRIPTS: [&str; 8] = ["js", "mjs", "cjs", "ts", "jsx", "tsx", "vue", "svelte"];
const PAGES: [&str; 9] = [
    "html", "htm", "jinja", "jinja2", "j2", "tera", "hbs", "askama", "stpl",
];

/// A file beyond these is built by a tool, and no place for somebody's listeners.
const LARGEST_FILE: u64 = 1024 * 1024;
const MOST_FILES: usize = 5_000;

/// The listeners that `sse install` begins, and the client that it keeps up to date.
pub(super) const LISTENERS: &str = "public/js/sse-client.js";
pub(super) const CLIENT: &str = "public/js/sse.js";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Script,
    Page,
    Rust,
}

/// One file, without its comments as far as they can be told.
#[derive(Debug)]
pub(super) struct Source {
    /// Below the app's folder, with `/` between its parts.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Source {
    pub(super) fn new(path: impl Into<String>, kind: Kind, text: &str) -> Self {
        let text = match kind {
            Kind::Script => javascript::without_comments(text),
            Kind::Page => without_line_comments(&without_html_comments(text)),
            Kind::Rust => without_line_comments(text),
        };
        Self {
            path: path.into(),
            kind,
            text,
        }
    }

    /// The number of the line that `at` is in.
    pub(super) fn line_of(&self, at: usize) -> usize {
        text::line_number(self.text.as_bytes(), at)
    }

    /// Whether the name stands in it between quotes, which in a string of Rust have a backslash.
    pub(super) fn has_quoted(&self, name: &str) -> bool {
        self.text.match_indices(name).any(|(at, _)| {
            let is_quote = |c: char| matches!(c, '\'' | '"' | '`');
            let (before, behind) = (&self.text[..at], &self.text[at + name.len()..]);
            before.ends_with(is_quote) && behind.trim_start_matches('\\').starts_with(is_quote)
        })
    }
}

/// Every one of them. What cannot be read is passed over: this is advice.
pub(super) fn read(app: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        read_below(app, &app.join(folder), &mut found);
    }
    found
}

fn read_below(app: &Path, folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if found.len() >= MOST_FILES {
            return;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            if !path.is_symlink() {
                read_below(app, &path, found);
            }
        } else if let Some(kind) = kind(&path)
            && fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= LARGEST_FILE)
            && let Ok(bytes) = fs::read(&path)
        {
            let shown = path.strip_prefix(app).unwrap_or(&path);
            let parts: Vec<_> = shown.iter().map(|part| part.to_string_lossy()).collect();
            let text = String::from_utf8_lossy(&bytes);
            found.push(Source::new(parts.join("/"), kind, &text));
        }
    }
}

fn kind(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?;
    if path.to_str()?.ends_with(".d.ts") {
        // Declarations name events, and listen to none.
        None
    } else if extension == "rs" {
        Some(Kind::Rust)
    } else if SCRIPTS.contains(&extension) {
        Some(Kind::Script)
    } else if PAGES.contains(&extension) {
        Some(Kind::Page)
    } else {
        None
    }
}

fn without_html_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        kept.push_str(before);
        let (comment, behind) = comment.split_once("-->").unwrap_or((comment, ""));
        kept.extend(comment.matches('\n'));
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

/// Without the lines that are nothing but a comment.
fn without_line_comments(text: &str) -> String {
    let kept = text.split_inclusive('\n').map(|line| {
        if line.trim_start().starts_with("//") {
            "\n"
        } else {
            line
        }
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_between_quotes() {
        let has = |kind, text: &str| Source::new("a", kind, text).has_quoted("order");
        assert!(has(Kind::Script, "x.on('order', f)"));
        assert!(has(Kind::Page, "<script>x.on(`order`, f)</script>"));
        assert!(has(Kind::Rust, "let page = \"x.on(\\\"order\\\", f)\";"));
        assert!(!has(Kind::Script, "order('orders')"));
        assert!(!has(Kind::Script, "// x.on('order', f)"));
        assert!(!has(Kind::Page, "<!-- x.on('order') -->"));
        assert!(!has(Kind::Page, "  // x.on('order', f)\n"));
        assert!(!has(Kind::Rust, "/// \"order\"\n"));
    }

    #[test]
    fn comments_of_a_page_keep_their_lines() {
        assert_eq!(without_html_comments("a<!-- b\nc -->d<!-- e"), "a\nd");
    }

    #[test]
    fn the_files_of_an_app_are_found() {
        let app = tempfile::tempdir().expect("a folder");
        for file in [
            "public/js/a.js",
            "public/node_modules/b.js",
            "public/.c.js",
            "public/js/sse-events.d.ts",
            "templates/d.html",
            "views/d.stpl",
            "src/e/f.rs",
            "src/g.txt",
            "other/h.js",
        ] {
            let path = app.path().join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            fs::write(path, "x").expect("it can be written");
        }
        let found: Vec<String> = read(app.path())
            .into_iter()
            .map(|source| source.path)
            .collect();
        assert_eq!(
            found,
            [
                "public/js/a.js",
                "templates/d.html",
                "views/d.stpl",
                "src/e/f.rs"
            ]
        );
    }
}
