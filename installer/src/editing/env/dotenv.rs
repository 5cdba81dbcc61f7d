//! The lines of an `.env`, as dotenvy reads it, with their positions.
//!
//! dotenvy returns keys and values without positions, and has its own rules for quotes,
//! escapes and `#`. So the file is split into lines by the same state machine as dotenvy's,
//! and each line is parsed by dotenvy itself.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::editing::text;

/// One assignment, comment or blank line. A quoted value may span several lines of text.
#[derive(Debug)]
pub(crate) struct Line {
    /// The line's bytes, including the newline.
    pub(crate) range: Range<usize>,
    /// The number of the first line of text, counted from 1.
    pub(crate) number: usize,
    pub(crate) kind: LineKind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    Blank,
    Comment,
    Key(String),
    /// dotenvy cannot read the line, and reads none after it.
    Unreadable,
}

/// A line that dotenvy cannot read.
#[derive(Debug)]
pub(crate) struct UnreadableLine {
    pub(crate) number: usize,
    pub(crate) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum QuoteState {
    Complete,
    Escape,
    SingleQuoted,
    SingleQuotedEscape,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
    Space,
}

pub(crate) fn lines(file: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = file.len() - text::without_bom(file).len();
    while start < file.len() {
        let (end, is_closed) = logical_end(file, start);
        let range = start..end;
        let kind = if is_closed {
            line_kind(&file[range.clone()])
        } else {
            LineKind::Unreadable
        };
        lines.push(Line {
            number: text::line_number(file, start),
            range,
            kind,
        });
        start = end;
    }
    lines
}

/// Every key with its value. If a key occurs twice, its first value counts, as when dotenvy
/// loads a file.
pub(crate) fn read_values(file: &[u8]) -> Result<BTreeMap<String, String>, UnreadableLine> {
    let mut values = BTreeMap::new();
    for item in dotenvy::from_read_iter(text::without_bom(file)) {
        let Ok((key, value)) = item else {
            return Err(first_unreadable_line(file));
        };
        values.entry(key).or_insert(value);
    }
    Ok(values)
}

fn first_unreadable_line(file: &[u8]) -> UnreadableLine {
    let unreadable = lines(file)
        .into_iter()
        .find(|line| line.kind == LineKind::Unreadable);
    let (number, range) = unreadable.map_or((1, 0..0), |line| (line.number, line.range));
    let text = String::from_utf8_lossy(&file[range]);
    UnreadableLine {
        number,
        text: text.lines().next().unwrap_or_default().to_owned(),
    }
}

fn line_kind(chunk: &[u8]) -> LineKind {
    match dotenvy::from_read_iter(chunk).next() {
        Some(Ok((key, _))) => LineKind::Key(key),
        Some(Err(_)) => LineKind::Unreadable,
        None if chunk.trim_ascii_start().starts_with(b"#") => LineKind::Comment,
        None => LineKind::Blank,
    }
}

/// The end of the line that begins at `start`, and whether its quotes are closed.
fn logical_end(file: &[u8], start: usize) -> (usize, bool) {
    let mut state = QuoteState::Complete;
    let mut line_start = start;
    loop {
        let end = text::line_end(file, line_start);
        // Lossy: only ASCII characters are special here.
        let line = String::from_utf8_lossy(&file[line_start..end]);
        if line_start == start && line.trim_start().starts_with('#') {
            return (end, true);
        }
        state = next_state(state, &line);
        let is_complete = matches!(state, QuoteState::Complete | QuoteState::Comment);
        if is_complete || end == file.len() {
            return (end, is_complete);
        }
        line_start = end;
    }
}

/// The state after `line`.
fn next_state(mut state: QuoteState, line: &str) -> QuoteState {
    for c in line.chars() {
        state = match (state, c) {
            (QuoteState::Comment, _) | (QuoteState::Space, '#') => return QuoteState::Comment,
            (QuoteState::Complete | QuoteState::Space, '\\') => QuoteState::Escape,
            (QuoteState::Complete | QuoteState::Space, '"') => QuoteState::DoubleQuoted,
            (QuoteState::Complete | QuoteState::Space, '\'') => QuoteState::SingleQuoted,
            (QuoteState::Complete, c) if c.is_whitespace() && c != '\n' && c != '\r' => {
                QuoteState::Space
            }
            (QuoteState::Complete | QuoteState::Space | QuoteState::Escape, _) => {
                QuoteState::Complete
            }
            (QuoteState::DoubleQuoted, '\\') => QuoteState::DoubleQuotedEscape,
            (QuoteState::DoubleQuoted, '"') | (QuoteState::SingleQuoted, '\'') => {
                QuoteState::Complete
            }
            (QuoteState::DoubleQuoted | QuoteState::DoubleQuotedEscape, _) => {
                QuoteState::DoubleQuoted
            }
            (QuoteState::SingleQuoted, '\\') => QuoteState::SingleQuotedEscape,
            (QuoteState::SingleQuoted | QuoteState::SingleQuotedEscape, _) => {
                QuoteState::SingleQuoted
            }
        };
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_have_the_same_keys_as_the_file() {
        for file in [
            "A=1\nB=2\n",
            "A='x\nB=2\n'\nC=3",
            "# it's\nA=\"a\\\"\nB=1\"\r\nexport C = 3 # it's\n",
            "\n\n  # c\nA=a\\'b\nB=1\n",
            "A=1  # two spaces, and no apostrophe\nB=2\n",
            "\u{feff}A=1\nB='\n# not a comment\n'\n",
        ] {
            let expected: Vec<String> = dotenvy::from_read_iter(text::without_bom(file.as_bytes()))
                .map(|item| item.expect("valid input").0)
                .collect();
            let keys: Vec<String> = lines(file.as_bytes())
                .into_iter()
                .filter_map(|line| match line.kind {
                    LineKind::Key(key) => Some(key),
                    _ => None,
                })
                .collect();
            assert_eq!(keys, expected, "{file:?}");
        }
    }

    #[test]
    fn an_unreadable_line_is_reported_with_its_number() {
        let line = read_values(b"A=1\n\nB=a b\nC=1\n").expect_err("the third line is unreadable");
        assert_eq!((line.number, line.text.as_str()), (3, "B=a b"));
        let line = read_values(b"A=1\nB='open\nC=1\n").expect_err("the quote is open");
        assert_eq!((line.number, line.text.as_str()), (2, "B='open"));
        let line = read_values(b"A=1\nB=\xff\n").expect_err("not valid UTF-8");
        assert_eq!(line.number, 2);
    }
}
