//! Reads the app's `Cargo.toml`.

use toml_edit::{Document, Item, Table, TableLike, Value};

use super::dependency::{DependencySource, LIBRARY_PACKAGE};
use super::toml_values::TomlValues;
use crate::editing::text;
use crate::exit::Failure;

/// A manifest that parses.
pub(crate) struct Manifest<'a> {
    pub(super) raw: &'a str,
    document: Document<&'a str>,
}

impl<'a> Manifest<'a> {
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, Failure> {
        let invalid = |line: usize, why: &str| {
            Failure::conflict(format!("Cargo.toml line {line}: {why}")).with_help(
                "fix the file, then run the command again; `cargo metadata` gives more details",
            )
        };
        let raw = str::from_utf8(file).map_err(|error| {
            let line = text::line_number(file, error.valid_up_to());
            invalid(line, "this is not valid UTF-8")
        })?;
        let document = Document::parse(raw).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(file.len()));
            invalid(text::line_number(file, at), error.message())
        })?;
        Ok(Self { raw, document })
    }

    /// The package's name; `None` for a workspace without its own package.
    pub(crate) fn package_name(&self) -> Option<&str> {
        let package = self.root().get("package")?.as_table_like()?;
        package.get("name")?.as_str()
    }

    /// Name and path of each binary that the manifest lists.
    pub(crate) fn binaries(&self) -> Vec<(Option<&str>, Option<&str>)> {
        match self.root().get("bin") {
            Some(Item::ArrayOfTables(binaries)) => binaries
                .iter()
                .map(|binary| name_and_path(binary))
                .collect(),
            Some(Item::Value(Value::Array(binaries))) => {
                let tables = binaries.iter().filter_map(Value::as_inline_table);
                tables.map(|binary| name_and_path(binary)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether cargo discovers binaries that the manifest does not list.
    pub(crate) fn discovers_binaries(&self) -> bool {
        let package = self.root().get("package").and_then(Item::as_table_like);
        package.is_some_and(|package| {
            let autobins = package.get("autobins").and_then(Item::as_bool);
            autobins.unwrap_or(true)
        })
    }

    /// Whether this is the root of a workspace.
    pub(crate) fn is_workspace(&self) -> bool {
        self.root().contains_key("workspace")
    }

    /// The folder in `package.workspace`.
    pub(crate) fn workspace_path(&self) -> Option<&str> {
        let package = self.root().get("package")?.as_table_like()?;
        package.get("workspace")?.as_str()
    }

    /// The paths in `workspace.exclude`.
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
        let default_features = entry.and_then(|entry| entry.get("default-features"));
        let features = entry.and_then(|entry| entry.get("features")?.as_array());
        let has_feature = features.is_some_and(|features| {
            features
                .iter()
                .any(|feature| feature.as_str() == Some("actix"))
        });
        let has_default_features = default_features.and_then(Item::as_bool) != Some(false);
        Some(DependencySource::Workspace {
            key: key.to_owned(),
            needs_feature: !has_default_features && !has_feature,
        })
    }

    /// Whether actix-web is among the normal dependencies.
    pub(crate) fn has_actix_web(&self) -> bool {
        self.dependencies().is_some_and(|dependencies| {
            dependencies
                .iter()
                .any(|(key, item)| package_of(key, item) == "actix-web")
        })
    }

    /// Whether the library already comes from this source, however the entry is written.
    pub(crate) fn has_source(&self, source: &DependencySource) -> bool {
        let line = source.line();
        let Ok(wanted) = Document::parse(line.as_str()) else {
            return false;
        };
        let entry = |table: &dyn TableLike| {
            let item = table.get(source.key())?;
            Some(TomlValues::from_dependency(item))
        };
        self.dependencies()
            .is_some_and(|dependencies| entry(dependencies) == entry(wanted.as_table()))
    }

    pub(super) fn root(&self) -> &Table {
        self.document.as_table()
    }

    /// The library's entry among the normal dependencies. `inherited` is the key of the
    /// library in the workspace, if the workspace has it.
    pub(super) fn library_item(&self, inherited: Option<&str>) -> Option<(&str, &Item)> {
        self.dependencies()?.iter().find(|(key, item)| {
            is_library(key, item) || (Some(*key) == inherited && is_inherited(item))
        })
    }

    fn dependencies(&self) -> Option<&dyn TableLike> {
        self.root().get("dependencies")?.as_table_like()
    }
}

fn name_and_path(target: &dyn TableLike) -> (Option<&str>, Option<&str>) {
    let text = |key| target.get(key).and_then(Item::as_str);
    (text("name"), text("path"))
}

pub(super) fn is_library(key: &str, item: &Item) -> bool {
    package_of(key, item) == LIBRARY_PACKAGE
}

/// The entry's package, which may have another name than its key.
fn package_of<'a>(key: &'a str, item: &'a Item) -> &'a str {
    let package = item.as_table_like().and_then(|entry| entry.get("package"));
    package.and_then(Item::as_str).unwrap_or(key)
}

pub(super) fn is_inherited(item: &Item) -> bool {
    let inherits = item
        .as_table_like()
        .and_then(|entry| entry.get("workspace"));
    inherits.and_then(Item::as_bool) == Some(true)
}
