//! The types in `public/js/sse-events.d.ts`: the names of the events.

use crate::editing::receipt;

const HEAD: &str = "\
// This file belongs to actix-web-sse: `sse install` writes it from SSE_EVENTS, anew when that has changed.
// What types the values have is for you to say: see SseEvents in sse.d.ts.

/** The names of the events in SSE_EVENTS. */
export type SseEventName = ";

const FOOT: &str = ";

declare module './sse.js' {
  interface SseRegister {
    names: SseEventName;
  }
}
";

/// What stands between two names.
const OR: &str = " | ";

/// The file for these events. Where there are none, because `SSE_EVENTS` cannot be read, it accepts
/// every name: the app's own scripts are not what is wrong.
pub(crate) fn file(events: &[String]) -> String {
    let names: Vec<String> = events.iter().map(|event| quoted(event)).collect();
    let names = if names.is_empty() {
        "string".to_owned()
    } else {
        names.join(OR)
    };
    format!("{HEAD}{names}{FOOT}")
}

/// Whether the text is this file for some events, and nobody has edited it.
///
/// The record cannot tell that everywhere: a clone has the file, and no `.env`.
pub(crate) fn is_file(found: &[u8]) -> bool {
    let text = String::from_utf8_lossy(found).replace("\r\n", "\n");
    let names = text.strip_prefix(HEAD);
    let names = names.and_then(|rest| rest.strip_suffix(FOOT));
    names
        .and_then(read)
        .is_some_and(|events| receipt::same_text(file(&events).as_bytes(), found))
}

/// The name as a type of TypeScript. Names have no control characters, but some compilers end a
/// string at U+2028 and U+2029, too.
fn quoted(event: &str) -> String {
    let escaped = event
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    format!("'{escaped}'")
}

/// Reads names as they are written here; what is written otherwise does not come out as it was.
fn read(names: &str) -> Option<Vec<String>> {
    if names == "string" {
        return Some(Vec::new());
    }
    let mut events = Vec::new();
    let mut rest = names;
    loop {
        let (event, behind) = read_one(rest.strip_prefix('\'')?)?;
        events.push(event);
        if behind.is_empty() {
            return Some(events);
        }
        rest = behind.strip_prefix(OR)?;
    }
}

/// The name before the next quote, and what is behind that.
fn read_one(text: &str) -> Option<(String, &str)> {
    let mut event = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '\'' => return Some((event, rest.as_str())),
            '\\' => match rest.next()? {
                'u' => {
                    let digits = rest.as_str().get(..4)?;
                    event.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    rest = rest.as_str()[4..].chars();
                }
                escaped => event.push(escaped),
            },
            plain => event.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        file(&names)
    }

    #[test]
    fn every_name_is_one_of_the_type() {
        let text = of(&["order", "it's", "a\\b", "a\"b", "a\u{2028}b"]);
        let line = r#"export type SseEventName = 'order' | 'it\'s' | 'a\\b' | 'a"b' | 'a\u2028b';"#;
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(of(&[]).contains("SseEventName = string;\n"));
    }

    #[test]
    fn it_is_known_whatever_its_events_are_and_no_other_is() {
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
            let text = of(names);
            assert!(is_file(text.as_bytes()), "{text}");
            assert!(is_file(text.replace('\n', "\r\n").as_bytes()), "{text}");
            for edited in [
                format!("{text}// mine\n"),
                format!("// mine\n{text}"),
                text.replace(" = ", " =  "),
                text.replace(" = ", " = 'mine' & "),
                text.replace("names:", "mine: 1; names:"),
                text.trim_end().to_owned(),
            ] {
                assert!(!is_file(edited.as_bytes()), "{edited}");
            }
        }
        for other in ["", "mine", "export type SseEventName = 'a';\n"] {
            assert!(!is_file(other.as_bytes()), "{other}");
        }
        let text = of(&["a"]);
        for names in [
            "'a", "'a\\", "'a\\u20'", "'\\a'", "\"a\"", "'a' | ", "'a'|'b'", "",
        ] {
            let edited = text.replace("'a'", names);
            assert!(!is_file(edited.as_bytes()), "{edited}");
        }
    }
}
