//! Adds the dependency to `Cargo.toml`, and removes it.
//!
//! A parser that writes its document back normalises what it does not model: line endings,
//! a byte order mark, a missing final newline. So the parser only tells the position, the
//! lines are spliced into the raw text, and the result is parsed again and compared before
//! it is written.

use std::ops::Range;

use serde_json::Value;
use toml_edit::{Item, Table};

use super::cargo_toml::{Manifest, is_inherited, is_library};
use super::dependency::{DependencySource, LIBRARY_PACKAGE};
use crate::editing::text::{self, CRLF, LF};
use crate::exit::Failure;

/// Ends each line that `install` writes. cargo keeps it when it edits the file.
pub(super) const LINE_MARK: &str = " # added by sse install";

/// The library among the normal dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LibraryEntry {
    Absent,
    /// A line with the mark.
    ByInstall,
    /// The owner's entry, with this key.
    ByOwner(String),
}

/// A manifest without the dependency.
#[derive(Debug)]
pub(crate) struct DependencyRemoval {
    pub(crate) text: Vec<u8>,
    /// The removed lines, for the report.
    pub(crate) removed: String,
}

impl Manifest<'_> {
    /// Finds the library among the normal dependencies. `inherited` is the key of the
    /// library in the workspace, if the workspace has it.
    pub(crate) fn library_entry(&self, inherited: Option<&str>) -> LibraryEntry {
        match (self.library_key(inherited), self.installed_lines()) {
            (None, _) => LibraryEntry::Absent,
            (Some(_), Some(_)) => LibraryEntry::ByInstall,
            (Some(key), None) => LibraryEntry::ByOwner(key.to_owned()),
        }
    }

    /// The file with the dependency added.
    pub(crate) fn with_dependency(&self, source: &DependencySource) -> Result<Vec<u8>, Failure> {
        let file = self.raw.as_bytes();
        let entry = format!("{}{LINE_MARK}", source.line());
        let (at, lines) = match self.root().get("dependencies") {
            None => {
                let header = format!("[dependencies]{LINE_MARK}");
                (file.len(), vec![header, entry])
            }
            Some(Item::Table(table)) if !table.is_implicit() && !table.is_dotted() => {
                (self.end_of_entries(table), vec![entry])
            }
            // The table has no header to write below, and a header would define it twice.
            Some(Item::Table(_)) => (file.len(), subtable(source)),
            Some(other) => return Err(self.no_table_conflict(other, source)),
        };
        let new = text::insert_lines(file, at, &lines, text::most_common_eol(file));
        self.verify(&new, source)?;
        Ok(new)
    }

    /// The file without the lines that `with_dependency` inserted; `None` if it has none.
    pub(crate) fn without_dependency(&self) -> Result<Option<DependencyRemoval>, Failure> {
        let Some(range) = self.installed_lines() else {
            return Ok(None);
        };
        let file = self.raw.as_bytes();
        let removed = self.raw[range.clone()].replace(LINE_MARK, "");
        let without = text::remove_lines(file, &[range], last_line_ending(file));
        Ok(Some(DependencyRemoval {
            text: Manifest::parse(&without)?.without_installed_header(),
            removed: removed.trim().lines().collect::<Vec<_>>().join("; "),
        }))
    }

    /// The complete lines of the entry that `install` added. The mark alone proves nothing if
    /// it is on another package's line. An inherited entry counts under any key, because the
    /// workspace may have renamed the library since.
    fn installed_lines(&self) -> Option<Range<usize>> {
        let Some(Item::Table(dependencies)) = self.root().get("dependencies") else {
            return None;
        };
        let value = |key: &str| &self.values["dependencies"][key];
        let marked = |(key, item)| self.marked_lines(dependencies, key, item);
        let mut entries = dependencies.iter();
        match entries.find(|(key, _)| is_library(key, value(key))) {
            Some(library) => marked(library),
            None => dependencies
                .iter()
                .filter(|(key, _)| is_inherited(value(key)))
                .find_map(marked),
        }
    }

    /// The complete lines of an entry, if it has the mark.
    fn marked_lines(&self, dependencies: &Table, key: &str, item: &Item) -> Option<Range<usize>> {
        let range = entry_range(dependencies, key, item)?;
        let lines = text::whole_lines(self.raw.as_bytes(), &range);
        // A table has the mark at its header, an entry on one line at its end.
        let marked = match item {
            Item::Table(table) if !table.is_dotted() => self.line_at(lines.start),
            _ => self.raw[lines.clone()].trim_end(),
        };
        marked.ends_with(LINE_MARK).then_some(lines)
    }

    fn line_at(&self, start: usize) -> &str {
        self.raw[start..text::line_end(self.raw.as_bytes(), start)].trim_end()
    }

    /// The end of the last entry below the table's own header.
    fn end_of_entries(&self, table: &Table) -> usize {
        let header = table.span().map_or(0, |span| span.end);
        let is_below_header = |item: &&Item| !matches!(item, Item::Table(t) if !t.is_dotted());
        let entries = table.iter().map(|(_, item)| item).filter(is_below_header);
        let last = entries.filter_map(end_of_item).max().unwrap_or(0);
        text::line_end(self.raw.as_bytes(), last.max(header))
    }

    /// Removes the header `[dependencies]` if `install` added it. If the owner has added
    /// entries below it, only the mark is removed.
    fn without_installed_header(&self) -> Vec<u8> {
        let file = self.raw.as_bytes();
        let Some((header, range)) = self.header() else {
            return file.to_vec();
        };
        let line = self.line_at(range.start);
        let Some(unmarked) = line.strip_suffix(LINE_MARK) else {
            return file.to_vec();
        };
        if self.end_of_entries(header) > range.end {
            let end = range.start + line.len();
            return [&file[..range.start], unmarked.as_bytes(), &file[end..]].concat();
        }
        text::remove_lines(file, &[range], last_line_ending(file))
    }

    /// The table with a header `[dependencies]`, and the header's line.
    fn header(&self) -> Option<(&Table, Range<usize>)> {
        let table = self.root().get("dependencies")?.as_table()?;
        let has_header = !table.is_implicit() && !table.is_dotted();
        let lines = text::whole_lines(self.raw.as_bytes(), &table.span()?);
        has_header.then_some((table, lines))
    }

    /// Parses the planned manifest: all values must be as before, except for the new entry,
    /// and removing that must give back every byte.
    fn verify(&self, new: &[u8], source: &DependencySource) -> Result<(), Failure> {
        let planned = Manifest::parse(new).map_err(|_| cannot_add_error(source))?;
        let is_added = planned.library_entry(Some(source.key())) == LibraryEntry::ByInstall;
        let is_reversible = planned
            .without_dependency()?
            .is_some_and(|removal| removal.text == self.without_installed_header());
        let key = source.key();
        if is_added && is_reversible && self.values_without(key) == planned.values_without(key) {
            Ok(())
        } else {
            Err(cannot_add_error(source))
        }
    }

    /// All values except for this dependency, and for whether there are dependencies.
    pub(crate) fn values_without(&self, dependency: &str) -> Value {
        let mut values = self.values.clone();
        if let Some(dependencies) = values["dependencies"].as_object_mut() {
            dependencies.remove(dependency);
            if dependencies.is_empty() {
                values["dependencies"].take();
            }
        }
        values
    }

    fn no_table_conflict(&self, dependencies: &Item, source: &DependencySource) -> Failure {
        let start = dependencies.span().map_or(0, |span| span.start);
        let line = text::line_number(self.raw.as_bytes(), start);
        Failure::conflict(format!(
            "Cargo.toml line {line}: `dependencies` has the type `{}`, to which no line can be added",
            dependencies.type_name()
        ))
        .with_help(format!(
            "write a table `[dependencies]`, or add by hand: {}",
            source.line()
        ))
    }
}

fn cannot_add_error(source: &DependencySource) -> Failure {
    Failure::conflict(format!(
        "Cargo.toml: with the dependency {LIBRARY_PACKAGE} added, cargo would read the file differently"
    ))
    .with_help(format!(
        "add it to [dependencies] by hand: {}",
        source.line()
    ))
}

/// The lines of a table `[dependencies.KEY]`.
fn subtable(source: &DependencySource) -> Vec<String> {
    let header = format!("[dependencies.{}]{LINE_MARK}", source.key());
    let fields = source
        .fields()
        .into_iter()
        .map(|field| format!("{field}{LINE_MARK}"));
    [header].into_iter().chain(fields).collect()
}

fn entry_range(table: &Table, key: &str, item: &Item) -> Option<Range<usize>> {
    let start = match item {
        Item::Table(table) if !table.is_dotted() => item.span()?.start,
        _ => table.key(key)?.span()?.start,
    };
    Some(start..end_of_item(item)?)
}

/// The end of an item's last value.
fn end_of_item(item: &Item) -> Option<usize> {
    let end = item.span().map(|span| span.end);
    let Item::Table(table) = item else {
        return end;
    };
    table
        .iter()
        .filter_map(|(_, item)| end_of_item(item))
        .chain(end)
        .max()
}

/// The ending of the last complete line. If the inserted lines end the text without a newline of
/// their own, `with_dependency` used this ending in front of them.
fn last_line_ending(file: &[u8]) -> &'static str {
    let last = file.iter().rposition(|byte| *byte == b'\n');
    match last {
        Some(at) if file[..at].ends_with(b"\r") => CRLF,
        _ => LF,
    }
}

#[cfg(test)]
mod tests;
