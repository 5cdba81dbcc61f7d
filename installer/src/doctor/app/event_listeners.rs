//! Events without a listener, and listeners for events that `SSE_EVENTS` does not have.

use actix_web_sse::Events;

use super::javascript::{self, ListenerCall};
use super::source_files::{CLIENT_PATH, LISTENERS_PATH, SourceFile};
use crate::doctor::finding::{Check, Finding};
use crate::nearest::nearest;

const CHECK: Check = Check("listeners");

/// Events of connections, pages and elements: a listener for one of these is not for a stream's
/// event.
const BROWSER_EVENTS: &str = "abort beforeunload blur change click close contextmenu dblclick DOMContentLoaded drop \
    error focus focusin focusout hashchange input keydown keyup load message mousedown \
    mouseenter mouseleave mousemove mouseup offline online open pagehide pageshow pointerdown \
    pointerup popstate readystatechange resize scroll storage submit unload visibilitychange";

pub(super) fn check(sources: &[SourceFile], events: &Events) -> Vec<Finding> {
    let listeners_file = sources.iter().find(|source| source.path == LISTENERS_PATH);
    let calls = listeners_file.map(|file| javascript::listener_calls(&file.text));
    let calls = calls.unwrap_or_default();
    let has_computed_names = calls.iter().any(|call| call.event.is_none());
    let is_mentioned = |event: &str| {
        let mut sources = sources.iter();
        sources.any(|source| source.path != CLIENT_PATH && source.has_quoted(event))
    };
    let unknown = calls.iter().filter_map(|call| unknown_event(call, events));
    let without_listener = events.names().filter(|event| !is_mentioned(event));
    let without_listener = without_listener.map(|event| no_listener(event, has_computed_names));
    let mut findings: Vec<Finding> = unknown.chain(without_listener).collect();
    if findings.is_empty() {
        let names: Vec<&str> = events.names().collect();
        findings.push(CHECK.ok(format!("every event has a listener: {}", names.join(", "))));
    }
    findings
}

fn unknown_event(call: &ListenerCall, events: &Events) -> Option<Finding> {
    let event = call.event.as_deref()?;
    let is_of_browser = BROWSER_EVENTS.split(' ').any(|known| known == event);
    if is_of_browser || event.starts_with("sse.") || events.contains(event) {
        return None;
    }
    let line = call.line;
    let add = format!("add `{event}:` and its cache key to SSE_EVENTS");
    Some(CHECK.warning(
        format!("{LISTENERS_PATH}:{line} listens for `{event}`, which is not in SSE_EVENTS"),
        match nearest(event, events.names()) {
            Some(name) => format!("did you mean `{name}`? If not, {add}"),
            None => add,
        },
    ))
}

fn no_listener(event: &str, has_computed_names: bool) -> Finding {
    if has_computed_names {
        let message = format!(
            "`{event}` may have no listener: {LISTENERS_PATH} computes names of events, so this \
             cannot be checked"
        );
        return CHECK.note(message);
    }
    CHECK.warning(
        format!("the event `{event}` has no listener in this app"),
        format!("add to {LISTENERS_PATH}: sse.on('{event}', (value) => console.log(value));"),
    )
}

#[cfg(test)]
mod tests {
    use actix_web_sse::Config;

    use super::super::source_files::FileKind;
    use super::*;
    use crate::doctor::finding::Level;

    fn check_files(events: &str, files: &[(&str, FileKind, &str)]) -> Vec<Finding> {
        let config = Config::new(".", events).expect("the list is good");
        let sources: Vec<SourceFile> = files
            .iter()
            .map(|(path, kind, text)| SourceFile::new(*path, *kind, text))
            .collect();
        check(&sources, config.events())
    }

    fn script(text: &str) -> (&'static str, FileKind, &str) {
        (LISTENERS_PATH, FileKind::Script, text)
    }

    #[test]
    fn a_listener_for_an_unknown_event_is_a_warning_with_the_nearest_name() {
        let code = "\nsse.on('order', f);\nsse.addEventListener('ordre', f)";
        let findings = check_files("order:k", &[script(code)]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0]
                .message
                .starts_with("public/js/sse-client.js:3 listens for `ordre`")
        );
        let help = findings[0].help.as_deref().unwrap_or_default();
        assert!(help.starts_with("did you mean `order`?"), "{help}");
    }

    #[test]
    fn events_of_browsers_and_of_the_library_are_known() {
        let code = "sse.on('order', f); sse.on('open', f); sse.on('sse.gap', f); b.addEventListener('click', f)";
        let findings = check_files("order:k", &[script(code)]);
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
    }

    #[test]
    fn an_event_without_a_listener_is_a_warning_with_the_line_to_add() {
        let findings = check_files("order:k,toast:k", &[script("sse.on('order', f)")]);
        assert_eq!((findings.len(), findings[0].level), (1, Level::Warning));
        let help = findings[0].help.as_deref().unwrap_or_default();
        assert!(help.contains("sse.on('toast', (value) =>"), "{help}");
    }

    #[test]
    fn a_listener_may_be_in_any_file_except_the_client() {
        let page = ("templates/a.html", FileKind::Page, "sse.on(\"toast\", f)");
        let findings = check_files("toast:k", &[script(""), page]);
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
        let client = (CLIENT_PATH, FileKind::Script, "sse.on(\"toast\", f)");
        let findings = check_files("toast:k", &[script(""), client]);
        assert_eq!(findings[0].level, Level::Warning, "{findings:?}");
    }

    #[test]
    fn computed_names_turn_the_warning_into_a_note() {
        let findings = check_files("toast:k", &[script("names.forEach((n) => sse.on(n, f))")]);
        assert_eq!((findings.len(), findings[0].level), (1, Level::Note));
    }
}
