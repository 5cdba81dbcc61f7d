//! Recognises text that was probably meant to be JSON.

use serde_json::Value;

/// Where and why the text is not the JSON that it begins like; `None` for other text, such as `[draft]` or
/// `{name}`.
pub(super) fn slip(text: &str) -> Option<String> {
    if !begins_like_json(text.trim_start()) {
        return None;
    }
    let error = serde_json::from_str::<Value>(text).err()?;
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let is_open_string = message == "EOF while parsing a string";
    // A quotation and text after it: `"Yes", she said`.
    if text.trim_start().starts_with('"') && message == "trailing characters" {
        return None;
    }
    let (line, column) = if is_open_string {
        (error.line(), 0)
    } else {
        (error.line(), column(text, &error))
    };
    let place = match column {
        0 => format!("line {line}"),
        column => format!("line {line}, column {column}"),
    };
    Some(format!("{place}: {}", in_words(message)))
}

/// serde_json counts bytes.
fn column(text: &str, error: &serde_json::Error) -> usize {
    let line = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let before = line
        .char_indices()
        .take_while(|(at, _)| *at < error.column());
    before.count()
}

fn in_words(message: &str) -> &str {
    match message {
        "EOF while parsing an object" => "the object ends without `}`",
        "EOF while parsing a list" => "the list ends without `]`",
        "EOF while parsing a string" => "a string ends without `\"`",
        "EOF while parsing a value" => "the text ends where a value belongs",
        "trailing comma" => "a comma has nothing after it",
        "trailing characters" => "more text follows after the end of the JSON",
        "key must be a string" => "a name is not in double quotes",
        "expected value" | "expected ident" => {
            "this is neither a string in double quotes nor another JSON value"
        }
        other => other,
    }
}

fn begins_like_json(text: &str) -> bool {
    let rest = text.get(1..).unwrap_or_default().trim_start();
    match text.chars().next() {
        Some('"') => true,
        Some('{') => begins_like_object(rest),
        Some('[') => begins_like_list(rest),
        _ => false,
    }
}

/// A name in quotes of any kind, or without them and with a colon: an unquoted `{"a":1}` loses them in a shell.
fn begins_like_object(rest: &str) -> bool {
    let name = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    let has_plain_name = name.len() < rest.len() && name.trim_start().starts_with(':');
    rest.starts_with(['"', '\'', '\u{201c}', '\u{201d}']) || has_plain_name
}

/// An object, a list or a string in double quotes, or at least two numbers: `[draft]` and `[2026-01-31] done` are
/// text.
fn begins_like_list(rest: &str) -> bool {
    // Lists in lists, however many.
    let innermost = rest.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    let is_number_list = innermost.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && innermost.contains(',')
        && innermost
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-.,eE[]".contains(c));
    match innermost.strip_prefix('{') {
        Some(object) => begins_like_object(object.trim_start()),
        None => innermost.starts_with('"') || is_number_list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_named_with_its_place() {
        for (text, expected) in [
            (
                "{\"a\":1,}",
                "line 1, column 8: a comma has nothing after it",
            ),
            (
                "{\n  \"a\": 1\n  \"b\": 2\n}",
                "line 3, column 3: expected `,` or `}`",
            ),
            ("{\"a\":1", "line 1, column 6: the object ends without `}`"),
            ("{\"a\":tru}", "this is neither"),
            ("{\"caf\u{e9}\":1,}", "line 1, column 11:"),
            ("{a:1}", "line 1, column 2: a name is not in double quotes"),
            ("{'a': 1}", "a name is not in double quotes"),
            ("{\u{201c}a\u{201d}: 1}", "a name is not in double quotes"),
            (
                "{\"a\":1} {\"a\":2}",
                "more text follows after the end of the JSON",
            ),
            ("[1,2,]", "line 1, column 6: a comma has nothing after it"),
            ("[1, 2", "the list ends without `]`"),
            ("[\"a\", 'b']", "this is neither"),
            ("[{\"a\":1},]", "a comma has nothing after it"),
            ("[[1,2],[3,4]", "the list ends without `]`"),
            ("\"shipped", "line 1: a string ends without `\"`"),
            ("\"a\\q\"", "invalid escape"),
        ] {
            let slip = slip(text).expect(text);
            assert!(slip.contains(expected), "{text}: {slip}");
        }
    }

    #[test]
    fn text_is_not_taken_for_json() {
        for text in [
            "hello",
            "",
            " ",
            "-",
            "[draft]",
            "[WIP] new page",
            "[x] done",
            "[2026-01-31] done",
            "[2026-01-31 08:00:00,123] started",
            "[1] see below, please",
            "[]: empty",
            "{name}",
            "{{ user }}",
            "{draft} a:b",
            "{broken",
            "{}",
            "(1, 2)",
            "\"Yes\", she said",
            "5\" screen",
            "<p>{\"a\":1,}</p>",
            "{\"a\":1}",
            "[1,2]",
            "\"text\"",
            "nul",
            "a\u{e9}",
            "\u{e9}",
        ] {
            assert_eq!(slip(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_of_many_brackets_does_not_overflow_the_stack() {
        assert_eq!(slip(&"[".repeat(1_000_000)), None);
        assert!(slip(&("[".repeat(1_000_000) + "1,")).is_some());
    }
}
