//! The `script` tags and imports that load `sse-client.js`, and what browsers request for them.

use super::source_files::{FileKind, SourceFile};
use crate::app::layout::LISTENERS_FILE;

const CLIENT_SUFFIX: &str = "js/sse.js";

/// A path with one of these is completed by a template or by code.
const COMPUTED: [char; 8] = ['{', '}', '<', '>', '%', '$', '#', '?'];

/// How far before a script's name its tag may begin. Otherwise, each name in a text without separators would
/// cost a search of the whole text before it.
const MAX_TAG_BYTES: usize = 1024;

/// A place that loads `sse-client.js`.
#[derive(Debug)]
pub(crate) struct ScriptTag<'a> {
    pub(crate) source: &'a SourceFile,
    /// Where its name ends with the suffix that was searched for.
    at: usize,
    /// As written.
    pub(crate) url: &'a str,
    /// Whether this is a `script` tag with a URL, rather than an import.
    is_element: bool,
    is_computed: bool,
}

/// What a browser requests for a tag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestTarget {
    /// This path of the page's server.
    Path(String),
    /// It depends on the page's URL, which the file does not show.
    RelativeToPage,
    /// Code completes it, or it is on another server.
    Unknown,
}

/// All places that load the script.
pub(crate) fn find_all(sources: &[SourceFile]) -> Vec<ScriptTag<'_>> {
    let tags = |source| tags_of(source, LISTENERS_FILE);
    sources.iter().flat_map(tags).collect()
}

/// The tags of pages that load a script with a similar name, or the client without the listeners.
pub(crate) fn find_near_misses(sources: &[SourceFile]) -> Vec<ScriptTag<'_>> {
    let pages = sources
        .iter()
        .filter(|source| source.kind != FileKind::Script);
    let tags = pages.flat_map(|source| tags_of(source, ".js"));
    tags.filter(|tag| tag.is_element && (tag.is_client() || has_similar_name(tag.url)))
        .collect()
}

/// Whether at most one letter is wrong, besides upper case and what stands between words.
fn has_similar_name(url: &str) -> bool {
    let letters = |name: &str| {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().to_ascii_lowercase()
    };
    let name = url.rsplit('/').next().unwrap_or_default();
    name != LISTENERS_FILE && strsim::osa_distance(&letters(name), &letters(LISTENERS_FILE)) <= 1
}

/// The places that load a script whose URL ends with `suffix`.
fn tags_of<'a>(source: &'a SourceFile, suffix: &str) -> impl Iterator<Item = ScriptTag<'a>> {
    let is_installed_script =
        source.path.ends_with(LISTENERS_FILE) || source.path.ends_with(CLIENT_SUFFIX);
    let text = if is_installed_script {
        ""
    } else {
        &*source.text
    };
    let matches = text.match_indices(suffix);
    matches.filter_map(|(at, suffix)| {
        // Rust's template macros write the tag without `<`, and strings escape its quotes. So
        // all text since the last `>` or `;` is searched.
        let before = last_bytes(&text[..at]);
        let statement = &before[statement_start(before)..];
        let is_tag = ["script", "import"]
            .iter()
            .any(|word| statement.contains(word));
        let ends_url = |c: char| c.is_whitespace() || "\"'`=(".contains(c);
        let stem = before.rsplit(ends_url).next().unwrap_or_default();
        let url = &text[at - stem.len()..at + suffix.len()];
        let is_template = source.kind == FileKind::Page
            && (statement.contains(['{', '%']) || statement.contains("<?"));
        is_tag.then(|| ScriptTag {
            source,
            at,
            url,
            is_element: statement.contains("script") && statement.contains("src="),
            is_computed: is_template || url.contains(COMPUTED),
        })
    })
}

/// Where the last tag or statement begins. The ends of PHP code inside a tag do not count, as in
/// `<script src="<?= $root; ?>/js/…`.
fn statement_start(text: &str) -> usize {
    let tag_end = last_match(text, '>', |before, _| !before.ends_with(['?', '-', '=']));
    let statement_end = last_match(text, ';', |_, after| !after.trim_start().starts_with("?>"));
    tag_end.max(statement_end).unwrap_or_default()
}

/// Where the character stands for the last time between two texts that are right.
fn last_match(text: &str, wanted: char, is_right: impl Fn(&str, &str) -> bool) -> Option<usize> {
    let mut end = text.len();
    loop {
        end = text[..end].rfind(wanted)?;
        if is_right(&text[..end], &text[end + 1..]) {
            return Some(end);
        }
    }
}

/// The last [`MAX_TAG_BYTES`] of the text.
fn last_bytes(text: &str) -> &str {
    let mut starts = text.len().saturating_sub(MAX_TAG_BYTES)..;
    let tail = starts.find_map(|start| text.get(start..));
    tail.unwrap_or_default()
}

impl ScriptTag<'_> {
    /// As `path:line`.
    pub(crate) fn location(&self) -> String {
        self.source.location(self.at)
    }

    /// Whether it loads `sse.js`.
    pub(crate) fn is_client(&self) -> bool {
        self.url.ends_with(CLIENT_SUFFIX)
    }

    pub(crate) fn target(&self) -> RequestTarget {
        let is_on_another_server = self.url.contains("://") || self.url.starts_with("//");
        // A bundler or the script's own URL resolves an import.
        if self.is_computed || is_on_another_server || self.source.kind == FileKind::Script {
            return RequestTarget::Unknown;
        }
        if self.url.starts_with('/') {
            return RequestTarget::Path(normalize(self.url));
        }
        match &self.source.url_path {
            Some(page) => {
                let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
                RequestTarget::Path(normalize(&format!("{folder}/{}", self.url)))
            }
            None => RequestTarget::RelativeToPage,
        }
    }
}

/// The path without `.` and `..`, as browsers resolve it.
fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::slice;
    use std::time::{Duration, Instant};

    use super::*;

    fn target(path: &str, kind: FileKind, text: &str) -> RequestTarget {
        let source = SourceFile::for_test(path, kind, text);
        let tags: Vec<_> = tags_of(&source, LISTENERS_FILE).collect();
        assert_eq!(tags.len(), 1, "{text}");
        tags[0].target()
    }

    #[test]
    fn a_path_is_resolved_as_browsers_do() {
        let path = |path: &str| RequestTarget::Path(path.to_owned());
        for (page, url, expected) in [
            (
                "public/a.html",
                "/js/sse-client.js",
                path("/js/sse-client.js"),
            ),
            ("public/a.html", "sse-client.js", path("/sse-client.js")),
            (
                "public/a.html",
                "./js/sse-client.js",
                path("/js/sse-client.js"),
            ),
            (
                "public/shop/a.html",
                "js/sse-client.js",
                path("/shop/js/sse-client.js"),
            ),
            (
                "static/shop/a.html",
                "../js/sse-client.js",
                path("/js/sse-client.js"),
            ),
            (
                "public/a.html",
                "../../sse-client.js",
                path("/sse-client.js"),
            ),
            (
                "templates/a.html",
                "js/sse-client.js",
                RequestTarget::RelativeToPage,
            ),
            (
                "templates/a.html",
                "https://a.example/js/sse-client.js",
                RequestTarget::Unknown,
            ),
            (
                "templates/a.html",
                "//a.example/js/sse-client.js",
                RequestTarget::Unknown,
            ),
            (
                "templates/a.html",
                "{{ root }}/js/sse-client.js",
                RequestTarget::Unknown,
            ),
        ] {
            for quote in ["\"", "'"] {
                let text = format!("<script defer src={quote}{url}{quote}></script>");
                assert_eq!(
                    target(page, FileKind::Page, &text),
                    expected,
                    "{page} {text}"
                );
            }
        }
    }

    #[test]
    fn a_path_that_code_completes_is_not_judged() {
        for php in [
            "<?= base_url('js/sse-client.js') ?>",
            "<?= $root; ?>/js/sse-client.js",
            "<?php echo $app->url ?>/js/sse-client.js",
        ] {
            let tag = format!("<p><script src=\"{php}\"></script>");
            let target = target("app/Views/a.php", FileKind::Page, &tag);
            assert_eq!(target, RequestTarget::Unknown, "{php}");
        }
        let helper = "<script src=\"{{ url_for('static', 'js/sse-client.js') }}\">";
        assert_eq!(
            target("templates/a.html", FileKind::Page, helper),
            RequestTarget::Unknown
        );
        let import = "import './sse-client.js'";
        assert_eq!(
            target("static/a.js", FileKind::Script, import),
            RequestTarget::Unknown
        );
        let format = "format!(\"<script src=\\\"{root}/js/sse-client.js\\\">\")";
        assert_eq!(
            target("src/a.rs", FileKind::Rust, format),
            RequestTarget::Unknown
        );
    }

    #[test]
    fn a_similar_name_is_a_near_miss() {
        let near_misses = |kind, text: &str| {
            let sources = [SourceFile::for_test("a", kind, text)];
            find_near_misses(&sources).len()
        };
        for url in [
            "/js/sse_client.js",
            "sseClient.js",
            "/sse-cleint.js?v=1",
            "/js/sse-clients.js",
            "{{ root }}/js/sse.js",
        ] {
            let tag = format!("<script defer src='{url}'></script>");
            assert_eq!(near_misses(FileKind::Page, &tag), 1, "{url}");
            let in_macro = format!("html! {{ script src=\"{url}\" {{}} }}");
            assert_eq!(near_misses(FileKind::Rust, &in_macro), 1, "{url}");
        }
        for text in [
            "<script src='/js/sse-client.js'></script>",
            "<script src='/js/client.js'></script>",
            "<script src='/js/ws-client.js'></script>",
            "<script src='/vendor/sse.js'></script>",
            "<script type='module'>import { SseClient } from '/js/sse.js'",
            "<script>fetch('/js/sse.js')",
            "<p>sse_client.js",
        ] {
            assert_eq!(near_misses(FileKind::Page, text), 0, "{text}");
        }
    }

    #[test]
    fn a_page_of_script_names_without_separators_is_read_soon() {
        let start = Instant::now();
        let text = format!("<script src='{}", "é.js ".repeat(40_000));
        let page = SourceFile::for_test("a", FileKind::Page, &text);
        assert!(find_near_misses(slice::from_ref(&page)).is_empty());
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
    }

    #[test]
    fn a_tag_may_have_any_white_space() {
        let expected = RequestTarget::Path("/js/sse-client.js".to_owned());
        let tag = "<script src=\u{a0}/js/sse-client.js>";
        assert_eq!(target("public/a.html", FileKind::Page, tag), expected);
    }

    #[test]
    fn tags_in_code_are_read_with_escaped_quotes_and_in_macros() {
        for code in [
            "f(\"<script src=\\\"/js/sse-client.js\\\"></script>\")",
            "html! { head { script src=\"/js/sse-client.js\" {} } }",
        ] {
            let expected = RequestTarget::Path("/js/sse-client.js".to_owned());
            assert_eq!(target("src/a.rs", FileKind::Rust, code), expected, "{code}");
        }
    }
}
