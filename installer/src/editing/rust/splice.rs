//! The call as text: what is inserted, and which bytes are removed with it.

use std::ops::Range;

/// The call that `install` inserts.
pub(crate) const ROUTES_CALL: &str = ".configure(actix_web_sse::routes)";

/// The text to insert between `App::new()` and `after`. In a chain with one call per line,
/// the call gets its own line.
pub(super) fn insertion(after: &str) -> String {
    let trimmed = after.trim_start();
    let gap = &after[..after.len() - trimmed.len()];
    let next = skip_line_comments(trimmed);
    let begins_a_call = next.starts_with('.') && !next.starts_with("..");
    match gap.rsplit_once('\n') {
        Some((before, indent)) if begins_a_call && is_blank(indent) => {
            let eol = if before.ends_with('\r') { "\r\n" } else { "\n" };
            format!("{eol}{indent}{ROUTES_CALL}")
        }
        _ => ROUTES_CALL.to_owned(),
    }
}

/// The bytes to remove for a call from `dot` to `end` whose receiver ends at
/// `receiver_end`; `None` if the call is not written as `install` writes it.
pub(super) fn removal(
    text: &str,
    receiver_end: usize,
    dot: usize,
    end: usize,
) -> Option<Range<usize>> {
    let written: String = text[dot..end].split_whitespace().collect();
    if written != ROUTES_CALL && written.replacen(",)", ")", 1) != ROUTES_CALL {
        return None;
    }
    if text[receiver_end..dot].trim().is_empty() {
        return Some(receiver_end..end);
    }
    // A comment precedes the call, and a line comment needs its line's end.
    let start_of_line = text[..dot].rfind('\n').map_or(0, |newline| newline + 1);
    let end_of_line = text[end..].find('\n').map(|newline| end + newline + 1);
    Some(match end_of_line {
        Some(end_of_line)
            if start_of_line > receiver_end
                && is_blank(&text[start_of_line..dot])
                && text[end..end_of_line].trim().is_empty() =>
        {
            start_of_line..end_of_line
        }
        _ => dot..end,
    })
}

fn skip_line_comments(mut text: &str) -> &str {
    while text.starts_with("//") {
        text = text
            .find('\n')
            .map_or("", |newline| text[newline..].trim_start());
    }
    text
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c == '\t')
}
