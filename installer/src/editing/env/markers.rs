//! Finds the block of `install` among the lines of an `.env`.

use std::ops::Range;

use super::dotenv::{self, Line, LineKind};
use crate::editing::receipt::Receipt;
use crate::editing::text::{self, Eol};
use crate::exit::Failure;

pub(super) const BLOCK_BEGIN: &str = "# >>> sse >>>";
pub(super) const BLOCK_END: &str = "# <<< sse <<<";
/// Begins every comment inside the block, in every version of `install`.
pub(super) const COMMENT_PREFIX: &str = "# sse: ";
pub(super) const RECEIPT_PREFIX: &str = "# sse: created ";

/// The position of the block: the indexes of the markers' lines.
pub(super) struct Block {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) eol: Eol,
}

impl Block {
    pub(super) fn find(file: &[u8], lines: &[Line]) -> Result<Option<Self>, Failure> {
        if let Some(open) = lines.iter().find(|line| has_marker_in_value(file, line)) {
            return Err(Failure::conflict(format!(
                ".env line {}: a quote opens here and is never closed, so the block of `sse install` is part of the value",
                open.number
            ))
            .with_help("close the quote, then run the command again"));
        }
        let (begins, ends) = (
            marker_lines(file, lines, BLOCK_BEGIN),
            marker_lines(file, lines, BLOCK_END),
        );
        match (begins.as_slice(), ends.as_slice()) {
            ([], []) => Ok(None),
            (&[begin], &[end]) if begin < end => {
                let is_crlf = file[lines[begin].range.clone()].ends_with(b"\r\n");
                let eol = if is_crlf { Eol::CrLf } else { Eol::Lf };
                Ok(Some(Self { begin, end, eol }))
            }
            _ => Err(unpaired(lines, &[begins, ends].concat())),
        }
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        (self.begin..self.end).contains(&index)
    }

    pub(super) fn receipt(&self, file: &[u8], lines: &[Line]) -> Receipt {
        let line = self.receipt_line(file, lines);
        let text = line.map(|line| line_text(file, &line.range));
        text.and_then(|text| text.strip_prefix(RECEIPT_PREFIX).map(Receipt::parse))
            .unwrap_or_default()
    }

    pub(super) fn receipt_line<'a>(&self, file: &[u8], lines: &'a [Line]) -> Option<&'a Line> {
        let inside = &lines[self.begin..self.end];
        inside
            .iter()
            .find(|line| line_text(file, &line.range).starts_with(RECEIPT_PREFIX))
    }
}

/// The file with a newline at its end. Some last lines parse differently without one, and any
/// edit at the end adds it.
pub(super) fn with_final_newline(file: &[u8]) -> Vec<u8> {
    let mut text = file.to_vec();
    if !text::without_bom(file).is_empty() && !file.ends_with(b"\n") {
        text.push(b'\n');
    }
    text
}

pub(super) fn line_text(file: &[u8], range: &Range<usize>) -> String {
    String::from_utf8_lossy(&file[range.clone()])
        .trim()
        .to_owned()
}

fn marker_lines(file: &[u8], lines: &[Line], marker: &str) -> Vec<usize> {
    let is_marker =
        |line: &Line| line.kind == LineKind::Comment && line_text(file, &line.range) == marker;
    let indexes = 0..lines.len();
    indexes.filter(|index| is_marker(&lines[*index])).collect()
}

fn unpaired(lines: &[Line], markers: &[usize]) -> Failure {
    let mut indexes = markers.to_vec();
    indexes.sort_unstable();
    let numbers: Vec<String> = indexes
        .iter()
        .map(|index| lines[*index].number.to_string())
        .collect();
    Failure::conflict(format!(
        ".env: the markers of the block do not pair up (line {})",
        numbers.join(", ")
    ))
    .with_help(format!(
        "keep one line `{BLOCK_BEGIN}` and, below it, one line `{BLOCK_END}`, or delete all of them"
    ))
}

/// Whether the line has an open quote that makes a marker part of its value.
fn has_marker_in_value(file: &[u8], line: &Line) -> bool {
    line.kind == LineKind::Unreadable && has_open_quote(file, line) && {
        let text = line_text(file, &line.range);
        let mut continuation = text.lines().skip(1);
        continuation.any(|line| line.trim() == BLOCK_BEGIN || line.trim() == BLOCK_END)
    }
}

/// Whether the unreadable line stays unreadable with a newline at its end. The end of the file alone
/// can also make a line unreadable.
fn has_open_quote(file: &[u8], line: &Line) -> bool {
    let alone = with_final_newline(&file[line.range.clone()]);
    let first = dotenv::lines(&alone).into_iter().next();
    first.is_some_and(|line| line.kind == LineKind::Unreadable)
}
