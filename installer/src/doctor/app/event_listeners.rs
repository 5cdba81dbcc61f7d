//! Events that nobody listens to, and listeners that no event reaches.

use actix_web_sse::Events;

use super::javascript::{self, Listener};
use super::source_files::{CLIENT, LISTENERS, Source};
use crate::doctor::finding::Finding;
use crate::nearest::nearest;

const CHECK: &str = "listeners";

/// Events of connections, pages and elements: a listener to one of these is no listener to ours.
const BROWSERS: [&str; 40] = [
    "abort",
    "beforeunload",
    "blur",
    "change",
    "click",
    "close",
    "contextmenu",
    "dblclick",
    "DOMContentLoaded",
    "drop",
    "error",
    "focus",
    "focusin",
    "focusout",
    "hashchange",
    "input",
    "keydown",
    "keyup",
    "load",
    "message",
    "mousedown",
    "mouseenter",
    "mouseleave",
    "mousemove",
    "mouseup",
    "offline",
    "online",
    "open",
    "pagehide",
    "pageshow",
    "pointerdown",
    "pointerup",
    "popstate",
    "readystatechange",
    "resize",
    "scroll",
    "storage",
    "submit",
    "unload",
    "visibilitychange",
];

pub(super) fn check(sources: &[Source], events: &Events) -> Vec<Finding> {
    let own = sources.iter().find(|source| source.path == LISTENERS);
    let listeners = own.map_or_else(Vec::new, |own| javascript::listeners(&own.text));
    let mut findings: Vec<Finding> = listeners
        .iter()
        .filter_map(|listener| unfed(listener, events))
        .collect();
    let is_dynamic = listeners.iter().any(|listener| listener.event.is_none());
    findings.extend(unheard(sources, events, is_dynamic));
    if findings.is_empty() {
        let names: Vec<&str> = events.names().collect();
        findings.push(Finding::ok(
            CHECK,
            format!("every event is listened to: {}", names.join(", ")),
        ));
    }
    findings
}

fn unfed(listener: &Listener, events: &Events) -> Option<Finding> {
    let event = listener.event.as_deref()?;
    let is_ours = !BROWSERS.contains(&event) && !event.starts_with("sse.");
    if !is_ours || events.contains(event) {
        return None;
    }
    let what = format!(
        "{LISTENERS}:{} listens to `{event}`, which is no event of SSE_EVENTS",
        listener.line
    );
    let help = match nearest(event, events.names()) {
        Some(name) => {
            format!("did you mean `{name}`? else add `{event}:` and its cache key to SSE_EVENTS")
        }
        None => format!("add `{event}:` and its cache key to SSE_EVENTS"),
    };
    Some(Finding::warning(CHECK, what, help))
}

fn unheard(sources: &[Source], events: &Events, is_dynamic: bool) -> Vec<Finding> {
    let is_heard = |event: &str| {
        sources
            .iter()
            .any(|source| source.path != CLIENT && source.has_quoted(event))
    };
    let names = events.names().filter(|event| !is_heard(event));
    let finding = |event: &str| {
        if is_dynamic {
            let what = format!(
                "whether anything listens to `{event}` cannot be told: {LISTENERS} works out names \
                 as it runs"
            );
            return Finding::note(CHECK, what);
        }
        Finding::warning(
            CHECK,
            format!("nothing in this app listens to the event `{event}`"),
            format!("add to {LISTENERS}: sse.on('{event}', (value) => console.log(value));"),
        )
    };
    names.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use actix_web_sse::Config;

    use super::super::source_files::Kind;
    use super::*;
    use crate::doctor::finding::Level;

    fn found(events: &str, files: &[(&str, Kind, &str)]) -> Vec<Finding> {
        let config = Config::new(".", events).expect("the list is good");
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, kind, text)| Source::new(*path, *kind, text))
            .collect();
        check(&sources, config.events())
    }

    fn script(text: &str) -> (&'static str, Kind, &str) {
        (LISTENERS, Kind::Script, text)
    }

    #[test]
    fn a_listener_that_no_event_reaches_is_told_with_the_nearest() {
        let code = "\nsse.on('order', f);\nsse.addEventListener('ordre', f)";
        let findings = found("order:k", &[script(code)]);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0]
                .what
                .starts_with("public/js/sse-client.js:3 listens to `ordre`")
        );
        let help = findings[0].help.as_deref().unwrap_or_default();
        assert!(help.starts_with("did you mean `order`?"), "{help}");
    }

    #[test]
    fn what_browsers_and_we_send_is_no_mistake() {
        let code = "sse.on('order', f); sse.on('open', f); sse.on('sse.gap', f); b.addEventListener('click', f)";
        let findings = found("order:k", &[script(code)]);
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
    }

    #[test]
    fn an_event_without_a_listener_is_told_with_the_line_to_add() {
        let findings = found("order:k,toast:k", &[script("sse.on('order', f)")]);
        assert_eq!((findings.len(), findings[0].level), (1, Level::Warning));
        let help = findings[0].help.as_deref().unwrap_or_default();
        assert!(help.contains("sse.on('toast', (value) =>"), "{help}");
    }

    #[test]
    fn any_file_of_the_app_may_listen_but_not_the_client_itself() {
        let page = ("templates/a.html", Kind::Page, "sse.on(\"toast\", f)");
        let findings = found("toast:k", &[script(""), page]);
        assert_eq!(findings[0].level, Level::Ok, "{findings:?}");
        let client = (CLIENT, Kind::Script, "sse.on(\"toast\", f)");
        let findings = found("toast:k", &[script(""), client]);
        assert_eq!(findings[0].level, Level::Warning, "{findings:?}");
    }

    #[test]
    fn names_that_are_worked_out_are_given_the_benefit_of_the_doubt() {
        let findings = found("toast:k", &[script("names.forEach((n) => sse.on(n, f))")]);
        assert_eq!((findings.len(), findings[0].level), (1, Level::Note));
    }
}
