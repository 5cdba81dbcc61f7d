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

pub(crate) const LF: &str = "\n";
pub(crate) const CRLF: &str = "\r\n";

/// The ending of most lines in `text`; LF if it has none.
pub(crate) fn most_common_eol(text: &[u8]) -> &'static str {
    let feeds = text.iter().filter(|byte| **byte == b'\n').count();
    let pairs = text.windows(2).filter(|pair| pair == b"\r\n").count();
    if pairs * 2 > feeds { CRLF } else { LF }
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
    eol: &str,
) -> Vec<u8> {
    let (before, after) = text.split_at(at);
    let lacks_final_newline =
        after.is_empty() && !without_bom(before).is_empty() && !before.ends_with(b"\n");
    let mut new = before.to_vec();
    for line in lines {
        if lacks_final_newline {
            new.extend_from_slice(eol.as_bytes());
        }
        new.extend_from_slice(line.as_ref().as_bytes());
        if !lacks_final_newline {
            new.extend_from_slice(eol.as_bytes());
        }
    }
    new.extend_from_slice(after);
    new
}

/// Removes complete lines. `ranges` are sorted and do not overlap; `eol` is the line ending
/// that the lines were inserted with.
pub(crate) fn remove_lines(text: &[u8], ranges: &[Range<usize>], eol: &str) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut kept_from = 0;
    for range in ranges {
        kept.extend_from_slice(&text[kept_from..range.start]);
        kept_from = range.end;
    }
    kept.extend_from_slice(&text[kept_from..]);
    let ended_the_text = ranges.last().is_some_and(|range| range.end == text.len());
    if ended_the_text && !text.ends_with(b"\n") && kept.ends_with(eol.as_bytes()) {
        kept.truncate(kept.len() - eol.len());
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
pub(crate) mod tests;
