//! The block of lines in the app's `.env`.
//!
//! Two markers enclose it. Between them `install` writes only its settings and comments with its
//! prefix. Every other line inside the block is the owner's, and stays.

use std::ops::Range;

use super::dotenv::{self, Line, LineKind, UnreadableLine};
use super::markers::{
    BLOCK_BEGIN, BLOCK_END, Block, COMMENT_PREFIX, RECEIPT_PREFIX, line_text, with_final_newline,
};
use super::values::{InstallValues, quote_for_dotenv};
use crate::editing::receipt::Receipt;
use crate::editing::text::{self, Eol};
use crate::exit::Failure;

/// The settings that `install` writes.
pub(crate) const INSTALLED_SETTINGS: [&str; 3] =
    ["SSE_STREAM_DURATION", "SSE_POLL_INTERVAL", "SSE_EVENTS"];

const ABOUT_COMMENT: &str =
    "# sse: Server-Sent Events. Written by `sse install`; `sse uninstall` removes this block.";
const DURATION_COMMENT: &str = "# sse: A stream ends after 15 seconds, and the browser reconnects. Use 300 in production for fewer reconnects.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingState {
    Missing,
    /// In the block, with the value that `install` wrote.
    Installed,
    /// In the block with another value, or elsewhere in the file.
    ByOwner,
}

/// The parts of an `.env` that `install` deals with.
pub(crate) struct EnvState {
    pub(crate) has_block: bool,
    pub(crate) receipt: Receipt,
    pub(crate) settings: [(&'static str, SettingState); 3],
}

/// An `.env` without the block, and what its owner should know.
pub(crate) struct BlockRemoval {
    pub(crate) text: Vec<u8>,
    /// The lines of `install` that the owner has edited.
    pub(crate) edited: Vec<String>,
    /// The number of the owner's lines inside the block.
    pub(crate) owner_lines: usize,
}

/// What `uninstall` does to values that the owner has edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EditedValuePolicy {
    Keep,
    Remove,
}

pub(crate) fn read_state(file: &[u8]) -> Result<EnvState, Failure> {
    let file = with_final_newline(file);
    let lines = dotenv::lines(&file);
    let block = Block::find(&file, &lines)?;
    let receipt = block
        .as_ref()
        .map_or_else(Receipt::default, |block| block.receipt(&file, &lines));
    let setting_state = |name: &str| {
        let Some(index) = lines.iter().position(|line| is_assignment(line, name)) else {
            return SettingState::Missing;
        };
        let is_inside = block.as_ref().is_some_and(|block| block.contains(index));
        if is_inside && is_as_written(&line_text(&file, &lines[index].range), name, &receipt) {
            SettingState::Installed
        } else {
            SettingState::ByOwner
        }
    };
    Ok(EnvState {
        has_block: block.is_some(),
        settings: INSTALLED_SETTINGS.map(|name| (name, setting_state(name))),
        receipt,
    })
}

/// The file with the missing settings added, set to `values`, and `created` added to the receipt.
/// Existing settings keep their values, inside the block and elsewhere.
pub(crate) fn install(
    file: &[u8],
    created: &Receipt,
    values: &InstallValues,
) -> Result<Vec<u8>, Failure> {
    let before = read_state(file)?;
    let missing: Vec<(&str, &str)> = before
        .settings
        .into_iter()
        .filter(|(_, state)| *state == SettingState::Missing)
        .map(|(name, _)| (name, values.get(name)))
        .collect();
    let mut receipt = before.receipt.clone();
    receipt.merge(created);
    let assignments = render_assignments(&missing, &mut receipt)?;
    let new = if before.has_block {
        let new = insert_in_block(file, &assignments)?;
        set_receipt(&new, &receipt)?
    } else {
        let default_duration = InstallValues::default().duration;
        let sets_default_duration =
            missing.contains(&("SSE_STREAM_DURATION", default_duration.as_str()));
        let block = new_block(assignments, sets_default_duration, &receipt);
        text::insert_lines(file, file.len(), &block, Eol::most_common(file))
    };
    verify(file, &new, &missing)?;
    Ok(new)
}

/// One line for each setting. A value that is not the default gets a hash in the receipt, by which
/// `uninstall` recognises it.
fn render_assignments(
    settings: &[(&str, &str)],
    receipt: &mut Receipt,
) -> Result<Vec<String>, Failure> {
    let mut assignments = Vec::new();
    for (name, value) in settings {
        let line = format!("{name}={}", quote_for_dotenv(value)?);
        if *value != InstallValues::default().get(name) {
            receipt.add_with_hash(name, line.as_bytes());
        }
        assignments.push(line);
    }
    Ok(assignments)
}

/// The file without the block; `None` if it has none.
pub(crate) fn uninstall(
    file: &[u8],
    edited_values: EditedValuePolicy,
) -> Result<Option<BlockRemoval>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = Block::find(file, &lines)? else {
        return Ok(None);
    };
    let receipt = block.receipt(file, &lines);
    let assignments = written_assignments(file, &lines, &block, &receipt);
    let mut ranges = Vec::new();
    let mut edited = Vec::new();
    let mut owner_lines = 0;
    for (index, line) in (block.begin..).zip(&lines[block.begin..=block.end]) {
        let range = &line.range;
        let text = line_text(file, range);
        let assignment = assignments.iter().find(|(at, _)| *at == index);
        match BlockLine::new(&text, assignment.map(|(_, name)| *name), &receipt) {
            BlockLine::AsWritten => ranges.push(range.clone()),
            BlockLine::Edited => {
                if edited_values == EditedValuePolicy::Remove {
                    ranges.push(range.clone());
                }
                edited.push(text);
            }
            BlockLine::ByOwner => owner_lines += 1,
        }
    }
    Ok(Some(BlockRemoval {
        text: text::remove_lines(file, &ranges, block.eol),
        edited,
        owner_lines,
    }))
}

/// A line of the block, by who wrote it.
enum BlockLine {
    /// By `install`, and unedited since.
    AsWritten,
    /// By `install`, and then edited by the owner.
    Edited,
    ByOwner,
}

impl BlockLine {
    /// `name` is the setting that `install` wrote into this line, if it did.
    fn new(text: &str, name: Option<&str>, receipt: &Receipt) -> Self {
        match name {
            Some(name) if is_as_written(text, name, receipt) => Self::AsWritten,
            Some(_) => Self::Edited,
            None if is_install_comment(text) => Self::AsWritten,
            None => Self::ByOwner,
        }
    }
}

fn is_assignment(line: &Line, name: &str) -> bool {
    matches!(&line.kind, LineKind::Key(key) if key == name)
}

fn is_install_comment(line: &str) -> bool {
    line == BLOCK_BEGIN || line == BLOCK_END || line.starts_with(COMMENT_PREFIX)
}

/// Whether `install` wrote the line: it has the default value, or the value that arguments
/// chose, whose hash is in the receipt.
fn is_as_written(line: &str, name: &str, receipt: &Receipt) -> bool {
    line == format!("{name}={}", InstallValues::default().get(name))
        || receipt.is_unmodified(name, line.as_bytes())
}

/// The indexes of the lines that `install` wrote for its settings.
fn written_assignments(
    file: &[u8],
    lines: &[Line],
    block: &Block,
    receipt: &Receipt,
) -> Vec<(usize, &'static str)> {
    let inside = block.begin + 1..block.end;
    let assignments = INSTALLED_SETTINGS.into_iter().filter_map(|name| {
        let index = written_assignment(file, lines, inside.clone(), name, receipt)?;
        Some((index, name))
    });
    assignments.collect()
}

/// The line that `install` wrote for a setting. If the owner has added another assignment of the
/// same setting, it is the unmodified line.
fn written_assignment(
    file: &[u8],
    lines: &[Line],
    inside: Range<usize>,
    name: &str,
    receipt: &Receipt,
) -> Option<usize> {
    let mut indexes = inside.filter(|index| is_assignment(&lines[*index], name));
    let is_exact =
        |index: &usize| is_as_written(&line_text(file, &lines[*index].range), name, receipt);
    let first = indexes.next()?;
    if is_exact(&first) {
        return Some(first);
    }
    Some(indexes.find(is_exact).unwrap_or(first))
}

fn new_block(
    assignments: Vec<String>,
    sets_default_duration: bool,
    receipt: &Receipt,
) -> Vec<String> {
    let mut block = vec![BLOCK_BEGIN.to_owned(), ABOUT_COMMENT.to_owned()];
    if sets_default_duration {
        block.push(DURATION_COMMENT.to_owned());
    }
    block.extend(assignments);
    if !receipt.is_empty() {
        block.push(format!("{RECEIPT_PREFIX}{}", receipt.to_text()));
    }
    block.push(BLOCK_END.to_owned());
    block
}

fn insert_in_block(file: &[u8], assignments: &[String]) -> Result<Vec<u8>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = Block::find(file, &lines)? else {
        return Ok(file.to_vec());
    };
    let receipt = block.receipt_line(file, &lines);
    let at = receipt.map_or(lines[block.end].range.start, |line| line.range.start);
    Ok(text::insert_lines(file, at, assignments, block.eol))
}

fn set_receipt(file: &[u8], receipt: &Receipt) -> Result<Vec<u8>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = Block::find(file, &lines)? else {
        return Ok(file.to_vec());
    };
    if block.receipt(file, &lines) == *receipt {
        return Ok(file.to_vec());
    }
    let old = block.receipt_line(file, &lines);
    let at = old.map_or(lines[block.end].range.start, |line| line.range.start);
    let without = old.map_or_else(
        || file.to_vec(),
        |line| text::remove_lines(file, std::slice::from_ref(&line.range), block.eol),
    );
    let line = format!("{RECEIPT_PREFIX}{}", receipt.to_text());
    Ok(text::insert_lines(&without, at, &[line], block.eol))
}

/// Reads the planned file with dotenvy: the app must read the added values, and all others
/// as before.
fn verify(old: &[u8], new: &[u8], added: &[(&str, &str)]) -> Result<(), Failure> {
    let values = dotenv::read_values(new).map_err(|line| unreadable(&line))?;
    let mut expected =
        dotenv::read_values(&with_final_newline(old)).map_err(|line| unreadable(&line))?;
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
        ".env: adding the block would change the value of {name} that the app reads"
    ))
    .with_help(by_hand(added)))
}

/// The lines of the block, for a user who adds them.
fn by_hand(added: &[(&str, &str)]) -> String {
    let line = |(name, value): &(&str, &str)| {
        let value = quote_for_dotenv(value).unwrap_or_else(|_| (*value).to_owned());
        format!("`{name}={value}`")
    };
    let lines: Vec<String> = added.iter().map(line).collect();
    format!("add to .env by hand: {}", lines.join(", "))
}

fn unreadable(line: &UnreadableLine) -> Failure {
    Failure::conflict(format!(
        ".env line {}: `{}` cannot be read; an app that loads .env with dotenvy stops at this line",
        line.number, line.text
    ))
    .with_help(
        "close its quote, or put quotes around a value with spaces, then run `sse install` again",
    )
}

#[cfg(test)]
mod tests;
