//! Whether a page loads `sse-client.js`.

use super::source_files::{LISTENERS_PATH, SOURCE_FOLDERS, SourceFile};
use crate::doctor::finding::{Check, Finding};
use crate::editing::scripts::SCRIPT_TAG;

const CHECK: Check = Check("page");

const LISTENERS_FILE: &str = "sse-client.js";
const CLIENT_SUFFIX: &str = "js/sse.js";

pub(super) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let stream_opener = sources.iter().find(|source| opens_stream(source));
    let instead = stream_opener.map(|source| format!("; {} opens a stream instead", source.path));
    let problem = |message: String, help: String| match &instead {
        Some(instead) => CHECK.note(message + instead),
        None => CHECK.warning(message, help),
    };
    let mut findings = Vec::new();
    if !sources.iter().any(|source| source.path == LISTENERS_PATH) {
        let message = format!("the app has no {LISTENERS_PATH}");
        findings.push(problem(message, "run `sse install`".to_owned()));
    }
    let folders = SOURCE_FOLDERS.join(", ");
    findings.push(match loading_page(sources) {
        Some(page) => CHECK.ok(format!("{} loads {LISTENERS_FILE}", page.path)),
        None => problem(
            format!("no page in {folders} loads {LISTENERS_FILE}"),
            format!(
                "add {SCRIPT_TAG} to your pages (`sse doctor` cannot see pages in other folders)"
            ),
        ),
    });
    findings
}

/// A page that loads `sse-client.js`, if there is one.
pub(super) fn loading_page(sources: &[SourceFile]) -> Option<&SourceFile> {
    sources.iter().find(|source| loads_script(source))
}

/// Whether the text has the script's name in a `script` tag or an `import`.
fn loads_script(source: &SourceFile) -> bool {
    let is_installed_script =
        source.path.ends_with(LISTENERS_FILE) || source.path.ends_with(CLIENT_SUFFIX);
    !is_installed_script
        && source.text.match_indices(LISTENERS_FILE).any(|(at, _)| {
            // Rust's template macros write the tag without `<`, and strings escape its quotes. So
            // all text since the last `>` or `;` is searched.
            let before = &source.text[..at];
            let statement = before
                .rfind(['>', ';'])
                .map_or(before, |end| &before[end..]);
            ["script", "import"]
                .iter()
                .any(|word| statement.contains(word))
        })
}

/// Whether the file opens a stream without `sse-client.js`.
fn opens_stream(source: &SourceFile) -> bool {
    let is_installed = source.path.ends_with(CLIENT_SUFFIX) || source.path == LISTENERS_PATH;
    let constructors = ["new EventSource(", "new SseClient("];
    !is_installed && constructors.iter().any(|call| source.text.contains(call))
}

#[cfg(test)]
mod tests {
    use super::super::source_files::FileKind;
    use super::*;
    use crate::doctor::finding::Level;

    fn levels(files: &[(&str, FileKind, &str)]) -> Vec<Level> {
        let sources: Vec<SourceFile> = files
            .iter()
            .map(|(path, kind, text)| SourceFile::new(*path, *kind, text))
            .collect();
        check(&sources)
            .iter()
            .map(|finding| finding.level)
            .collect()
    }

    const INSTALLED_LISTENERS: (&str, FileKind, &str) =
        (LISTENERS_PATH, FileKind::Script, "new SseClient('/s')");

    #[test]
    fn a_tag_is_found_in_every_notation() {
        for page in [
            ("public/a.html", FileKind::Page, SCRIPT_TAG),
            (
                "templates/a.hbs",
                FileKind::Page,
                "<script\n defer src='{{ root }}js/sse-client.js'>",
            ),
            (
                "src/a.rs",
                FileKind::Rust,
                "f(\"<script src=\\\"/js/sse-client.js\\\"></script>\")",
            ),
            (
                "src/a.rs",
                FileKind::Rust,
                "script src=\"/js/sse-client.js\" {}",
            ),
            (
                "static/a.js",
                FileKind::Script,
                "import '/js/sse-client.js'",
            ),
        ] {
            assert_eq!(
                levels(&[INSTALLED_LISTENERS, page]),
                [Level::Ok],
                "{page:?}"
            );
        }
    }

    #[test]
    fn a_page_without_the_tag_is_a_warning() {
        for text in [
            "<p>",
            "<!-- <script src='/js/sse-client.js'></script> -->",
            "<p>sse-client.js",
        ] {
            let page = ("public/a.html", FileKind::Page, text);
            assert_eq!(
                levels(&[INSTALLED_LISTENERS, page]),
                [Level::Warning],
                "{text}"
            );
        }
    }

    #[test]
    fn an_app_may_open_the_stream_with_its_own_script() {
        let page = (
            "public/a.html",
            FileKind::Page,
            "new EventSource('/sse/stream')",
        );
        assert_eq!(levels(&[INSTALLED_LISTENERS, page]), [Level::Note]);
        assert_eq!(levels(&[page]), [Level::Note, Level::Note]);
        assert_eq!(levels(&[]), [Level::Warning, Level::Warning]);
    }
}
