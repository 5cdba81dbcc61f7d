//! `public/js/sse-events.d.ts`, which declares the names of the events as a type.

use super::listeners::escape_for_javascript;
use crate::editing::receipt;

const FILE_HEAD: &str = "\
// This file belongs to actix-web-sse: `sse install` writes it from SSE_EVENTS, and rewrites it after changes.
// To declare the types of the values, see SseEvents in sse.d.ts.

/** The names of the events in SSE_EVENTS. */
export type SseEventName = ";

const FILE_FOOT: &str = ";

declare module './sse.js' {
  interface SseRegister {
    names: SseEventName;
  }
}
";

/// Begins the last line, which has the hash of the text before it.
const CHECKSUM_LABEL: &str = "// checksum: ";

/// The file for these events. Without events, because `SSE_EVENTS` is invalid, it accepts every
/// name: the mistake is not in the app's scripts.
pub(super) fn render_file(events: &[String]) -> String {
    let names: Vec<String> = events
        .iter()
        .map(|event| quote_for_typescript(event))
        .collect();
    let names = if names.is_empty() {
        "string".to_owned()
    } else {
        names.join(" | ")
    };
    let text = format!("{FILE_HEAD}{names}{FILE_FOOT}");
    format!("{text}{CHECKSUM_LABEL}{}", checksum(&text))
}

/// Whether the text is this file for some list of events, unedited.
///
/// The receipt does not suffice: a fresh clone has the file, but no `.env`.
pub(super) fn is_generated(found: &[u8]) -> bool {
    let text = String::from_utf8_lossy(found).replace("\r\n", "\n");
    let parts = text.rsplit_once(CHECKSUM_LABEL);
    parts.is_some_and(|(text, found)| found == checksum(text))
}

fn checksum(text: &str) -> String {
    format!("{:016x}\n", receipt::hash(text.as_bytes()))
}

/// The name as a TypeScript string type. Names have no control characters, but some compilers
/// also end a string at U+2028 and U+2029.
fn quote_for_typescript(event: &str) -> String {
    let escaped = escape_for_javascript(event)
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_for(names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        render_file(&names)
    }

    #[test]
    fn the_type_has_every_name() {
        let text = file_for(&["order", "it's", "a\\b", "a\"b", "a\u{2028}b"]);
        let line = r#"export type SseEventName = 'order' | 'it\'s' | 'a\\b' | 'a"b' | 'a\u2028b';"#;
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(file_for(&[]).contains("SseEventName = string;\n"));
    }

    #[test]
    fn the_generated_file_is_recognised_for_any_events_and_no_other_text_is() {
        for names in [
            &[][..],
            &["a"],
            &["string"],
            &[
                "a",
                "b c",
                "it's",
                "\\'",
                " | ",
                "a\u{2029}b\u{2028}",
                "'; //",
                "\\u2028",
                "ü🎉",
            ],
        ] {
            let text = file_for(names);
            assert!(is_generated(text.as_bytes()), "{text}");
            assert!(
                is_generated(text.replace('\n', "\r\n").as_bytes()),
                "{text}"
            );
            for edited in [
                format!("{text}// mine\n"),
                format!("// mine\n{text}"),
                text.replace(" = ", " =  "),
                text.replace(" = ", " = 'mine' & "),
                text.replace("names:", "mine: 1; names:"),
                text.trim_end().to_owned(),
                text.replace("checksum: ", "checksum: 0"),
                text.replace("checksum", "hash"),
            ] {
                assert!(!is_generated(edited.as_bytes()), "{edited}");
            }
        }
        for other in ["", "mine", "export type SseEventName = 'a';\n"] {
            assert!(!is_generated(other.as_bytes()), "{other}");
        }
        let text = file_for(&["a"]);
        for names in [
            "'a", "'a\\", "'a\\u20'", "'\\a'", "\"a\"", "'a' | ", "'a'|'b'", "",
        ] {
            let edited = text.replace("'a'", names);
            assert!(!is_generated(edited.as_bytes()), "{edited}");
        }
    }
}
