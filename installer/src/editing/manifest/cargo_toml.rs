//! The dependency in the app's `Cargo.toml`.
//!
//! A parser that writes its document back normalises what it does not model: line
//! endings, a byte order mark, a missing final newline. So the parser only says
//! where, one line is spliced into the raw text, and the result is parsed again
//! and compared before anybody writes it.

use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, Value};

use crate::editing::manifest::dependency::{DependencySource, PACKAGE};
use crate::editing::manifest::toml_value::TomlValue;
use crate::editing::text::{self, Eol};
use crate::exit::Failure;

/// Ends each line that `install` wrote; cargo keeps it when it edits the file.
const MARK: &str = " # added by sse install";

/// What `[dependencies]` has of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LibraryEntry {
    Absent,
    /// A line that carries our mark.
    Ours,
    /// An entry that the app's owner wrote, under this key.
    Yours(String),
}

/// What taking the dependency out leaves.
#[derive(Debug)]
pub(crate) struct DependencyRemoval {
    pub(crate) text: Vec<u8>,
    /// What was taken out, as it stood.
    pub(crate) removed: String,
}

/// A manifest that parses.
pub(crate) struct Manifest<'a> {
    raw: &'a str,
    document: Document<&'a str>,
}

impl<'a> Manifest<'a> {
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, Failure> {
        let in_the_way = |line: usize, why: &str| {
            Failure::conflict(format!("Cargo.toml line {line}: {why}"))
                .help("`cargo metadata` says more; mend the file, then run the command again")
        };
        let raw = str::from_utf8(file).map_err(|error| {
            in_the_way(
                text::line_number(file, error.valid_up_to()),
                "this is no UTF-8",
            )
        })?;
        let document = Document::parse(raw).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(file.len()));
            in_the_way(text::line_number(file, at), error.message())
        })?;
        Ok(Self { raw, document })
    }

    /// The package's name; a workspace without a package of its own has none.
    pub(crate) fn package(&self) -> Option<&str> {
        let package = self.root().get("package")?.as_table_like()?;
        package.get("name")?.as_str()
    }

    /// The package's binaries that the manifest lists: name and path, where it says so.
    pub(crate) fn binaries(&self) -> Vec<(Option<&str>, Option<&str>)> {
        match self.root().get("bin") {
            Some(Item::ArrayOfTables(binaries)) => {
                binaries.iter().map(|it| name_and_path(it)).collect()
            }
            Some(Item::Value(Value::Array(binaries))) => {
                let tables = binaries.iter().filter_map(Value::as_inline_table);
                tables.map(|it| name_and_path(it)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether cargo looks for more binaries than the manifest lists.
    pub(crate) fn discovers_binaries(&self) -> bool {
        let package = self.root().get("package").and_then(Item::as_table_like);
        package.is_some_and(|package| {
            let found = package.get("autobins").and_then(Item::as_bool);
            found.unwrap_or(true)
        })
    }

    /// Whether this is the root of a workspace.
    pub(crate) fn is_workspace(&self) -> bool {
        self.root().contains_key("workspace")
    }

    /// The folder that `package.workspace` names.
    pub(crate) fn named_workspace(&self) -> Option<&str> {
        let package = self.root().get("package")?.as_table_like()?;
        package.get("workspace")?.as_str()
    }

    /// The paths that the workspace leaves out.
    pub(crate) fn excludes(&self) -> Vec<&str> {
        let workspace = self.root().get("workspace").and_then(Item::as_table_like);
        let exclude = workspace.and_then(|workspace| workspace.get("exclude")?.as_array());
        exclude
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The library's entry in `[workspace.dependencies]`, for members to inherit.
    pub(crate) fn workspace_source(&self) -> Option<DependencySource> {
        let workspace = self.root().get("workspace")?.as_table_like()?;
        let dependencies = workspace.get("dependencies")?.as_table_like()?;
        let (key, item) = dependencies
            .iter()
            .find(|(key, item)| is_library(key, item))?;
        let entry = item.as_table_like();
        let default = entry.and_then(|entry| entry.get("default-features"));
        let features = entry.and_then(|entry| entry.get("features")?.as_array());
        let has_feature = features.is_some_and(|features| {
            features
                .iter()
                .any(|feature| feature.as_str() == Some("actix"))
        });
        Some(DependencySource::Workspace {
            key: key.to_owned(),
            needs_feature: default.and_then(Item::as_bool) == Some(false) && !has_feature,
        })
    }

    /// Looks for the library among the normal dependencies. `inherited` is the key
    /// that the workspace knows it by, if it does.
    pub(crate) fn find(&self, inherited: Option<&str>) -> LibraryEntry {
        let Some((key, _)) = self.entry(inherited) else {
            return LibraryEntry::Absent;
        };
        match self.own_range() {
            Some(_) => LibraryEntry::Ours,
            None => LibraryEntry::Yours(key.to_owned()),
        }
    }

    /// Whether actix-web is among the normal dependencies.
    pub(crate) fn has_actix_web(&self) -> bool {
        self.dependencies().is_some_and(|found| {
            found
                .iter()
                .any(|(key, item)| package_of(key, item) == "actix-web")
        })
    }

    /// Whether the library comes from this source already, however that is written.
    pub(crate) fn has(&self, source: &DependencySource) -> bool {
        let line = source.line();
        let Ok(wanted) = Document::parse(line.as_str()) else {
            return false;
        };
        let value = |table: &dyn TableLike| {
            let entry = TomlValue::of_item(table.get(source.key())?);
            Some(entry.or_table_of("version"))
        };
        self.dependencies()
            .is_some_and(|found| value(found) == value(wanted.as_table()))
    }

    /// The file with the dependency in it.
    pub(crate) fn add(&self, source: &DependencySource) -> Result<Vec<u8>, Failure> {
        let file = self.raw.as_bytes();
        let eol = Eol::of(file);
        let entry = format!("{}{MARK}", source.line());
        let new = match self.root().get("dependencies") {
            None => {
                let header = format!("[dependencies]{MARK}");
                text::insert_lines(file, file.len(), &[header, entry], eol)
            }
            Some(Item::Table(table)) if !table.is_implicit() && !table.is_dotted() => {
                text::insert_lines(file, self.end_of_entries(table), &[entry], eol)
            }
            // There is no header to write below, and one would define the table twice.
            Some(Item::Table(_)) => {
                let header = format!("[dependencies.{}]{MARK}", source.key());
                let fields = source
                    .fields()
                    .into_iter()
                    .map(|field| format!("{field}{MARK}"));
                let lines: Vec<String> = [header].into_iter().chain(fields).collect();
                text::insert_lines(file, file.len(), &lines, eol)
            }
            Some(other) => {
                let line = other
                    .span()
                    .map_or(1, |span| text::line_number(file, span.start));
                return Err(Failure::conflict(format!(
                    "Cargo.toml line {line}: `dependencies` stands on one line, where nothing can be added that can be taken out again"
                ))
                .help(format!("write a table `[dependencies]`, or add by hand: {}", source.line())));
            }
        };
        self.verify(&new, source)?;
        Ok(new)
    }

    /// The file without what `add` put in; `None` where there is nothing of ours.
    pub(crate) fn remove(&self) -> Result<Option<DependencyRemoval>, Failure> {
        let Some(range) = self.own_range() else {
            return Ok(None);
        };
        let file = self.raw.as_bytes();
        let removed = self.raw[range.clone()].replace(MARK, "");
        let without = text::remove_lines(file, &[range], ending_before_end(file));
        Ok(Some(DependencyRemoval {
            text: Manifest::parse(&without)?.without_own_header(),
            removed: removed.trim().lines().collect::<Vec<_>>().join("; "),
        }))
    }

    fn root(&self) -> &Table {
        self.document.as_table()
    }

    fn dependencies(&self) -> Option<&dyn TableLike> {
        self.root().get("dependencies")?.as_table_like()
    }

    fn entry(&self, inherited: Option<&str>) -> Option<(&str, &Item)> {
        self.dependencies()?.iter().find(|(key, item)| {
            is_library(key, item) || (Some(*key) == inherited && is_inherited(item))
        })
    }

    /// The whole lines of our entry: a mark on somebody else's line makes it no library. Under
    /// what other name the workspace knows the library it may have forgotten since.
    fn own_range(&self) -> Option<Range<usize>> {
        let Some(Item::Table(dependencies)) = self.root().get("dependencies") else {
            return None;
        };
        let marked = |(key, item)| self.marked_range(dependencies, key, item);
        let mut entries = dependencies.iter();
        match entries.find(|(key, item)| is_library(key, item)) {
            Some(library) => marked(library),
            None => dependencies
                .iter()
                .filter(|(_, item)| is_inherited(item))
                .find_map(marked),
        }
    }

    /// The whole lines of an entry that carries our mark.
    fn marked_range(&self, dependencies: &Table, key: &str, item: &Item) -> Option<Range<usize>> {
        let range = self.entry_range(dependencies, key, item)?;
        let lines = text::whole_lines(self.raw.as_bytes(), &range);
        // A table is marked at its header, an entry on one line at its end.
        let marked = match item {
            Item::Table(table) if !table.is_dotted() => self.line_at(lines.start),
            _ => self.raw[lines.clone()].trim_end(),
        };
        marked.ends_with(MARK).then_some(lines)
    }

    fn entry_range(&self, table: &Table, key: &str, item: &Item) -> Option<Range<usize>> {
        let own = item.span()?;
        let start = match item {
            Item::Table(table) if !table.is_dotted() => own.start,
            _ => table.key(key)?.span()?.start,
        };
        Some(start..end_of(item)?)
    }

    fn line_at(&self, at: usize) -> &str {
        self.raw[at..text::line_end(self.raw.as_bytes(), at)].trim_end()
    }

    /// Behind the last entry that stands below the table's own header.
    fn end_of_entries(&self, table: &Table) -> usize {
        let header = table.span().map_or(0, |span| span.end);
        let below_header = |item: &&Item| !matches!(item, Item::Table(t) if !t.is_dotted());
        let entries = table.iter().map(|(_, item)| item).filter(below_header);
        let last = entries.filter_map(end_of).max().unwrap_or(0);
        text::line_end(self.raw.as_bytes(), last.max(header))
    }

    /// Takes out a header that is ours; where somebody wrote entries below it, only
    /// its mark.
    fn without_own_header(&self) -> Vec<u8> {
        let file = self.raw.as_bytes();
        let header = match self.root().get("dependencies") {
            Some(Item::Table(table)) if !table.is_implicit() && !table.is_dotted() => table,
            _ => return file.to_vec(),
        };
        let Some(range) = header.span().map(|span| text::whole_lines(file, &span)) else {
            return file.to_vec();
        };
        let line = self.line_at(range.start);
        let Some(unmarked) = line.strip_suffix(MARK) else {
            return file.to_vec();
        };
        if self.end_of_entries(header) > range.end {
            let end = range.start + line.len();
            return [&file[..range.start], unmarked.as_bytes(), &file[end..]].concat();
        }
        text::remove_lines(file, &[range], ending_before_end(file))
    }

    /// Reads the planned manifest: it must say what it said, and the new entry, and that must
    /// come out again to the byte.
    fn verify(&self, new: &[u8], source: &DependencySource) -> Result<(), Failure> {
        let by_hand = || {
            Failure::conflict(format!(
                "Cargo.toml: found no place for the dependency {PACKAGE}"
            ))
            .help(format!(
                "add it to [dependencies] by hand: {}",
                source.line()
            ))
        };
        let planned = Manifest::parse(new).map_err(|_| by_hand())?;
        let is_there = planned.find(Some(source.key())) == LibraryEntry::Ours;
        let comes_out = planned
            .remove()?
            .is_some_and(|out| out.text == self.without_own_header());
        let rest = |manifest: &Manifest<'_>| {
            TomlValue::of_table(manifest.root()).without("dependencies", source.key())
        };
        if is_there && comes_out && rest(self) == rest(&planned) {
            Ok(())
        } else {
            Err(by_hand())
        }
    }
}

fn name_and_path(target: &dyn TableLike) -> (Option<&str>, Option<&str>) {
    let text = |key| target.get(key).and_then(Item::as_str);
    (text("name"), text("path"))
}

fn is_library(key: &str, item: &Item) -> bool {
    package_of(key, item) == PACKAGE
}

/// The package that an entry stands for, which may have another name than its key.
fn package_of<'a>(key: &'a str, item: &'a Item) -> &'a str {
    let package = item.as_table_like().and_then(|entry| entry.get("package"));
    package.and_then(Item::as_str).unwrap_or(key)
}

fn is_inherited(item: &Item) -> bool {
    let inherits = item
        .as_table_like()
        .and_then(|entry| entry.get("workspace"));
    inherits.and_then(Item::as_bool) == Some(true)
}

/// Where an item's last value ends.
fn end_of(item: &Item) -> Option<usize> {
    let own = item.span().map(|span| span.end);
    let Item::Table(table) = item else {
        return own;
    };
    table
        .iter()
        .filter_map(|(_, item)| end_of(item))
        .chain(own)
        .max()
}

/// The ending of the last complete line: where our lines end the text without a
/// newline of their own, it is the one that they were put in with.
fn ending_before_end(file: &[u8]) -> Eol {
    let last = file.iter().rposition(|byte| *byte == b'\n');
    match last {
        Some(at) if file[..at].ends_with(b"\r") => Eol::CrLf,
        _ => Eol::Lf,
    }
}

#[cfg(test)]
mod tests;
