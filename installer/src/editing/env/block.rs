//! The block of lines in the app's `.env`.
//!
//! Two markers enclose it. Between them `install` writes only its settings and comments with its
//! prefix. Every other line inside the block is the owner's, and stays.

use std::collections::BTreeMap;
use std::slice;

use actix_web_sse::cli_support::{EnvFile, EnvLine, EnvLineKind, SettingInfo, settings};

use super::markers::{BLOCK_BEGIN, BLOCK_END, Block, COMMENT_PREFIX, RECEIPT_PREFIX};
use super::readers::EnvReaders;
use super::values::{
    INSTALLED_SETTINGS, InstallValues, all_settings, default_value, is_required, quote_for_dotenv,
};
use crate::editing::receipt::Receipt;
use crate::editing::text;
use crate::exit::Failure;

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

/// An `.env` without the block, and what its owner should know.
pub(crate) struct BlockRemoval {
    pub(crate) text: Vec<u8>,
    /// The lines of `install` that the owner has edited.
    pub(crate) edited: Vec<String>,
    /// The number of the owner's lines inside the block.
    pub(crate) owner_lines: usize,
}

/// The app's `.env` before a change: its lines, and what they show about the installation.
pub(crate) struct EnvState {
    /// With a newline at its end, because some last lines parse differently without one, and any edit at
    /// the end adds it.
    file: EnvFile,
    /// The length without that newline.
    length: usize,
    block: Option<Block>,
    pub(crate) receipt: Receipt,
    /// Those that `install` writes if they are missing, then those that it writes if something chooses a value.
    pub(crate) settings: Vec<(&'static SettingInfo, SettingState)>,
}

impl EnvState {
    pub(crate) fn new(contents: &[u8]) -> Result<Self, Failure> {
        let file = EnvFile::new(with_final_newline(contents));
        let block = Block::find(&file)?;
        let receipt = block.as_ref().map(|block| block.receipt(&file));
        let receipt = receipt.unwrap_or_default();
        let settings = all_settings().map(|setting| {
            let state = setting_state(&file, block.as_ref(), setting.name, &receipt);
            (setting, state)
        });
        let settings = settings.collect();
        Ok(Self {
            length: contents.len(),
            file,
            block,
            receipt,
            settings,
        })
    }

    pub(crate) fn has_block(&self) -> bool {
        self.block.is_some()
    }

    /// The value of a setting, as the library reads it: a line that cannot be read hides no other.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        Some(self.file.get(name)?.1)
    }

    pub(crate) fn file(&self) -> &EnvFile {
        &self.file
    }

    fn contents(&self) -> &[u8] {
        &self.file.bytes[..self.length]
    }

    /// The file with the missing settings added, set to `values`, and `created` added to the receipt.
    /// Existing settings keep their values, inside the block and elsewhere.
    pub(crate) fn install(
        &self,
        created: &Receipt,
        values: &InstallValues,
        readers: EnvReaders,
    ) -> Result<Vec<u8>, Failure> {
        let missing: Vec<(&str, &str)> = self
            .missing(values)
            .map(|setting| (setting.name, values.get(setting)))
            .collect();
        let mut receipt = self.receipt.clone();
        receipt.merge(created);
        let assignments = render_assignments(&missing, &mut receipt)?;
        let new = match &self.block {
            Some(block) => self.extend_block(block, assignments, &receipt),
            None => {
                let default_duration = default_value(&settings::stream_duration);
                let sets_default_duration =
                    missing.contains(&(settings::stream_duration.name, default_duration));
                let block = new_block(assignments, sets_default_duration, &receipt);
                let old = self.contents();
                text::insert_lines(old, old.len(), &block, text::most_common_eol(old))
            }
        };
        self.verify(&new, &missing, readers)?;
        Ok(new)
    }

    /// The settings that [`install`](Self::install) adds.
    pub(crate) fn missing(
        &self,
        values: &InstallValues,
    ) -> impl Iterator<Item = &'static SettingInfo> {
        let missing = (self.settings.iter()).filter(|(setting, state)| {
            let is_wanted = is_required(setting.name) || values.chosen(setting.name).is_some();
            *state == SettingState::Missing && is_wanted
        });
        missing.map(|(setting, _)| *setting)
    }

    /// Those that `install` always adds, and of the others those that the file has.
    pub(crate) fn settings_to_show(
        &self,
    ) -> impl Iterator<Item = (&'static SettingInfo, SettingState)> {
        let shown = |(setting, state): &&(&SettingInfo, SettingState)| {
            is_required(setting.name) || *state != SettingState::Missing
        };
        self.settings.iter().filter(shown).copied()
    }

    /// The file with these lines at the end of the block, before its receipt, which is replaced if it differs.
    fn extend_block(&self, block: &Block, mut lines: Vec<String>, receipt: &Receipt) -> Vec<u8> {
        let (old, receipt_line) = (self.contents(), block.receipt_line(&self.file));
        let end = &self.file.lines[block.end];
        let at = receipt_line.unwrap_or(end).range.start;
        if *receipt == self.receipt {
            return text::insert_lines(old, at, &lines, block.eol);
        }
        lines.push(format!("{RECEIPT_PREFIX}{}", receipt.to_text()));
        let former = receipt_line.map(|line| slice::from_ref(&line.range));
        let without = text::remove_lines(old, former.unwrap_or_default(), block.eol);
        text::insert_lines(&without, at, &lines, block.eol)
    }

    /// Reads the planned file with dotenvy: the app must read the added values, and all others
    /// as before.
    fn verify(
        &self,
        new: &[u8],
        added: &[(&str, &str)],
        readers: EnvReaders,
    ) -> Result<(), Failure> {
        let new = EnvFile::new(new.to_vec());
        readers.check(&self.file)?;
        readers.check(&new)?;
        let values = read_values(&new);
        let mut expected = read_values(&self.file);
        expected.extend(added.iter().copied());
        if values == expected {
            return Ok(());
        }
        let differs = |name: &&&str| values.get(**name) != expected.get(**name);
        let name = expected.keys().chain(values.keys()).find(differs);
        let name = name.copied().unwrap_or(settings::events.name);
        Err(Failure::conflict(format!(
            ".env: adding the block would change the value of {name} that the app reads"
        ))
        .with_help(by_hand(added)))
    }

    /// The file without the block; `None` if it has none.
    pub(crate) fn uninstall(&self, removes_edited_values: bool) -> Option<BlockRemoval> {
        let block = self.block.as_ref()?;
        let assignments = self.written_assignments(block);
        let (mut ranges, mut edited, mut owner_lines) = (Vec::new(), Vec::new(), 0);
        let lines = &self.file.lines[block.begin..=block.end];
        for (index, line) in (block.begin..).zip(lines) {
            let range = line.range.start..line.range.end.min(self.length);
            let text = self.file.text(line);
            let assignment = assignments.iter().find(|(at, _)| *at == index);
            match BlockLine::new(&text, assignment.map(|(_, name)| *name), &self.receipt) {
                BlockLine::AsWritten => ranges.push(range),
                BlockLine::Edited => {
                    if removes_edited_values {
                        ranges.push(range);
                    }
                    edited.push(text);
                }
                BlockLine::ByOwner => owner_lines += 1,
            }
        }
        Some(BlockRemoval {
            text: text::remove_lines(self.contents(), &ranges, block.eol),
            edited,
            owner_lines,
        })
    }

    /// The indexes of the lines that `install` wrote for its settings.
    fn written_assignments(&self, block: &Block) -> Vec<(usize, &'static str)> {
        // A setting that `install` writes only with a chosen value may also be the owner's line.
        let written = all_settings()
            .filter(|setting| is_required(setting.name) || self.receipt.has(setting.name));
        let assignments = written.filter_map(|setting| {
            Some((self.written_assignment(block, setting.name)?, setting.name))
        });
        assignments.collect()
    }

    /// The line that `install` wrote for a setting. If the owner has added another assignment of the
    /// same setting, it is the unmodified line.
    fn written_assignment(&self, block: &Block, name: &str) -> Option<usize> {
        let lines = &self.file.lines;
        let mut indexes =
            (block.begin + 1..block.end).filter(|at| is_assignment(&lines[*at], name));
        let is_exact =
            |at: &usize| is_as_written(&self.file.text(&lines[*at]), name, &self.receipt);
        let first = indexes.next()?;
        if is_exact(&first) {
            return Some(first);
        }
        Some(indexes.find(is_exact).unwrap_or(first))
    }
}

fn with_final_newline(file: &[u8]) -> Vec<u8> {
    let mut text = file.to_vec();
    if !text::without_bom(file).is_empty() && !file.ends_with(b"\n") {
        text.push(b'\n');
    }
    text
}

fn setting_state(
    file: &EnvFile,
    block: Option<&Block>,
    name: &str,
    receipt: &Receipt,
) -> SettingState {
    let mut lines = file.lines.iter().enumerate();
    let Some((index, line)) = lines.find(|(_, line)| is_assignment(line, name)) else {
        return SettingState::Missing;
    };
    let is_inside = block.is_some_and(|block| block.contains(index));
    if is_inside && is_as_written(&file.text(line), name, receipt) {
        SettingState::Installed
    } else {
        SettingState::ByOwner
    }
}

/// Every key with its value. If a key occurs twice, its first value counts, as when dotenvy loads a file.
fn read_values(file: &EnvFile) -> BTreeMap<&str, &str> {
    let mut values = BTreeMap::new();
    for (_, name, value) in file.assignments() {
        values.entry(name).or_insert(value);
    }
    values
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
        if !is_default(name, value) {
            receipt.add_with_hash(name, line.as_bytes());
        }
        assignments.push(line);
    }
    Ok(assignments)
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

fn is_assignment(line: &EnvLine, wanted: &str) -> bool {
    matches!(&line.kind, EnvLineKind::Assignment { name, .. } if name == wanted)
}

fn is_install_comment(line: &str) -> bool {
    line == BLOCK_BEGIN || line == BLOCK_END || line.starts_with(COMMENT_PREFIX)
}

/// Whether `install` wrote the line: it has the default value, or the value that arguments
/// chose, whose hash is in the receipt.
fn is_as_written(line: &str, name: &str, receipt: &Receipt) -> bool {
    let value = line
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='));
    value.is_some_and(|value| is_default(name, value))
        || receipt.is_unmodified(name, line.as_bytes())
}

/// Whether `install` writes this value if no argument chooses another.
fn is_default(name: &str, value: &str) -> bool {
    let mut settings = INSTALLED_SETTINGS.iter();
    settings.any(|setting| setting.name == name && default_value(setting) == value)
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

/// The lines of the block, for a user who adds them.
fn by_hand(added: &[(&str, &str)]) -> String {
    let line = |(name, value): &(&str, &str)| {
        let value = quote_for_dotenv(value).unwrap_or_else(|_| (*value).to_owned());
        format!("`{name}={value}`")
    };
    let lines: Vec<String> = added.iter().map(line).collect();
    format!("add to .env by hand: {}", lines.join(", "))
}

#[cfg(test)]
mod tests;
