//! The app's pages, scripts and Rust code, as text without comments.

use std::fs;
use std::path::{Path, PathBuf};

use crate::editing::{source_reader, text};

/// The folders in which apps keep pages, scripts and code.
pub(crate) const SOURCE_FOLDERS: [&str; 6] =
    ["public", "static", "assets", "templates", "views", "src"];

/// Keeps the check short if a folder holds something else than sources, such as uploads: far more
/// files than apps write by hand, and few enough to read within seconds.
const MAX_SOURCE_FILES: usize = 5_000;
/// All texts are kept and searched for each event. This is far more than people write, and few enough bytes to
/// search a hundred times within seconds.
const MAX_ALL_SOURCE_BYTES: usize = 64 * 1024 * 1024;

/// The listeners that `sse install` creates and the app's author edits.
pub(crate) const LISTENERS_PATH: &str = "public/js/sse-client.js";
/// What the listeners' script provides to other scripts.
pub(crate) const LISTENERS_GLOBAL: &str = "sseReady";
/// The library's client, which `sse install` keeps up to date.
pub(crate) const CLIENT_PATH: &str = "public/js/sse.js";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Script,
    Page,
    Rust,
}

/// One file without its comments, as far as they are recognized.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the app's folder, with `/` as the separator.
    pub(crate) path: String,
    pub(crate) kind: FileKind,
    pub(crate) text: String,
}

impl SourceFile {
    pub(crate) fn new(path: impl Into<String>, kind: FileKind, text: &str) -> Self {
        let text = match kind {
            FileKind::Page => remove_comment_lines(&remove_html_comments(text)),
            FileKind::Rust | FileKind::Script => remove_comment_lines(text),
        };
        Self {
            path: path.into(),
            kind,
            text,
        }
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

/// All source files of the app. Files that cannot be read are skipped, because the findings are
/// only advice.
pub(crate) fn read_all(app: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut bytes_left = MAX_ALL_SOURCE_BYTES;
    for folder in SOURCE_FOLDERS {
        read_folder(app, &app.join(folder), &mut files, &mut bytes_left);
    }
    files
}

fn read_folder(app: &Path, folder: &Path, files: &mut Vec<SourceFile>, bytes_left: &mut usize) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if files.len() >= MAX_SOURCE_FILES || *bytes_left == 0 {
            return;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            // A link may lead back to a parent folder.
            if !path.is_symlink() {
                read_folder(app, &path, files, bytes_left);
            }
        } else {
            files.extend(read_file(app, &path, bytes_left));
        }
    }
}

fn read_file(app: &Path, path: &Path, bytes_left: &mut usize) -> Option<SourceFile> {
    let kind = file_kind(path)?;
    let bytes = source_reader::read(path)?;
    *bytes_left = bytes_left.saturating_sub(bytes.len());
    let relative = path.strip_prefix(app).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    let text = String::from_utf8_lossy(&bytes);
    Some(SourceFile::new(parts.join("/"), kind, &text))
}

fn file_kind(path: &Path) -> Option<FileKind> {
    if path.to_str()?.ends_with(".d.ts") {
        // Type declarations contain names of events, but no listeners.
        return None;
    }
    match path.extension()?.to_str()? {
        "rs" => Some(FileKind::Rust),
        "js" | "mjs" | "cjs" | "ts" | "jsx" | "tsx" | "vue" | "svelte" => Some(FileKind::Script),
        "html" | "htm" | "jinja" | "jinja2" | "j2" | "tera" | "hbs" | "askama" | "stpl" => {
            Some(FileKind::Page)
        }
        _ => None,
    }
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
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_name_counts_only_in_quotes() {
        let has = |kind, text: &str| SourceFile::new("a", kind, text).has_quoted("order");
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
            SourceFile::new("src/a.rs", FileKind::Rust, code),
            SourceFile::new("src/a.js", FileKind::Script, "scope(\"/f\")"),
        ];
        assert_eq!(scopes(&sources), ["/a/b", "/c", "/e"]);
    }

    #[test]
    fn html_comments_leave_their_line_breaks() {
        assert_eq!(remove_html_comments("a<!-- b\nc -->d<!-- e"), "a\nd");
    }

    #[test]
    fn the_source_files_of_an_app_are_found() {
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
            fs::create_dir_all(path.parent().expect("it has one")).expect("it can be created");
            fs::write(path, "x").expect("it can be written");
        }
        let files = read_all(app.path()).into_iter();
        let paths: Vec<String> = files.map(|file| file.path).collect();
        assert_eq!(
            paths,
            [
                "public/js/a.js",
                "templates/d.html",
                "views/d.stpl",
                "src/e/f.rs"
            ]
        );
    }

    #[test]
    fn the_bytes_of_all_files_are_bounded() {
        let app = tempfile::tempdir().expect("a folder");
        fs::create_dir(app.path().join("src")).expect("it can be created");
        for number in 100..170 {
            let file = fs::File::create(app.path().join(format!("src/{number}.rs")));
            let file = file.expect("it can be created");
            file.set_len(1024 * 1024).expect("it can be written");
        }
        let files = read_all(app.path());
        assert_eq!(files.len(), 64);
        assert_eq!(files[63].path, "src/163.rs");
    }

    #[test]
    fn links_to_files_are_followed() {
        let app = tempfile::tempdir().expect("a folder");
        let public = app.path().join("public");
        fs::create_dir(&public).expect("it can be created");
        let outside = tempfile::tempdir().expect("a folder");
        for file in [outside.path().join("a.js"), app.path().join("b.js")] {
            fs::write(file, "x").expect("it can be written");
        }
        for (target, link) in [
            (outside.path().join("a.js"), "a.js"),
            ("../b.js".into(), "b.js"),
            ("/dev/zero".into(), "c.js"),
            ("nothing".into(), "d.js"),
        ] {
            symlink(target, public.join(link)).expect("it can be created");
        }
        let files = read_all(app.path());
        let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["public/a.js", "public/b.js"]);
    }
}
