//! The call as text: how it goes in between other people's bytes, and which of them
//! go when it goes.

use std::ops::Range;

/// The call that is put in.
pub(super) const CALL: &str = ".configure(actix_web_sse::routes)";

/// The call as it is written directly behind `App::new()`, where `after` follows. In
/// a chain that has its calls on lines of their own it gets one as well.
pub(super) fn insertion(after: &str) -> String {
    let rest = after.trim_start();
    let gap = &after[..after.len() - rest.len()];
    let next = behind_line_comments(rest);
    let begins_a_call = next.starts_with('.') && !next.starts_with("..");
    match gap.rsplit_once('\n') {
        Some((before, indent)) if begins_a_call && is_blank(indent) => {
            let eol = if before.ends_with('\r') { "\r\n" } else { "\n" };
            format!("{eol}{indent}{CALL}")
        }
        _ => CALL.to_owned(),
    }
}

/// What goes with a call that begins at `dot` and ends at `end`, on a receiver that
/// ends at `receiver`; `None` where the call has more in it than ours.
pub(super) fn removal(text: &str, receiver: usize, dot: usize, end: usize) -> Option<Range<usize>> {
    let written: String = text[dot..end].split_whitespace().collect();
    if written != CALL && written.replacen(",)", ")", 1) != CALL {
        return None;
    }
    if text[receiver..dot].trim().is_empty() {
        return Some(receiver..end);
    }
    // There is a comment in between, and a line comment needs the end of its line.
    let start_of_line = text[..dot].rfind('\n').map_or(0, |feed| feed + 1);
    let end_of_line = text[end..].find('\n').map(|feed| end + feed + 1);
    Some(match end_of_line {
        Some(end_of_line)
            if start_of_line > receiver
                && is_blank(&text[start_of_line..dot])
                && text[end..end_of_line].trim().is_empty() =>
        {
            start_of_line..end_of_line
        }
        _ => dot..end,
    })
}

fn behind_line_comments(mut text: &str) -> &str {
    while text.starts_with("//") {
        text = text.find('\n').map_or("", |feed| text[feed..].trim_start());
    }
    text
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|it| it == ' ' || it == '\t')
}
