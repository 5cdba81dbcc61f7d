//! The listeners in `public/js/sse-client.js`, one for each event.

/// The events of the shipped file. Its first listener is the pattern for all others.
const SHIPPED_EVENTS: [&str; 2] = ["event_name1", "event_name2"];

/// The beginning of each listener.
const LISTENER_BEGIN: &str = "  sse.on('";
/// The end of each listener, with the empty line after it.
const LISTENER_END: &str = "  });\n\n";

/// What a shipped listener calls, which a later part of the shipped file defines.
const TOAST_CALL: &str = "showToast(";
const LOG_CALL: &str = "console.log(";
/// What a script opens its stream with: that of the original module for CodeIgniter, and the shipped one.
const EVENT_SOURCE: &str = "new EventSource(";
const CLIENT: &str = "SseClient(";
/// The pattern for a script with an EventSource, which is called `source` in the original module.
const EVENT_SOURCE_LISTENER: &str = "    source.addEventListener('event_name1', (e) => {
        console.log('event_name1', JSON.parse(e.data));
    });
";

/// Begins the part of the shipped file without listeners. Its strings may equal the names of events.
const TOASTS_BEGIN: &str = "function sseToasts(";

/// The shipped file, with a listener for each of these events.
pub(crate) fn render_file(shipped: &str, events: &[String]) -> String {
    let Some((pattern, before, after)) = split_shipped(shipped) else {
        return shipped.to_owned();
    };
    let listeners: String = events
        .iter()
        .map(|event| render_listener(pattern, event))
        .collect();
    format!("{before}{listeners}{after}")
}

/// Each event that `script` does not name, with a listener to paste. It shows a toast if the script can.
pub(crate) fn missing_listeners(
    shipped: &str,
    script: &str,
    events: &[String],
) -> Vec<(String, String)> {
    let Some((pattern, ..)) = split_shipped(shipped) else {
        return Vec::new();
    };
    let pattern = if script.contains(TOAST_CALL) {
        pattern.to_owned()
    } else if script.contains(EVENT_SOURCE) && !script.contains(CLIENT) {
        EVENT_SOURCE_LISTENER.to_owned()
    } else {
        pattern.replace(TOAST_CALL, LOG_CALL)
    };
    let (listeners, _) = script.split_once(TOASTS_BEGIN).unwrap_or((script, ""));
    let missing = events.iter().filter(|event| !names_event(listeners, event));
    missing
        .map(|event| {
            (
                event.clone(),
                render_listener(&pattern, event).trim_end().to_owned(),
            )
        })
        .collect()
}

/// The listeners for other events than these, in the form of the shipped ones: each with its line and its event.
pub(super) fn orphaned_listeners(script: &str, events: &[String]) -> Vec<(usize, String)> {
    let is_known = |name: &str| {
        let mut names = events.iter().map(|event| escape_for_javascript(event));
        name == "*" || name.starts_with("sse.") || names.any(|event| event == name)
    };
    let lines = script.lines().enumerate();
    let listeners = lines.filter_map(|(index, line)| {
        let (name, _) = line.strip_prefix(LISTENER_BEGIN)?.split_once("', ")?;
        (!is_known(name)).then(|| (index + 1, name.to_owned()))
    });
    listeners.collect()
}

/// The first listener, the text before all listeners and the text after them.
fn split_shipped(shipped: &str) -> Option<(&str, &str, &str)> {
    let begin = shipped.find(LISTENER_BEGIN)?;
    let first = begin + shipped[begin..].find(LISTENER_END)? + LISTENER_END.len();
    let end = shipped.rfind(LISTENER_BEGIN)?;
    let end = end + shipped[end..].find(LISTENER_END)? + LISTENER_END.len();
    Some((&shipped[begin..first], &shipped[..begin], &shipped[end..]))
}

fn render_listener(pattern: &str, event: &str) -> String {
    pattern.replace(SHIPPED_EVENTS[0], &escape_for_javascript(event))
}

/// The name escaped for a JavaScript string in single quotes. Names have no control characters.
pub(super) fn escape_for_javascript(event: &str) -> String {
    event.replace('\\', "\\\\").replace('\'', "\\'")
}

fn names_event(script: &str, event: &str) -> bool {
    let quoted = ['\'', '"', '`'].map(|quote| format!("{quote}{event}{quote}"));
    let escaped = format!("'{}'", escape_for_javascript(event));
    quoted.iter().any(|name| script.contains(name)) || script.contains(&escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> &'static str {
        let mut files = actix_web_sse::client_files();
        let file = files.find(|file| file.name == "sse-client.js");
        file.expect("the file is shipped").contents
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_file_for_the_shipped_events_is_the_shipped_file() {
        assert_eq!(render_file(shipped(), &strings(&SHIPPED_EVENTS)), shipped());
    }

    #[test]
    fn the_file_has_one_listener_per_event() {
        let script = render_file(shipped(), &strings(&["order", "it's", "a\\b"]));
        assert_eq!(script.matches(LISTENER_BEGIN).count(), 3, "{script}");
        for line in [
            "sse.on('order', (value)",
            "showToast('order', value)",
            "sse.on('it\\'s', ",
            "sse.on('a\\\\b', ",
        ] {
            assert!(script.contains(line), "{line}: {script}");
        }
        let (_, before, after) = split_shipped(shipped()).expect("it has listeners");
        assert!(before.contains("  const source = sse;\n"), "{before}");
        assert!(after.starts_with("  window.sse = sse;\n  return source;\n});\n"));
        assert!(script.ends_with(after));
        assert!(!render_file(shipped(), &[]).contains(LISTENER_BEGIN));
    }

    #[test]
    fn events_that_the_script_does_not_name_are_missing() {
        let script = "sse.on(\"a\", f); sse.addEventListener('b', g); on('it\\'s', h)";
        let missing = missing_listeners(shipped(), script, &strings(&["a", "b", "c", "it's"]));
        assert_eq!(missing.len(), 1);
        let (event, listener) = &missing[0];
        assert_eq!(event, "c");
        assert!(listener.starts_with("  sse.on('c', ") && listener.ends_with("});"));
    }

    #[test]
    fn listeners_for_events_that_no_longer_exist_are_orphaned() {
        let script = "\n  sse.on('old', (value) => {});\n  sse.on('it\\'s', f);\n  sse.on('*', f);\n\
                      \x20 sse.on('sse.gap', f);\n  // sse.on('x', f);\n";
        let orphaned = orphaned_listeners(script, &strings(&["it's"]));
        assert_eq!(orphaned, [(2, "old".to_owned())]);
        assert_eq!(orphaned_listeners(shipped(), &strings(&SHIPPED_EVENTS)), []);
        assert_eq!(
            orphaned_listeners(shipped(), &[]).len(),
            SHIPPED_EVENTS.len()
        );
    }

    #[test]
    fn a_listener_to_paste_calls_only_what_the_script_has() {
        let listener = |script: &str| {
            let missing = missing_listeners(shipped(), script, &strings(&["c"]));
            missing[0].1.clone()
        };
        assert_eq!(
            missing_listeners(shipped(), shipped(), &strings(&["status"])).len(),
            1
        );
        assert!(listener(shipped()).contains("    showToast('c', value);\n"));
        assert!(listener("// mine").contains("    console.log('c', value);\n"));
        let with_source = listener("const source = new EventSource('sse/stream');");
        assert!(with_source.starts_with("    source.addEventListener('c', (e) => {\n"));
    }
}
