//! Whether a page loads the listeners.

use super::source_files::{FOLDERS, LISTENERS, Source};
use crate::doctor::finding::Finding;
use crate::editing::scripts::TAG;

const CHECK: &str = "page";

const SCRIPT: &str = "sse-client.js";

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let has_listeners = sources.iter().any(|source| source.path == LISTENERS);
    let other = sources.iter().find(|source| listens_itself(source));
    if !has_listeners {
        let what = format!("the app has no {LISTENERS}");
        findings.push(match other {
            None => Finding::warning(CHECK, what, "run `sse install`"),
            Some(other) => Finding::note(CHECK, format!("{what}; {} listens", other.path)),
        });
    }
    findings.push(match (loading(sources), other) {
        (Some(page), _) => Finding::ok(CHECK, format!("{} loads {SCRIPT}", page.path)),
        (None, Some(other)) => Finding::note(
            CHECK,
            format!(
                "no page loads {SCRIPT}; {} listens in its place",
                other.path
            ),
        ),
        (None, None) => Finding::warning(
            CHECK,
            format!("no page below {} loads {SCRIPT}", FOLDERS.join(", ")),
            format!(
                "add {TAG} to your pages (those that are made elsewhere cannot be seen from here)"
            ),
        ),
    });
    findings
}

/// A page that loads the listeners, if one does.
pub(super) fn loading(sources: &[Source]) -> Option<&Source> {
    sources.iter().find(|source| loads(source))
}

/// Whether the file's text has the script in a tag, or imports it.
fn loads(source: &Source) -> bool {
    let is_own = source.path.ends_with(SCRIPT) || source.path.ends_with("js/sse.js");
    !is_own
        && source.text.match_indices(SCRIPT).any(|(at, _)| {
            // In templates of Rust the tag is `script src=…`, and quotes have a backslash.
            let before = &source.text[..at];
            let statement = before
                .rfind(['>', ';'])
                .map_or(before, |end| &before[end..]);
            ["script", "import"]
                .iter()
                .any(|word| statement.contains(word))
        })
}

/// Whether the file opens a stream without our listeners' file.
fn listens_itself(source: &Source) -> bool {
    let is_ours = source.path.ends_with("js/sse.js") || source.path == LISTENERS;
    let words = ["new EventSource(", "new SseClient("];
    !is_ours && words.iter().any(|word| source.text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::source_files::Kind;
    use super::*;
    use crate::doctor::finding::Level;

    fn found(files: &[(&str, Kind, &str)]) -> Vec<Level> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, kind, text)| Source::new(*path, *kind, text))
            .collect();
        check(&sources)
            .iter()
            .map(|finding| finding.level)
            .collect()
    }

    const OURS: (&str, Kind, &str) = (LISTENERS, Kind::Script, "new SseClient('/s')");

    #[test]
    fn a_tag_counts_wherever_it_is_written() {
        for page in [
            ("public/a.html", Kind::Page, TAG),
            (
                "templates/a.hbs",
                Kind::Page,
                "<script\n defer src='{{ root }}js/sse-client.js'>",
            ),
            (
                "src/a.rs",
                Kind::Rust,
                "f(\"<script src=\\\"/js/sse-client.js\\\"></script>\")",
            ),
            (
                "src/a.rs",
                Kind::Rust,
                "script src=\"/js/sse-client.js\" {}",
            ),
            ("static/a.js", Kind::Script, "import '/js/sse-client.js'"),
        ] {
            assert_eq!(found(&[OURS, page]), [Level::Ok], "{page:?}");
        }
    }

    #[test]
    fn a_page_without_the_tag_is_warned_about() {
        for text in [
            "<p>",
            "<!-- <script src='/js/sse-client.js'></script> -->",
            "<p>sse-client.js",
        ] {
            let page = ("public/a.html", Kind::Page, text);
            assert_eq!(found(&[OURS, page]), [Level::Warning], "{text}");
        }
    }

    #[test]
    fn an_app_may_listen_in_its_own_way() {
        let page = (
            "public/a.html",
            Kind::Page,
            "new EventSource('/sse/stream')",
        );
        assert_eq!(found(&[OURS, page]), [Level::Note]);
        assert_eq!(found(&[page]), [Level::Note, Level::Note]);
        assert_eq!(found(&[]), [Level::Warning, Level::Warning]);
    }
}
