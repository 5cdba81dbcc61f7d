//! `public/js/sse-events.d.ts`, which declares the names of the events as a type.

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

/// Separates two names.
const NAME_SEPARATOR: &str = " | ";

/// The file for these events. Without events, because `SSE_EVENTS` is invalid, it accepts every
/// name: the mistake is not in the app's scripts.
pub(crate) fn render_file(events: &[String]) -> String {
    let names: Vec<String> = events
        .iter()
        .map(|event| quote_for_typescript(event))
        .collect();
    let names = if names.is_empty() {
        "string".to_owned()
    } else {
        names.join(NAME_SEPARATOR)
    };
    format!("{FILE_HEAD}{names}{FILE_FOOT}")
}

/// Whether the text is this file for some list of events, unedited.
///
/// The receipt does not suffice: a fresh clone has the file, but no `.env`.
pub(crate) fn is_generated(found: &[u8]) -> bool {
    let text = String::from_utf8_lossy(found).replace("\r\n", "\n");
    let names = text.strip_prefix(FILE_HEAD);
    let names = names.and_then(|tail| tail.strip_suffix(FILE_FOOT));
    names
        .and_then(parse_names)
        .is_some_and(|events| receipt::is_same_text(render_file(&events).as_bytes(), found))
}

/// The name as a TypeScript string type. Names have no control characters, but some compilers
/// also end a string at U+2028 and U+2029.
fn quote_for_typescript(event: &str) -> String {
    let escaped = event
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    format!("'{escaped}'")
}

/// Parses the names as `render_file` writes them. For other spellings the result may be wrong, which the
/// caller notices by writing the file again.
fn parse_names(names: &str) -> Option<Vec<String>> {
    if names == "string" {
        return Some(Vec::new());
    }
    let mut events = Vec::new();
    let mut remaining = names;
    loop {
        let (event, after) = parse_name(remaining.strip_prefix('\'')?)?;
        events.push(event);
        if after.is_empty() {
            return Some(events);
        }
        remaining = after.strip_prefix(NAME_SEPARATOR)?;
    }
}

/// The name before the next quote, and the text after that quote.
fn parse_name(text: &str) -> Option<(String, &str)> {
    let mut event = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '\'' => return Some((event, chars.as_str())),
            '\\' => match chars.next()? {
                'u' => {
                    let digits = chars.as_str().get(..4)?;
                    event.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    chars = chars.as_str()[4..].chars();
                }
                escaped => event.push(escaped),
            },
            unescaped => event.push(unescaped),
        }
    }
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
