//! The block of lines in the app's `.env`.
//!
//! Two markers enclose it, and whatever `install` writes between them is a key of
//! ours or a comment with a prefix of ours. Everything else that is found inside
//! was put there by the app's owner, and stays.

use std::ops::Range;

use super::dotenv::{self, BadLine, Line, LineKind};
use super::values::{Values, quoted};
use crate::editing::receipt::Receipt;
use crate::editing::text::{self, Eol};
use crate::exit::Failure;

/// The keys that `install` writes.
pub(crate) const KEYS: [&str; 3] = ["SSE_STREAM_DURATION", "SSE_POLL_INTERVAL", "SSE_EVENTS"];

const BEGIN: &str = "# >>> sse >>>";
const END: &str = "# <<< sse <<<";
/// Begins every comment of ours inside the block, of every version.
const OURS: &str = "# sse: ";
const RECORD: &str = "# sse: created ";
const ABOUT: &str = "# sse: Server-Sent Events. Written by `sse install`; `sse uninstall` takes this block out again.";
const KINDER: &str =
    "# sse: A stream ends after 15 seconds and is opened anew; 300 is kinder in production.";

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    Missing,
    /// In our block, with the value that we wrote.
    Installed,
    /// In our block with another value, or elsewhere in the file.
    Yours,
}

/// What an `.env` has of ours.
pub(crate) struct EnvState {
    pub(crate) has_block: bool,
    pub(crate) record: Receipt,
    pub(crate) keys: [(&'static str, KeyState); 3],
}

/// What taking the block out leaves, and what is worth telling.
pub(crate) struct BlockRemoval {
    pub(crate) text: Vec<u8>,
    /// Lines of ours that the owner has edited, as they are.
    pub(crate) edited: Vec<String>,
    /// How many lines that are not ours were inside the block.
    pub(crate) foreign: usize,
}

/// What becomes of a line of ours that the owner has edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EditedValues {
    Keep,
    Remove,
}

struct Block {
    /// Indexes of the markers' lines.
    begin: usize,
    end: usize,
    eol: Eol,
}

/// Looks at the file and changes nothing.
pub(crate) fn state(file: &[u8]) -> Result<EnvState, Failure> {
    let finished = finished(file);
    let lines = dotenv::lines(&finished);
    let block = find(&finished, &lines)?;
    let record = block
        .as_ref()
        .map_or_else(Receipt::default, |block| block.record(&finished, &lines));
    let place = |name: &str| {
        let Some(index) = lines.iter().position(|line| is_key(line, name)) else {
            return KeyState::Missing;
        };
        let inside = block.as_ref().is_some_and(|block| block.holds(index));
        if inside && is_as_written(&as_text(&finished, &lines[index].range), name, &record) {
            KeyState::Installed
        } else {
            KeyState::Yours
        }
    };
    Ok(EnvState {
        has_block: block.is_some(),
        keys: KEYS.map(|name| (name, place(name))),
        record,
    })
}

/// The file with the missing keys, which get these values, and with `created` in its
/// record. A key that is there keeps its value, wherever it stands.
pub(crate) fn install(file: &[u8], created: &Receipt, values: &Values) -> Result<Vec<u8>, Failure> {
    let before = state(file)?;
    let missing: Vec<(&str, &str)> = before
        .keys
        .into_iter()
        .filter(|(_, place)| *place == KeyState::Missing)
        .map(|(name, _)| (name, values.of(name)))
        .collect();
    let mut record = before.record.clone();
    record.merge(created);
    let mut assignments = Vec::new();
    for (name, value) in &missing {
        let line = format!("{name}={}", quoted(value)?);
        if *value != Values::default().of(name) {
            record.add_file(name, line.as_bytes());
        }
        assignments.push(line);
    }

    let new = if before.has_block {
        let new = insert_in_block(file, &assignments)?;
        set_record(&new, &record)?
    } else {
        let mut block = vec![BEGIN.to_owned(), ABOUT.to_owned()];
        if missing
            .iter()
            .any(|(name, value)| *name == KEYS[0] && *value == "15")
        {
            block.push(KINDER.to_owned());
        }
        block.append(&mut assignments);
        if !record.is_empty() {
            block.push(format!("{RECORD}{}", record.to_text()));
        }
        block.push(END.to_owned());
        text::insert_lines(file, file.len(), &block, Eol::of(file))
    };
    verify(file, &new, &missing)?;
    Ok(new)
}

/// The file without the block; `None` where there is none.
pub(crate) fn uninstall(file: &[u8], fate: EditedValues) -> Result<Option<BlockRemoval>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = find(file, &lines)? else {
        return Ok(None);
    };
    let record = block.record(file, &lines);
    let inside = block.begin + 1..block.end;
    let keys: Vec<(usize, &str)> = KEYS
        .into_iter()
        .filter_map(|name| {
            let index = own_assignment(file, &lines, inside.clone(), name, &record)?;
            Some((index, name))
        })
        .collect();
    let mut ranges = Vec::new();
    let mut edited = Vec::new();
    let mut foreign = 0;
    let enclosed = lines
        .iter()
        .enumerate()
        .take(block.end + 1)
        .skip(block.begin);
    for (index, line) in enclosed {
        let range = line.range.clone();
        let line = as_text(file, &range);
        let key = keys.iter().find(|(at, _)| *at == index);
        if let Some((_, name)) = key {
            if is_as_written(&line, name, &record) {
                ranges.push(range);
                continue;
            }
            edited.push(line);
            if fate == EditedValues::Remove {
                ranges.push(range);
            }
        } else if line == BEGIN || line == END || line.starts_with(OURS) {
            ranges.push(range);
        } else {
            foreign += 1;
        }
    }
    Ok(Some(BlockRemoval {
        text: text::remove_lines(file, &ranges, block.eol),
        edited,
        foreign,
    }))
}

impl Block {
    fn holds(&self, index: usize) -> bool {
        (self.begin..self.end).contains(&index)
    }

    fn record(&self, file: &[u8], lines: &[Line]) -> Receipt {
        let line = self.record_line(file, lines);
        let text = line.map(|line| as_text(file, &line.range));
        text.and_then(|text| text.strip_prefix(RECORD).map(Receipt::parse))
            .unwrap_or_default()
    }

    fn record_line<'a>(&self, file: &[u8], lines: &'a [Line]) -> Option<&'a Line> {
        let inside = &lines[self.begin..self.end];
        inside
            .iter()
            .find(|line| as_text(file, &line.range).starts_with(RECORD))
    }
}

/// The file with a newline at its end: what a line at the end says must not hang
/// on one, since whatever is added puts it there.
fn finished(file: &[u8]) -> Vec<u8> {
    let mut finished = file.to_vec();
    if !text::without_bom(file).is_empty() && !file.ends_with(b"\n") {
        finished.push(b'\n');
    }
    finished
}

fn as_text(file: &[u8], range: &Range<usize>) -> String {
    String::from_utf8_lossy(&file[range.clone()])
        .trim()
        .to_owned()
}

fn is_key(line: &Line, name: &str) -> bool {
    matches!(&line.kind, LineKind::Key(key) if key == name)
}

/// Whether the line says what some version of `install` wrote: a default, or a value that
/// its arguments chose, which the record knows.
fn is_as_written(line: &str, name: &str, record: &Receipt) -> bool {
    line == format!("{name}={}", Values::default().of(name))
        || record.is_unmodified(name, line.as_bytes())
}

/// The line that `install` wrote for the key. Where the owner has put a second
/// one beside it, ours is the one that is still as it was written.
fn own_assignment(
    file: &[u8],
    lines: &[Line],
    inside: Range<usize>,
    name: &str,
    record: &Receipt,
) -> Option<usize> {
    let mut all = inside.filter(|index| is_key(&lines[*index], name));
    let first = all.next()?;
    let exact = |index: &usize| is_as_written(&as_text(file, &lines[*index].range), name, record);
    if exact(&first) {
        return Some(first);
    }
    Some(all.find(exact).unwrap_or(first))
}

fn find(file: &[u8], lines: &[Line]) -> Result<Option<Block>, Failure> {
    if let Some(open) = lines.iter().find(|line| swallows_marker(file, line)) {
        return Err(Failure::conflict(format!(
            ".env line {}: a quote opens here and is never closed, so it takes in the block of `sse install`",
            open.number
        ))
        .help("close the quote, then run the command again"));
    }
    let at = |marker: &str| -> Vec<usize> {
        let markers = lines.iter().enumerate().filter(|(_, line)| {
            line.kind == LineKind::Comment && as_text(file, &line.range) == marker
        });
        markers.map(|(index, _)| index).collect()
    };
    let (begins, ends) = (at(BEGIN), at(END));
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Ok(None),
        ([begin], [end]) if begin < end => Ok(Some(Block {
            begin: *begin,
            end: *end,
            eol: if file[lines[*begin].range.clone()].ends_with(b"\r\n") {
                Eol::CrLf
            } else {
                Eol::Lf
            },
        })),
        _ => {
            let mut numbers: Vec<String> = begins
                .iter()
                .chain(&ends)
                .map(|index| lines[*index].number.to_string())
                .collect();
            numbers.sort();
            Err(Failure::conflict(format!(
                ".env: the markers of the block do not pair up (line {})",
                numbers.join(", ")
            ))
            .help(format!(
                "leave one line `{BEGIN}` and, below it, one line `{END}`, or delete them all"
            )))
        }
    }
}

fn swallows_marker(file: &[u8], line: &Line) -> bool {
    // A line may be broken because the file ends in it, which a newline mends.
    let is_open = || {
        let alone = finished(&file[line.range.clone()]);
        let line = dotenv::lines(&alone).into_iter().next();
        line.is_some_and(|line| line.kind == LineKind::Broken)
    };
    line.kind == LineKind::Broken && is_open() && {
        let text = as_text(file, &line.range);
        let mut lines = text.lines().skip(1);
        lines.any(|line| line.trim() == BEGIN || line.trim() == END)
    }
}

fn insert_in_block(file: &[u8], assignments: &[String]) -> Result<Vec<u8>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = find(file, &lines)? else {
        return Ok(file.to_vec());
    };
    let record = block.record_line(file, &lines);
    let at = record.map_or(lines[block.end].range.start, |line| line.range.start);
    Ok(text::insert_lines(file, at, assignments, block.eol))
}

fn set_record(file: &[u8], record: &Receipt) -> Result<Vec<u8>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = find(file, &lines)? else {
        return Ok(file.to_vec());
    };
    if block.record(file, &lines) == *record {
        return Ok(file.to_vec());
    }
    let old = block.record_line(file, &lines);
    let at = old.map_or(lines[block.end].range.start, |line| line.range.start);
    let without = old.map_or_else(
        || file.to_vec(),
        |line| text::remove_lines(file, std::slice::from_ref(&line.range), block.eol),
    );
    let line = format!("{RECORD}{}", record.to_text());
    Ok(text::insert_lines(&without, at, &[line], block.eol))
}

/// Reads the planned file with dotenvy: the app must see what was added, and go on
/// seeing everything else as it was.
fn verify(old: &[u8], new: &[u8], added: &[(&str, &str)]) -> Result<(), Failure> {
    let unreadable = |bad: &BadLine| {
        Failure::conflict(format!(
            ".env line {}: `{}` cannot be read, and the app reads nothing from there on",
            bad.number, bad.text
        ))
        .help("close its quote, or put quotes round a value with spaces, then run `sse install` again")
    };
    let values = dotenv::read_values(new).map_err(|bad| unreadable(&bad))?;
    let mut expected = dotenv::read_values(&finished(old)).map_err(|bad| unreadable(&bad))?;
    for (name, value) in added {
        expected.insert((*name).to_owned(), (*value).to_owned());
    }
    if values == expected {
        return Ok(());
    }
    let differs = |name: &&String| values.get(*name) != expected.get(*name);
    let name = expected.keys().chain(values.keys()).find(differs);
    let name = name.map_or("SSE_EVENTS", String::as_str);
    Err(Failure::conflict(format!(
        ".env: with our lines added, the app would read another value of {name}"
    ))
    .help("add the lines by hand: see `sse install --help`"))
}

#[cfg(test)]
mod tests;
