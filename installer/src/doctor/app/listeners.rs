//! Events that no file of the app names. Listeners for names that the server does not have are reported by
//! the browser client.

use actix_web_sse::Events;

use crate::doctor::finding::{Check, Finding};
use crate::sources::source_files::SourceFile;

const CHECK: Check = Check("listeners");

/// A script with one of these may listen to every event without naming any.
const LISTEN_TO_ALL: [&str; 3] = ["on('*'", "on(\"*\"", "sse.events"];

/// `script` is the path of the app's listeners.
pub(super) fn check(sources: &[SourceFile], events: &Events, script: &str) -> Vec<Finding> {
    let own: Vec<_> = sources.iter().filter(|file| !file.is_client()).collect();
    let listens_to_all = own.iter().any(|file| {
        let mut calls = LISTEN_TO_ALL.iter();
        calls.any(|call| file.text.contains(call))
    });
    let is_named = |event: &str| listens_to_all || own.iter().any(|file| file.has_quoted(event));
    let unnamed = events.names().filter(|event| !is_named(event));
    let mut findings: Vec<Finding> = unnamed.map(|event| no_listener(event, script)).collect();
    if findings.is_empty() {
        let names: Vec<&str> = events.names().collect();
        let verb = match listens_to_all {
            true => "listen to",
            false => "name",
        };
        let message = format!("the app's files {verb} every event: {}", names.join(", "));
        findings.push(CHECK.ok(message));
    }
    findings
}

/// Only a note: another program may listen, or a script may compute the name.
fn no_listener(event: &str, script: &str) -> Finding {
    CHECK.tip(
        format!("no page or script of this app names the event `{event}`"),
        format!(
            "to show it in a page, add to {script}: sse.on('{event}', (value) => console.log(value));"
        ),
    )
}

#[cfg(test)]
mod tests {
    use actix_web_sse::Config;

    use super::*;
    use crate::doctor::finding::Level;
    use crate::sources::source_files::FileKind;

    const LISTENERS_PATH: &str = "public/js/sse-client.js";
    const CLIENT_PATH: &str = "public/js/sse.js";

    fn levels(events: &str, files: &[(&str, FileKind, &str)]) -> Vec<Level> {
        let config = Config::new(".", events).expect("the list is good");
        let files = files.iter();
        let sources: Vec<SourceFile> = files
            .map(|(path, kind, text)| SourceFile::for_test(*path, *kind, text))
            .collect();
        let findings = check(&sources, config.events(), LISTENERS_PATH);
        findings.iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn an_event_that_no_file_names_is_a_note() {
        let script = |text| (LISTENERS_PATH, FileKind::Script, text);
        let page = ("templates/a.html", FileKind::Page, "sse.on(\"toast\", f)");
        let order = script("sse.on('order', f)");
        assert_eq!(levels("order:k,toast:k", &[order]), [Level::Note]);
        assert_eq!(levels("order:k,toast:k", &[order, page]), [Level::Ok]);
        assert_eq!(
            levels("order:k", &[script("// sse.on('order', f)")]),
            [Level::Note]
        );
        // A name is not always that of a listener.
        let toast = SourceFile::for_test(
            LISTENERS_PATH,
            FileKind::Script,
            "showToast('order', value)",
        );
        let config = Config::new(".", "order:k").expect("the list is good");
        let message = &check(&[toast], config.events(), LISTENERS_PATH)[0].message;
        assert_eq!(message, "the app's files name every event: order");
        let client = (CLIENT_PATH, FileKind::Script, "sse.on('order', f)");
        assert_eq!(levels("order:k", &[client]), [Level::Note]);
    }

    #[test]
    fn a_script_may_listen_to_all_events_without_naming_them() {
        for text in [
            "sse.on('*', f)",
            "for (const name of sse.events) sse.on(name, f)",
        ] {
            let script = (LISTENERS_PATH, FileKind::Script, text);
            assert_eq!(levels("order:k", &[script]), [Level::Ok], "{text}");
        }
    }
}
