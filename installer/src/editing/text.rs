//! Inserts lines into a text, and removes them again to the byte.
//!
//! Everything works on bytes, because decoding and encoding a text loses a byte order mark,
//! mixed line endings, or a missing newline at the end.
//!
//! One rule makes removal exact. If the text lacks a final newline, the newline is inserted
//! *before* the inserted lines, and none after them. So if they end the text without a newline,
//! the newline before them was also inserted.

use std::ops::Range;

/// The UTF-8 byte order mark.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eol {
    Lf,
    CrLf,
}

impl Eol {
    /// The ending of most lines in `text`; LF if it has none.
    pub(crate) fn most_common(text: &[u8]) -> Self {
        let feeds = text.iter().filter(|byte| **byte == b'\n').count();
        let pairs = text.windows(2).filter(|pair| pair == b"\r\n").count();
        if pairs * 2 > feeds {
            Self::CrLf
        } else {
            Self::Lf
        }
    }

    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

/// The text without its byte order mark.
pub(crate) fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Inserts `lines` at the offset `at`, the start of a line or the end of the text.
pub(crate) fn insert_lines<S: AsRef<str>>(
    text: &[u8],
    at: usize,
    lines: &[S],
    eol: Eol,
) -> Vec<u8> {
    let (before, after) = text.split_at(at);
    let lacks_final_newline =
        after.is_empty() && !without_bom(before).is_empty() && !before.ends_with(b"\n");
    let mut new = before.to_vec();
    for line in lines {
        if lacks_final_newline {
            new.extend_from_slice(eol.bytes());
        }
        new.extend_from_slice(line.as_ref().as_bytes());
        if !lacks_final_newline {
            new.extend_from_slice(eol.bytes());
        }
    }
    new.extend_from_slice(after);
    new
}

/// Removes complete lines. `ranges` are sorted and do not overlap; `eol` is the line ending
/// that the lines were inserted with.
pub(crate) fn remove_lines(text: &[u8], ranges: &[Range<usize>], eol: Eol) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut kept_from = 0;
    for range in ranges {
        kept.extend_from_slice(&text[kept_from..range.start]);
        kept_from = range.end;
    }
    kept.extend_from_slice(&text[kept_from..]);
    let ended_the_text = ranges.last().is_some_and(|range| range.end == text.len());
    if ended_the_text && !text.ends_with(b"\n") && kept.ends_with(eol.bytes()) {
        kept.truncate(kept.len() - eol.bytes().len());
    }
    kept
}

/// The complete lines that the range touches, including the last newline.
pub(crate) fn whole_lines(text: &[u8], range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or_else(
            || text.len() - without_bom(text).len(),
            |newline| newline + 1,
        );
    start..line_end(text, range.end)
}

/// The end of the line at offset `at`, after its newline.
pub(crate) fn line_end(text: &[u8], at: usize) -> usize {
    text[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |newline| at + newline + 1)
}

/// The number of the line at offset `at`, counted from 1.
pub(crate) fn line_number(text: &[u8], at: usize) -> usize {
    1 + text[..at].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A reproducible random number generator for test files.
    pub(crate) struct Random(pub(crate) u64);

    impl Random {
        pub(crate) fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).expect("31 bits fit") % limit
        }
    }

    #[test]
    fn removing_appended_lines_restores_every_byte() {
        for text in [
            "",
            "a",
            "a\n",
            "a\r\n",
            "a\r",
            "a\r\nb",
            "\u{feff}",
            "\u{feff}a",
            "a\n\n\n",
        ] {
            let text = text.as_bytes();
            let eol = Eol::most_common(text);
            let with = insert_lines(text, text.len(), &["x", "y"], eol);
            let at = with
                .iter()
                .position(|byte| *byte == b'x')
                .expect("the line was inserted");
            let out = remove_lines(&with, &[whole_lines(&with, &(at..with.len()))], eol);
            assert_eq!(out, text, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn the_line_ending_of_most_lines_is_used() {
        assert_eq!(Eol::most_common(b""), Eol::Lf);
        assert_eq!(Eol::most_common(b"a\r"), Eol::Lf);
        assert_eq!(Eol::most_common(b"a\r\nb\nc\r\n"), Eol::CrLf);
        assert_eq!(Eol::most_common(b"a\r\nb\n"), Eol::Lf);
    }
}
