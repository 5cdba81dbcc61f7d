//! Splits `.env` into lines as dotenvy does.
//!
//! dotenvy returns keys and values without positions, and has its own rules for quotes, escapes and `#`.
//! So it gets one line of text at a time: what it has read when it returns a value ends with that value.

use std::{
    cell::Cell,
    io::{self, Read},
    ops::Range,
};

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
    /// Only white space, or a comment.
    Skipped,
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

/// The lines of a file, whatever bytes it has.
pub(super) fn split(file: &[u8]) -> Vec<EnvLine> {
    let body = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let position = Cell::new(file.len() - body.len());
    let mut splitter = Splitter {
        file,
        start: position.get(),
        number: 1,
        lines: Vec::new(),
    };
    let reader = LineReader {
        file,
        position: &position,
    };
    for item in dotenvy::from_read_iter(reader) {
        let end = position.get();
        if end == splitter.start {
            break;
        }
        splitter.push_skipped_before(end);
        let kind = item.map_or(EnvLineKind::Unreadable, |(name, value)| {
            EnvLineKind::Assignment { name, value }
        });
        splitter.push(end, kind);
    }
    splitter.push_skipped_before(file.len() + 1);
    splitter.lines
}

/// Returns at most one line of text from each read.
struct LineReader<'a> {
    file: &'a [u8],
    position: &'a Cell<usize>,
}

impl Read for LineReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.position.get();
        // No further than the buffer reaches: each byte of a long line is searched once.
        let readable = self.file.len().min(start + buffer.len());
        let mut line = &self.file[start..line_end(&self.file[..readable], start)];
        let count = line.read(buffer)?;
        self.position.set(start + count);
        Ok(count)
    }
}

struct Splitter<'a> {
    file: &'a [u8],
    /// Where the next line starts, and its number.
    start: usize,
    number: usize,
    lines: Vec<EnvLine>,
}

impl Splitter<'_> {
    fn push(&mut self, end: usize, kind: EnvLineKind) {
        let range = self.start..end;
        let number = self.number;
        self.number += line_ends(&self.file[range.clone()]);
        self.start = end;
        self.lines.push(EnvLine {
            range,
            number,
            kind,
        });
    }

    /// Pushes the blank lines and comments, which dotenvy skips, that end before `end`.
    fn push_skipped_before(&mut self, end: usize) {
        while self.start < self.file.len() {
            let line_end = line_end(self.file, self.start);
            let text = String::from_utf8_lossy(&self.file[self.start..line_end]);
            let text = text.trim_start();
            if line_end >= end || !(text.is_empty() || text.starts_with('#')) {
                return;
            }
            self.push(line_end, EnvLineKind::Skipped);
        }
    }
}

pub(super) fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn line_end(file: &[u8], start: usize) -> usize {
    let newline = file[start..].iter().position(|byte| *byte == b'\n');
    newline.map_or(file.len(), |at| start + at + 1)
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
    fn the_lines_together_are_the_file() {
        let long = format!("A='{}\n'\n", "x".repeat(20_000));
        for file in [
            "\u{feff}# c\n\n A='1\n2' # c\r\n\n  ",
            "A=1\n ",
            "A=1\n \t\n# c\nB='open\n# c\n",
            "# c\n\nA=two words\n\n",
            &long,
        ] {
            let lines = split(file.as_bytes());
            let mut end = file.len() - file.trim_start_matches('\u{feff}').len();
            for line in &lines {
                assert_eq!(line.range.start, end, "{file:?}");
                assert!(!line.range.is_empty(), "{file:?}");
                let before = &file.as_bytes()[..end];
                assert_eq!(line.number, 1 + line_ends(before), "{file:?}");
                end = line.range.end;
            }
            assert_eq!(end, file.len(), "{file:?}");
        }
        assert_eq!(unreadable_lines(b"A=1\n "), [2], "as dotenvy");
        assert_eq!(split(long.as_bytes()).len(), 1);
    }

    /// If each read searched the whole line, this would take half a minute.
    #[test]
    fn a_long_line_is_searched_once() {
        let file = "#".repeat(20_000_000);
        let start = std::time::Instant::now();
        assert_eq!(split(file.as_bytes()).len(), 1);
        assert!(start.elapsed() < std::time::Duration::from_secs(10));
    }

    #[test]
    fn lines_after_invalid_utf_8_are_read() {
        let file = b"A=1\nB=\xff\nC=2\n";
        assert_eq!(unreadable_lines(file), [2]);
        assert_eq!(assignments(file)[1], (3, "C".to_owned(), "2".to_owned()));
    }
}
