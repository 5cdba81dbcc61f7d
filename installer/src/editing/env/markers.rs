//! Finds the block of `install` among the lines of an `.env`.

use actix_web_sse::cli_support::{EnvFile, EnvLine};

use crate::editing::receipt::Receipt;
use crate::editing::text::{CRLF, LF};
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
    pub(super) eol: &'static str,
}

impl Block {
    pub(super) fn find(file: &EnvFile) -> Result<Option<Self>, Failure> {
        let mut unreadable = file.unreadable_lines();
        if let Some(open) = unreadable.find(|line| has_marker_in_value(file, line)) {
            return Err(Failure::conflict(format!(
                ".env line {}: a quote opens here and is never closed, so the block of `sse install` is part of the value",
                open.number
            ))
            .with_help("close the quote, then run the command again"));
        }
        let (begins, ends) = (
            marker_lines(file, BLOCK_BEGIN),
            marker_lines(file, BLOCK_END),
        );
        match (begins.as_slice(), ends.as_slice()) {
            ([], []) => Ok(None),
            (&[begin], &[end]) if begin < end => {
                let first = &file.bytes[file.lines[begin].range.clone()];
                let is_crlf = first.ends_with(b"\r\n");
                let eol = if is_crlf { CRLF } else { LF };
                Ok(Some(Self { begin, end, eol }))
            }
            _ => Err(unpaired(&file.lines, &[begins, ends].concat())),
        }
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        (self.begin..self.end).contains(&index)
    }

    pub(super) fn receipt(&self, file: &EnvFile) -> Receipt {
        let text = self.receipt_line(file).map(|line| file.text(line));
        text.and_then(|text| text.strip_prefix(RECEIPT_PREFIX).map(Receipt::parse))
            .unwrap_or_default()
    }

    pub(super) fn receipt_line<'a>(&self, file: &'a EnvFile) -> Option<&'a EnvLine> {
        let mut inside = file.lines[self.begin..self.end].iter();
        inside.find(|line| file.text(line).starts_with(RECEIPT_PREFIX))
    }
}

fn marker_lines(file: &EnvFile, marker: &str) -> Vec<usize> {
    let lines = file.lines.iter().enumerate();
    let markers = lines.filter(|(_, line)| file.text(line) == marker);
    markers.map(|(index, _)| index).collect()
}

fn unpaired(lines: &[EnvLine], markers: &[usize]) -> Failure {
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

/// Whether the unreadable line has an open quote that makes a marker part of its value.
fn has_marker_in_value(file: &EnvFile, line: &EnvLine) -> bool {
    let text = file.text(line);
    let mut continuation = text.lines().skip(1).map(str::trim);
    continuation.any(|line| line == BLOCK_BEGIN || line == BLOCK_END)
}
