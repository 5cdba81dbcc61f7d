//! The dependency in the app's `Cargo.toml`.
//!
//! A parser that writes its document back normalises what it does not model: line
//! endings, a byte order mark, a missing final newline. So the parser only says
//! where, one line is spliced into the raw text, and the result is parsed again
//! and compared before anybody writes it.

use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, Value};

use crate::dependency::{PACKAGE, Source};
use crate::exit::Failure;
use crate::meaning::Meaning;
use crate::text::{self, Eol};

/// Ends each line that `install` wrote; cargo keeps it when it edits the file.
const MARK: &str = " # added by sse install";

/// What `[dependencies]` has of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Absent,
    /// A line that carries our mark.
    Ours,
    /// An entry that the app's owner wrote, under this key.
    Yours(String),
}

/// What taking the dependency out leaves.
#[derive(Debug)]
pub(crate) struct Removal {
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
    pub(crate) fn workspace_source(&self) -> Option<Source> {
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
        Some(Source::Workspace {
            key: key.to_owned(),
            needs_feature: default.and_then(Item::as_bool) == Some(false) && !has_feature,
        })
    }

    /// Looks for the library among the normal dependencies. `inherited` is the key
    /// that the workspace knows it by, if it does.
    pub(crate) fn find(&self, inherited: Option<&str>) -> Found {
        let Some((key, _)) = self.entry(inherited) else {
            return Found::Absent;
        };
        match self.own_range() {
            Some(_) => Found::Ours,
            None => Found::Yours(key.to_owned()),
        }
    }

    /// Whether the library comes from this source already, however that is written.
    pub(crate) fn has(&self, source: &Source) -> bool {
        let line = source.line();
        let Ok(wanted) = Document::parse(line.as_str()) else {
            return false;
        };
        let meaning = |table: &dyn TableLike| table.get(source.key()).map(Meaning::of_item);
        self.dependencies()
            .is_some_and(|found| meaning(found) == meaning(wanted.as_table()))
    }

    /// The file with the dependency in it.
    pub(crate) fn add(&self, source: &Source) -> Result<Vec<u8>, Failure> {
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
    pub(crate) fn remove(&self) -> Result<Option<Removal>, Failure> {
        let Some(range) = self.own_range() else {
            return Ok(None);
        };
        let file = self.raw.as_bytes();
        let removed = self.raw[range.clone()].replace(MARK, "");
        let without = text::remove_lines(file, &[range], ending_before_end(file));
        Ok(Some(Removal {
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

    /// The whole lines of the marked entry.
    fn own_range(&self) -> Option<Range<usize>> {
        let Some(Item::Table(dependencies)) = self.root().get("dependencies") else {
            return None;
        };
        let mut ranges = dependencies.iter().filter_map(|(key, item)| {
            let range = self.entry_range(dependencies, key, item)?;
            let lines = text::whole_lines(self.raw.as_bytes(), &range);
            // A table is marked at its header, an entry on one line at its end.
            let marked = match item {
                Item::Table(table) if !table.is_dotted() => self.line_at(lines.start),
                _ => self.raw[lines.clone()].trim_end(),
            };
            marked.ends_with(MARK).then_some(lines)
        });
        ranges.next()
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

    /// Reads the planned manifest: it must say what it said, and the new entry.
    fn verify(&self, new: &[u8], source: &Source) -> Result<(), Failure> {
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
        let is_there = planned.find(Some(source.key())) == Found::Ours;
        let rest = |manifest: &Manifest<'_>| {
            Meaning::of_table(manifest.root()).without("dependencies", source.key())
        };
        if is_there && rest(self) == rest(&planned) {
            Ok(())
        } else {
            Err(by_hand())
        }
    }
}

fn is_library(key: &str, item: &Item) -> bool {
    let package = item.as_table_like().and_then(|entry| entry.get("package"));
    package.and_then(Item::as_str).unwrap_or(key) == PACKAGE
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
mod tests {
    use super::*;

    const PACKAGE_TABLE: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n";

    fn sources() -> [Source; 4] {
        let workspace = |needs_feature| Source::Workspace {
            key: PACKAGE.to_owned(),
            needs_feature,
        };
        [
            Source::Path("/some where/\u{e9}\"\\x".to_owned()),
            Source::Version("0.1.0".to_owned()),
            workspace(false),
            workspace(true),
        ]
    }

    fn add(file: &str, source: &Source) -> Result<Vec<u8>, Failure> {
        Manifest::parse(file.as_bytes())?.add(source)
    }

    fn remove(file: &[u8]) -> Option<Removal> {
        let manifest = Manifest::parse(file).unwrap_or_else(|failure| panic!("{failure}"));
        manifest
            .remove()
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn find(file: &str) -> Found {
        Manifest::parse(file.as_bytes())
            .expect("it parses")
            .find(Some("inherited"))
    }

    #[test]
    fn a_source_is_recognised_however_it_is_written() {
        let path = Source::Path("/lib".to_owned());
        let has = |file: &str| {
            Manifest::parse(file.as_bytes())
                .expect("it parses")
                .has(&path)
        };
        assert!(has("[dependencies]\nactix-web-sse = { path = \"/lib\" }\n"));
        assert!(has("[dependencies.actix-web-sse]\npath = '/lib'\n"));
        assert!(!has(
            "[dependencies]\nactix-web-sse = { path = \"/other\" }\n"
        ));
        assert!(!has("[dependencies]\n") && !has(PACKAGE_TABLE));
    }

    fn nasty() -> Vec<String> {
        let bodies = [
            "",
            "[dependencies]",
            "[dependencies]\n",
            "[dependencies] # mine\n\n# nothing yet\n\n",
            "[dependencies]\nserde = \"1\"",
            "[dependencies]\nserde = \"1\" # why\n# the end",
            "[dependencies]\nserde = \"1\"\n\n[profile.release]\nlto = true\n",
            "[dependencies]\nserde = { version = \"1\", features = [\n  \"derive\", # x\n] }\n\n[[bin]]\nname = \"a\"\npath = \"a\"\n",
            "[dependencies]\nserde.version = \"1\"\nserde.features = [\"derive\"]\n",
            "[dependencies]\nserde = \"1\"\n[dependencies.log]\nversion = \"1\"\n",
            "[dependencies.log]\nversion = \"1\"\n",
            "[dependencies.log]\nversion = \"1\"",
            "[dependencies.log]\nversion = \"1\"\n[dependencies]\nserde = \"1\"\n",
            "[dev-dependencies]\nactix-web-sse = \"1\"\n[target.'cfg(unix)'.dependencies]\nactix-web-sse = \"1\"\n",
            "[ dependencies ]\nserde = '''\n1 # added by sse install\n'''\n",
            "[workspace]\nmembers = [\"a\"]\n",
            "[dependencies]\n\n\n\n",
        ];
        let mut files: Vec<String> = bodies
            .iter()
            .map(|body| format!("{PACKAGE_TABLE}{body}"))
            .collect();
        files.push(format!("dependencies.serde = \"1\"\n{PACKAGE_TABLE}"));
        files.push("[package]\nname = \"app\"".to_owned());
        let crlf: Vec<String> = files
            .iter()
            .map(|file| file.replace('\n', "\r\n"))
            .collect();
        files.extend(crlf);
        let marked: Vec<String> = files.iter().map(|file| format!("\u{feff}{file}")).collect();
        files.extend(marked);
        files.push(format!("[dependencies]\r\nserde = \"1\"\n{PACKAGE_TABLE}"));
        files
    }

    #[test]
    fn remove_gives_back_every_byte() {
        for file in nasty() {
            for source in sources() {
                let with =
                    add(&file, &source).unwrap_or_else(|failure| panic!("{file:?}: {failure}"));
                assert_ne!(with, file.as_bytes());
                let removal = remove(&with).expect("ours is there");
                assert_eq!(
                    String::from_utf8_lossy(&removal.text),
                    file,
                    "{source:?} {}",
                    String::from_utf8_lossy(&with)
                );
            }
        }
    }

    #[test]
    fn what_was_added_is_what_cargo_will_read() {
        let with = add(PACKAGE_TABLE, &sources()[0]).expect("there is room");
        let text = String::from_utf8(with).expect("it is text");
        let document = Document::parse(text.as_str()).expect("it parses");
        let path = document.as_table()["dependencies"][PACKAGE]["path"].as_str();
        assert_eq!(path, Some("/some where/\u{e9}\"\\x"));
    }

    #[test]
    fn an_entry_goes_below_the_last_one() {
        let file = "[dependencies]\na = \"1\"\n\n[lints]\nworkspace = true\n";
        let with = add(file, &Source::Version("0.1.0".to_owned())).expect("there is room");
        assert_eq!(
            String::from_utf8_lossy(&with),
            "[dependencies]\na = \"1\"\nactix-web-sse = \"0.1.0\" # added by sse install\n\n[lints]\nworkspace = true\n"
        );
    }

    #[test]
    fn an_entry_is_found_in_every_form() {
        for (body, found) in [
            ("actix-web-sse = \"1\"", Found::Yours(PACKAGE.to_owned())),
            (
                "sse = { package = \"actix-web-sse\", version = \"1\" }",
                Found::Yours("sse".to_owned()),
            ),
            (
                "actix-web-sse.workspace = true",
                Found::Yours(PACKAGE.to_owned()),
            ),
            (
                "inherited = { workspace = true }",
                Found::Yours("inherited".to_owned()),
            ),
            ("actix-web-sse = \"1\" # added by sse install", Found::Ours),
            (
                "actix-web-sse = { package = \"other\", version = \"1\" }",
                Found::Absent,
            ),
            ("inherited = \"1\"", Found::Absent),
        ] {
            assert_eq!(find(&format!("[dependencies]\n{body}\n")), found, "{body}");
        }
        let table = "[dependencies.actix-web-sse]\nversion = \"1\"\n";
        assert_eq!(find(table), Found::Yours(PACKAGE.to_owned()));
        assert_eq!(
            find("[dev-dependencies]\nactix-web-sse = \"1\"\n"),
            Found::Absent
        );
        assert_eq!(
            find("[build-dependencies]\nactix-web-sse = \"1\"\n"),
            Found::Absent
        );
    }

    #[test]
    fn a_table_on_one_line_is_refused_with_the_line_to_write() {
        let file = format!("dependencies = {{ serde = \"1\" }}\n{PACKAGE_TABLE}");
        let failure = add(&file, &sources()[1]).expect_err("nothing can be added");
        assert_eq!(failure.code(), crate::exit::CONFLICT);
        assert!(
            failure.to_string().contains("actix-web-sse = \"0.1.0\""),
            "{failure}"
        );
    }

    #[test]
    fn a_broken_manifest_is_refused_by_its_line() {
        let failure = add("[package]\nname = \n", &sources()[1]).expect_err("no TOML");
        assert_eq!(failure.code(), crate::exit::CONFLICT);
        assert!(failure.to_string().contains("line 2"), "{failure}");
    }

    #[test]
    fn entries_written_below_our_header_keep_a_header() {
        let with = add(PACKAGE_TABLE, &sources()[1]).expect("there is room");
        let with = [with.as_slice(), b"serde = \"1\"\n"].concat();
        let removal = remove(&with).expect("ours is there");
        let left = String::from_utf8_lossy(&removal.text).into_owned();
        assert_eq!(
            left,
            format!("{PACKAGE_TABLE}[dependencies]\nserde = \"1\"\n")
        );
        assert_eq!(removal.removed, "actix-web-sse = \"0.1.0\"");
    }

    #[test]
    fn an_edited_line_is_still_ours_by_its_mark() {
        let file = "[dependencies]\nactix-web-sse = { version = \"9\",\n features = [] } # added by sse install\n";
        assert_eq!(find(file), Found::Ours);
        let removal = remove(file.as_bytes()).expect("ours is there");
        assert_eq!(removal.text, b"[dependencies]\n");
    }

    #[test]
    fn the_entry_of_the_workspace_is_inherited() {
        let source = |text: &str| {
            Manifest::parse(text.as_bytes())
                .expect("it parses")
                .workspace_source()
        };
        let inherit = |key: &str, needs_feature| {
            Some(Source::Workspace {
                key: key.to_owned(),
                needs_feature,
            })
        };
        assert_eq!(
            source("[workspace.dependencies]\nactix-web-sse = \"1\"\n"),
            inherit(PACKAGE, false)
        );
        assert_eq!(
            source(
                "[workspace.dependencies]\nsse = { package = \"actix-web-sse\", path = \"x\", default-features = false }\n"
            ),
            inherit("sse", true)
        );
        assert_eq!(source("[workspace.dependencies]\nserde = \"1\"\n"), None);
    }

    #[test]
    fn random_manifests_are_restored_or_refused() {
        const LINES: &[&str] = &[
            "[package]",
            "name = \"app\"",
            "[dependencies]",
            "[ dependencies ] # x",
            "serde = \"1\"",
            "log = { version = \"1\", features = [\n\"std\", # x\n] } # y",
            "rand.version = \"1\"",
            "[dependencies.tokio]",
            "version = \"1\"",
            "dependencies.time = \"1\"",
            "# a comment",
            "",
            "[features]",
            "text = '''\n[dependencies]\n'''",
            "[dev-dependencies]",
            "[[bin]]",
            "dependencies = { a = \"1\" }",
            "[dependencies.'odd # name']",
            "\t[lints]",
        ];
        let mut random = text::tests::Random(1);
        let (mut restored, mut refused) = (0, 0);
        for round in 0..20_000 {
            let ends = ["\n", "\r\n"];
            let mut file = String::from(if random.below(8) == 0 { "\u{feff}" } else { "" });
            for _ in 0..random.below(9) {
                file.push_str(LINES[random.below(LINES.len())]);
                file.push_str(
                    ends[if random.below(8) == 0 {
                        random.below(2)
                    } else {
                        round % 2
                    }],
                );
            }
            if random.below(3) == 0 {
                file.truncate(file.trim_end_matches(['\r', '\n']).len());
            }
            let Ok(with) = add(&file, &sources()[round % 4]) else {
                refused += 1;
                continue;
            };
            let removal = remove(&with).expect("ours is there");
            assert_eq!(String::from_utf8_lossy(&removal.text), file);
            restored += 1;
        }
        assert!(
            restored > 1_000 && refused > 1_000,
            "{restored} restored, {refused} refused"
        );
    }
}
