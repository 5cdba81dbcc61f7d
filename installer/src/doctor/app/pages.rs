//! Whether a page loads `sse-client.js`, from where it is served.

use super::script_requests::ScriptServer;
use crate::app::layout::{AppLayout, LISTENERS_FILE};
use crate::doctor::finding::{Check, Finding};
use crate::editing::scripts::SCRIPT_TAG;
use crate::sources::script_tags::{self, RequestTarget, ScriptTag};
use crate::sources::source_files::SourceFile;
use crate::sources::source_folders::SourceFolders;
use crate::sources::tag_place;

pub(super) const CHECK: Check = Check("page");

/// Where the library's routes serve the listeners.
pub(super) const LISTENERS_URL_PATH: &str = "/js/sse-client.js";

/// More pages with the same mistake say nothing new.
const MAX_WRONG_TAGS: usize = 5;

/// With a server, its responses decide whether a tag is right.
pub(super) fn check(
    layout: &AppLayout,
    sources: &[SourceFile],
    server: Option<&ScriptServer<'_>>,
) -> Vec<Finding> {
    let folders = SourceFolders::of(layout);
    let stream_opener = sources.iter().find(|source| opens_stream(source));
    let instead = stream_opener.map(|source| format!("; {} opens a stream instead", source.path));
    let problem = |message: String, help: String| match &instead {
        Some(instead) => CHECK.note(message + instead),
        None => CHECK.warning(message, help),
    };
    let mut findings = Vec::new();
    if !sources.iter().any(SourceFile::is_listeners) {
        let message = format!("the app has no {}", layout.listeners_path());
        findings.push(problem(message, "run `sse install`".to_owned()));
    }
    let near_misses: Vec<_> = script_tags::find_near_misses(sources)
        .into_iter()
        .filter(|tag| tag.is_client() || !is_served(tag, sources))
        .map(|tag| problem(near_miss(&tag), near_miss_help(&tag)))
        .take(MAX_WRONG_TAGS)
        .collect();
    let tags = script_tags::find_all(sources);
    if tags.is_empty() && near_misses.is_empty() {
        findings.push(problem(
            format!("no page in {folders} loads {LISTENERS_FILE}"),
            missing_tag_help(sources),
        ));
    }
    findings.extend(near_misses);
    findings.extend(check_tags(&tags, sources, &folders, server));
    findings
}

/// The page that visitors most likely see, if the app's files show one.
fn missing_tag_help(sources: &[SourceFile]) -> String {
    let Some(place) = tag_place::find(sources) else {
        return format!(
            "add {SCRIPT_TAG} to your pages (`sse doctor` cannot see pages in other folders)"
        );
    };
    let (first, rest) = place.description.split_at(1);
    let others = match place.other_pages {
        0 => "",
        _ => ", and to the other pages that show events",
    };
    format!("add {} {}{rest}{others}", place.tag, first.to_lowercase())
}

fn near_miss(tag: &ScriptTag<'_>) -> String {
    let (location, url) = (tag.location(), tag.url);
    let difference = match tag.is_client() {
        true => format!("the client without the listeners, which are in {LISTENERS_FILE}"),
        false => format!("but the file is {LISTENERS_FILE}"),
    };
    format!("{location} loads `{url}`, {difference}")
}

fn near_miss_help(tag: &ScriptTag<'_>) -> String {
    let folder = tag.url.rfind('/').map_or("", |end| &tag.url[..=end]);
    format!("write <script src=\"{folder}{LISTENERS_FILE}\"></script>")
}

/// Whether a file of the app has the tag's path.
fn is_served(tag: &ScriptTag<'_>, sources: &[SourceFile]) -> bool {
    matches!(tag.target(), RequestTarget::Path(path) if has_file(sources, &path))
}

fn check_tags(
    tags: &[ScriptTag<'_>],
    sources: &[SourceFile],
    folders: &SourceFolders,
    server: Option<&ScriptServer<'_>>,
) -> Vec<Finding> {
    let judge = |tag| match server.and_then(|server| server.judge(tag)) {
        Some(judgement) => judgement,
        None => judge_by_routes(tag, sources, folders),
    };
    let findings = tags.iter().filter_map(judge);
    let findings: Vec<Finding> = findings.take(MAX_WRONG_TAGS).collect();
    match tags.first() {
        Some(tag) if findings.is_empty() => {
            let page = &tag.source.path;
            vec![CHECK.ok(format!("{page} loads {LISTENERS_FILE}"))]
        }
        _ => findings,
    }
}

/// What is wrong with a tag if the app serves the library's routes at `/`.
fn judge_by_routes(
    tag: &ScriptTag<'_>,
    sources: &[SourceFile],
    folders: &SourceFolders,
) -> Option<Finding> {
    let url = tag.url;
    let path = match tag.target() {
        RequestTarget::Unknown => return None,
        RequestTarget::RelativeToPage => {
            let location = tag.location();
            return Some(CHECK.tip(
                format!("{location} loads `{url}`, which depends on the page's URL"),
                format!("if the page is not directly below /, write {SCRIPT_TAG}"),
            ));
        }
        RequestTarget::Path(path) => path,
    };
    if path == LISTENERS_URL_PATH || has_file(sources, &path) || is_mounted(sources, &path) {
        return None;
    }
    let location = tag.location();
    let message = format!("{location} loads `{url}`, which browsers request as {path}");
    let first = path.split('/').nth(1).unwrap_or_default();
    if path.ends_with(LISTENERS_URL_PATH) && !folders.contains(first) && url.starts_with('/') {
        // A proxy may serve the app below this path.
        return Some(CHECK.tip(
            format!("{message}: that is right if the app is served below /{first}"),
            "pass the URL at which browsers reach the app: `sse doctor URL` requests the script",
        ));
    }
    Some(CHECK.warning(
        format!("{message}, but the script is at {LISTENERS_URL_PATH}"),
        format!("write {SCRIPT_TAG}"),
    ))
}

/// Whether a folder that the app may serve at `/` has a script of its own there.
fn has_file(sources: &[SourceFile], path: &str) -> bool {
    let mut paths = sources
        .iter()
        .filter_map(|source| source.url_path.as_deref());
    paths.any(|file| file == path)
}

/// Whether the code names the first part of the path, as the path of a scope or of a file service.
fn is_mounted(sources: &[SourceFile], path: &str) -> bool {
    let Some((first, _)) = path[1..].split_once('/') else {
        return false;
    };
    let mut code = sources.iter().filter(|source| source.is_server_code());
    code.any(|source| source.has_quoted(&format!("/{first}")))
}

/// Whether the file opens a stream without `sse-client.js`.
fn opens_stream(source: &SourceFile) -> bool {
    let is_installed = source.is_client() || source.is_listeners();
    let constructors = ["new EventSource(", "new SseClient("];
    !is_installed && constructors.iter().any(|call| source.text.contains(call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::kind::AppKind;
    use crate::doctor::finding::Level;
    use crate::sources::source_files::FileKind;

    fn findings(files: &[(&str, FileKind, &str)]) -> Vec<Finding> {
        let files = files.iter();
        let sources: Vec<SourceFile> = files
            .map(|(path, kind, text)| SourceFile::for_test(*path, *kind, text))
            .collect();
        check(&AppLayout::for_test(AppKind::Rust), &sources, None)
    }

    fn levels(files: &[(&str, FileKind, &str)]) -> Vec<Level> {
        let findings = findings(files);
        findings.iter().map(|finding| finding.level).collect()
    }

    const INSTALLED_LISTENERS: (&str, FileKind, &str) = (
        "public/js/sse-client.js",
        FileKind::Script,
        "new SseClient('/s')",
    );

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

    #[test]
    fn a_tag_with_another_path_is_a_warning_unless_the_app_may_serve_it_there() {
        let level = |url: &str, more: &[(&str, FileKind, &str)]| {
            let text = format!("\n<script src=\"{url}\"></script>");
            let page = ("public/a.html", FileKind::Page, &*text);
            let found = findings(&[&[INSTALLED_LISTENERS, page], more].concat());
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].level
        };
        for url in [
            "sse-client.js",
            "/public/js/sse-client.js",
            "/static/sse-client.js",
        ] {
            assert_eq!(level(url, &[]), Level::Warning, "{url}");
        }
        assert_eq!(level("/shop/js/sse-client.js", &[]), Level::Note);
        let scope = ("src/main.rs", FileKind::Rust, "web::scope(\"/public\")");
        assert_eq!(level("/public/js/sse-client.js", &[scope]), Level::Ok);
        let own = ("static/sse-client.js", FileKind::Script, "");
        assert_eq!(level("sse-client.js", &[own]), Level::Ok);
        let other_page = ("public/b.html", FileKind::Page, SCRIPT_TAG);
        assert_eq!(level("sse-client.js", &[other_page]), Level::Warning);
    }
}
