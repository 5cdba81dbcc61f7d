//! Splits `.env` into lines as dotenvy does.
//!
//! dotenvy returns keys and values without positions, and has its own rules for quotes, escapes and `#`.
//! So the file is split by the same state machine as dotenvy's, and each line is parsed by dotenvy itself.

use std::ops::Range;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One assignment, comment or blank line. A quoted value may span several lines of text.
#[derive(Debug, PartialEq, Eq)]
pub struct EnvLine {
    /// The line's bytes, including the newline.
    pub range: Range<usize>,
    /// The number of the first line of text, counted from 1.
    pub number: usize,
    /// What the line contains.
    pub kind: EnvLineKind,
}

/// What a line of `.env` contains.
#[derive(Debug, PartialEq, Eq)]
pub enum EnvLineKind {
    /// Only white space.
    Blank,
    /// White space and a comment.
    Comment,
    /// A key and its value.
    Assignment {
        /// The key.
        name: String,
        /// The value without quotes and escapes.
        value: String,
    },
    /// dotenvy cannot read the line. `dotenvy::dotenv()` reads none after it.
    Unreadable,
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

/// The lines of a file, whatever bytes it has.
pub(super) fn split(file: &[u8]) -> Vec<EnvLine> {
    let mut lines = Vec::new();
    let body = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let (mut start, mut number) = (file.len() - body.len(), 1);
    while start < file.len() {
        let (end, is_closed) = logical_end(file, start);
        let text = &file[start..end];
        let kind = match is_closed {
            true => line_kind(text),
            false => EnvLineKind::Unreadable,
        };
        let range = start..end;
        lines.push(EnvLine {
            range,
            number,
            kind,
        });
        number += line_ends(text);
        start = end;
    }
    fill_in_references(&mut lines, body);
    lines
}

pub(super) fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn line_kind(text: &[u8]) -> EnvLineKind {
    match dotenvy::from_read_iter(text).next() {
        Some(Ok((name, value))) => EnvLineKind::Assignment { name, value },
        Some(Err(_)) => EnvLineKind::Unreadable,
        None if text.trim_ascii_start().starts_with(b"#") => EnvLineKind::Comment,
        None => EnvLineKind::Blank,
    }
}

/// Reads the file as a whole, because a value may refer to one above it.
fn fill_in_references(lines: &mut [EnvLine], body: &[u8]) {
    // At bytes that are not UTF-8, dotenvy may repeat its error for ever: `take` ends it.
    let mut values = dotenvy::from_read_iter(body).take(lines.len()).flatten();
    for line in lines {
        if let EnvLineKind::Assignment { name, value } = &mut line.kind
            && let Some((_, found)) = values.find(|(other, _)| other == name)
        {
            *value = found;
        }
    }
}

/// The end of the line that begins at `start`, and whether its quotes are closed.
fn logical_end(file: &[u8], start: usize) -> (usize, bool) {
    let mut state = QuoteState::Complete;
    let mut line_start = start;
    loop {
        let end = line_end(file, line_start);
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

fn line_end(file: &[u8], start: usize) -> usize {
    let newline = file[start..].iter().position(|byte| *byte == b'\n');
    newline.map_or(file.len(), |at| start + at + 1)
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

    fn assignments(file: &[u8]) -> Vec<(usize, String, String)> {
        let lines = split(file).into_iter();
        let assignments = lines.filter_map(|line| match line.kind {
            EnvLineKind::Assignment { name, value } => Some((line.number, name, value)),
            _ => None,
        });
        assignments.collect()
    }

    fn unreadable_lines(file: &[u8]) -> Vec<usize> {
        let lines = split(file).into_iter();
        let unreadable = lines.filter(|line| line.kind == EnvLineKind::Unreadable);
        unreadable.map(|line| line.number).collect()
    }

    #[test]
    fn the_lines_have_the_same_settings_as_the_file() {
        for file in [
            "A=1\nB=2\n",
            "A='x\nB=2\n'\nC=3",
            "# it's\nA=\"a\\\"\nB=1\"\r\nexport C = 3 # it's\n",
            "\n\n  # c\nA=a\\'b\nB=1\n",
            "A=1  # two spaces, and no apostrophe\nB=2\n",
            "\u{feff}A=1\nB='\n# not a comment\n'\n",
        ] {
            let without_mark = file.trim_start_matches('\u{feff}').as_bytes();
            let expected: Result<Vec<_>, _> = dotenvy::from_read_iter(without_mark).collect();
            let found = assignments(file.as_bytes()).into_iter();
            let found: Vec<_> = found.map(|(_, name, value)| (name, value)).collect();
            assert_eq!(found, expected.unwrap(), "{file:?}");
        }
    }

    #[test]
    fn unreadable_lines_are_skipped_and_listed() {
        let file = b"\xef\xbb\xbfA=1\nB=two words\n\nexport C=\"$A\n2\"\nA=3\n";
        let found = assignments(file);
        let found: Vec<_> = found
            .iter()
            .map(|(line, name, value)| (*line, name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, [(1, "A", "1"), (4, "C", "1\n2"), (6, "A", "3")]);
        assert_eq!(unreadable_lines(file), [2]);
    }

    #[test]
    fn an_open_quote_makes_the_remaining_lines_unreadable() {
        let file = b"A=1\nB='x\nSSE_TTL=5\n";
        assert_eq!(
            (assignments(file).len(), unreadable_lines(file)),
            (1, vec![2])
        );
    }

    #[test]
    fn lines_after_invalid_utf_8_are_read() {
        let file = b"A=1\nB=\xff\nC=2\n";
        assert_eq!(unreadable_lines(file), [2]);
        assert_eq!(assignments(file)[1], (3, "C".to_owned(), "2".to_owned()));
    }
}
