//! Lines put into somebody else's text, and taken out again to the byte.
//!
//! Everything works on bytes, because an editor that decodes and encodes again
//! loses what it does not model: a byte order mark, mixed line endings, a missing
//! newline at the end.
//!
//! The rule that makes removal exact: where the text lacks a final newline, the
//! newline is put *before* our lines and none after them. So lines of ours that
//! end the text without a newline say by that alone that the newline before them
//! is ours too.

use std::ops::Range;

/// The UTF-8 byte order mark.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// How a text ends its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eol {
    Lf,
    CrLf,
}

impl Eol {
    /// The ending that most lines of `text` have; a line feed where none has any.
    pub(crate) fn of(text: &[u8]) -> Self {
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

/// The text behind its byte order mark.
pub(crate) fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Puts `lines` in at `at`, which is the start of a line or the end of the text.
pub(crate) fn insert_lines<S: AsRef<str>>(
    text: &[u8],
    at: usize,
    lines: &[S],
    eol: Eol,
) -> Vec<u8> {
    let (before, after) = text.split_at(at);
    let unfinished =
        after.is_empty() && !without_bom(before).is_empty() && !before.ends_with(b"\n");
    let mut new = before.to_vec();
    for line in lines {
        if unfinished {
            new.extend_from_slice(eol.bytes());
        }
        new.extend_from_slice(line.as_ref().as_bytes());
        if !unfinished {
            new.extend_from_slice(eol.bytes());
        }
    }
    new.extend_from_slice(after);
    new
}

/// Takes whole lines out; `ranges` are in order and do not overlap. `own` is the
/// line ending that the lines were put in with.
pub(crate) fn remove_lines(text: &[u8], ranges: &[Range<usize>], own: Eol) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        kept.extend_from_slice(&text[from..range.start]);
        from = range.end;
    }
    kept.extend_from_slice(&text[from..]);
    let ended_the_text = ranges.last().is_some_and(|range| range.end == text.len());
    if ended_the_text && !text.ends_with(b"\n") && kept.ends_with(own.bytes()) {
        kept.truncate(kept.len() - own.bytes().len());
    }
    kept
}

/// From the start of the line that `at` is in to its end, the newline included.
pub(crate) fn whole_lines(text: &[u8], range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or_else(|| text.len() - without_bom(text).len(), |feed| feed + 1);
    start..line_end(text, range.end)
}

/// The end of the line that `at` is in, behind its newline.
pub(crate) fn line_end(text: &[u8], at: usize) -> usize {
    text[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |feed| at + feed + 1)
}

/// The number of the line that `at` is in, from 1.
pub(crate) fn line_number(text: &[u8], at: usize) -> usize {
    1 + text[..at].iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Numbers that are random enough for making test files, and the same each time.
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
    fn lines_at_the_end_come_out_as_they_went_in() {
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
            let eol = Eol::of(text);
            let with = insert_lines(text, text.len(), &["x", "y"], eol);
            let at = with
                .iter()
                .position(|byte| *byte == b'x')
                .expect("the line is in");
            let out = remove_lines(&with, &[whole_lines(&with, &(at..with.len()))], eol);
            assert_eq!(out, text, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn the_line_ending_is_that_of_most_lines() {
        assert_eq!(Eol::of(b""), Eol::Lf);
        assert_eq!(Eol::of(b"a\r"), Eol::Lf);
        assert_eq!(Eol::of(b"a\r\nb\nc\r\n"), Eol::CrLf);
        assert_eq!(Eol::of(b"a\r\nb\n"), Eol::Lf);
    }
}
