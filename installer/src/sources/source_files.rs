//! The app's pages, scripts and Rust code, as text without comments.

#[cfg(test)]
use std::path::Path;

use crate::app::layout::{CLIENT_FILE, LISTENERS_FILE};
use crate::app::public_folder::PublicFolder;
use crate::editing::text;

/// The folders whose files apps serve as they are, usually at `/`.
const STATIC_FOLDERS: [&str; 3] = ["public", "static", "assets"];

/// What the listeners' script provides to other scripts.
pub(crate) const LISTENERS_GLOBAL: &str = "sseReady";
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Script,
    Page,
    Rust,
    Php,
}

/// What `install` has written into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InstalledScript {
    /// The listeners, which the app's author edits.
    Listeners,
    /// The library's client.
    Client,
}

/// One file without its comments, as far as they are recognized.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the app's folder if it is below it, with `/` as the separator.
    pub(crate) path: String,
    pub(crate) kind: FileKind,
    pub(crate) text: String,
    /// Where browsers request the file, if the app serves its folder.
    pub(crate) url_path: Option<String>,
    installed: Option<InstalledScript>,
}

impl SourceFile {
    /// In an app with these public files.
    pub(super) fn new(public: &PublicFolder, path: String, kind: FileKind, text: &str) -> Self {
        let text = match kind {
            FileKind::Page => remove_comment_lines(&remove_html_comments(text)),
            FileKind::Rust | FileKind::Script | FileKind::Php => remove_comment_lines(text),
        };
        let installed = [
            (LISTENERS_FILE, InstalledScript::Listeners),
            (CLIENT_FILE, InstalledScript::Client),
        ];
        let mut installed = installed.into_iter();
        Self {
            installed: installed
                .find_map(|(name, script)| (public.script(name) == path).then_some(script)),
            url_path: url_path(public, &path),
            path,
            kind,
            text,
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(path: impl Into<String>, kind: FileKind, text: &str) -> Self {
        let public = PublicFolder::new(Path::new("/app"), None);
        Self::new(&public, path.into(), kind, text)
    }

    pub(crate) fn is_listeners(&self) -> bool {
        self.installed == Some(InstalledScript::Listeners)
    }

    pub(crate) fn is_client(&self) -> bool {
        self.installed == Some(InstalledScript::Client)
    }

    pub(crate) fn is_page(&self) -> bool {
        self.kind == FileKind::Page
    }

    /// Whether it is code that runs on the server.
    pub(crate) fn is_server_code(&self) -> bool {
        matches!(self.kind, FileKind::Rust | FileKind::Php)
    }

    /// The path and the line of the byte at `offset`, as `path:line`.
    pub(crate) fn location(&self, offset: usize) -> String {
        let line = text::line_number(self.text.as_bytes(), offset);
        format!("{}:{line}", self.path)
    }

    /// The location of each occurrence of `text`.
    pub(crate) fn locations(&self, text: &str) -> impl Iterator<Item = String> {
        let matches = self.text.match_indices(text);
        matches.map(|(offset, _)| self.location(offset))
    }

    /// Whether the text contains the name in quotes. In a Rust string, a quote may be escaped by a
    /// backslash.
    pub(crate) fn has_quoted(&self, name: &str) -> bool {
        self.text.match_indices(name).any(|(at, _)| {
            let is_quote = |c: char| matches!(c, '\'' | '"' | '`');
            let (before, after) = (&self.text[..at], &self.text[at + name.len()..]);
            before.ends_with(is_quote) && after.trim_start_matches('\\').starts_with(is_quote)
        })
    }
}

/// The first occurrence of `text` in the app's Rust code: its location, and the code after it.
pub(crate) fn find_in_rust<'a>(sources: &'a [SourceFile], text: &str) -> Option<(String, &'a str)> {
    let mut files = sources.iter().filter(|file| file.kind == FileKind::Rust);
    files.find_map(|file| {
        let at = file.text.find(text)?;
        Some((file.location(at), &file.text[at + text.len()..]))
    })
}

/// The paths of the scopes in the app's code, as far as it has them as text.
pub(crate) fn scopes(sources: &[SourceFile]) -> Vec<String> {
    const SCOPE: &str = "scope(\"";
    let code = sources.iter().filter(|file| file.kind == FileKind::Rust);
    let starts = code.flat_map(|file| {
        let matches = file.text.match_indices(SCOPE);
        matches.map(|(at, _)| &file.text[at + SCOPE.len()..])
    });
    let paths = starts.filter_map(|start| Some(start.split_once('"')?.0.trim_matches('/')));
    // A path with a parameter is another one for each request, and messages show the paths as they are.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./~-".contains(c);
    let known = paths.filter(|path| !path.is_empty() && path.chars().all(is_plain));
    known.map(|path| format!("/{path}")).collect()
}

/// The path below the folder of public files, or below one that has a usual name.
fn url_path(public: &PublicFolder, path: &str) -> Option<String> {
    let usual = STATIC_FOLDERS.map(|folder| format!("{folder}/"));
    let folders = [public.file("")].into_iter().chain(usual);
    let mut below = folders.filter_map(|folder| path.strip_prefix(&folder));
    below.next().map(|below| format!("/{below}"))
}

/// Keeps the line breaks inside comments, so that line numbers stay right.
fn remove_html_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut remaining = text;
    while let Some((before, comment)) = remaining.split_once("<!--") {
        kept.push_str(before);
        let (comment, after) = comment.split_once("-->").unwrap_or((comment, ""));
        kept.extend(comment.matches('\n'));
        remaining = after;
    }
    kept.push_str(remaining);
    kept
}

/// Empties the lines that consist of a comment alone.
fn remove_comment_lines(text: &str) -> String {
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
    fn a_name_counts_only_in_quotes() {
        let has = |kind, text: &str| SourceFile::for_test("a", kind, text).has_quoted("order");
        assert!(has(FileKind::Script, "x.on('order', f)"));
        assert!(has(FileKind::Page, "<script>x.on(`order`, f)</script>"));
        assert!(has(
            FileKind::Rust,
            "let page = \"x.on(\\\"order\\\", f)\";"
        ));
        assert!(!has(FileKind::Script, "order('orders')"));
        assert!(!has(FileKind::Script, "// x.on('order', f)"));
        assert!(!has(FileKind::Page, "<!-- x.on('order') -->"));
        assert!(!has(FileKind::Page, "  // x.on('order', f)\n"));
        assert!(!has(FileKind::Rust, "/// \"order\"\n"));
    }

    #[test]
    fn the_scopes_of_the_code_are_found() {
        let code = "web::scope(\"/a/b\").service(web::scope(\"c\")) // scope(\"/d\n#[scope(\"/e/\")]\n\
                    web::scope(\"\") web::scope(\"/{id}\") web::scope(PATH) scope(\"/g'+alert(1)+'\")";
        let sources = [
            SourceFile::for_test("src/a.rs", FileKind::Rust, code),
            SourceFile::for_test("src/a.js", FileKind::Script, "scope(\"/f\")"),
        ];
        assert_eq!(scopes(&sources), ["/a/b", "/c", "/e"]);
    }

    #[test]
    fn html_comments_leave_their_line_breaks() {
        assert_eq!(remove_html_comments("a<!-- b\nc -->d<!-- e"), "a\nd");
    }
}
