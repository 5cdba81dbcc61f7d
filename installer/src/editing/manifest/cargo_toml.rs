//! Reads the app's `Cargo.toml`.

use serde_json::{Value, json};
use toml_edit::{Document, Table, de};

use super::dependency::{DependencySource, LIBRARY_PACKAGE};
use crate::editing::text;
use crate::exit::Failure;

/// A manifest that parses.
pub(crate) struct Manifest<'a> {
    pub(super) raw: &'a str,
    /// Where in the text the entries are.
    document: Document<&'a str>,
    /// What the entries say, however they are written.
    pub(super) values: Value,
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
        let values = de::from_str(raw).map_err(|error| invalid(1, error.message()))?;
        Ok(Self {
            raw,
            document,
            values,
        })
    }

    /// The package's name; `None` for a workspace without its own package.
    pub(crate) fn package_name(&self) -> Option<&str> {
        self.values["package"]["name"].as_str()
    }

    /// The paths of the binaries that the manifest lists with one.
    pub(crate) fn binary_paths(&self) -> impl Iterator<Item = &str> {
        self.binaries().filter_map(|binary| binary["path"].as_str())
    }

    /// Whether cargo builds a binary of this name from the source file where it looks for one.
    pub(crate) fn builds_binary(&self, name: &str) -> bool {
        let is_listed = |binary: &Value| binary["name"] == name && binary["path"].is_null();
        self.values["package"]["autobins"] != false || self.binaries().any(is_listed)
    }

    fn binaries(&self) -> impl Iterator<Item = &Value> {
        self.values["bin"].as_array().into_iter().flatten()
    }

    /// Whether this is the root of a workspace.
    pub(crate) fn is_workspace(&self) -> bool {
        self.values["workspace"].is_object()
    }

    /// The folder in `package.workspace`.
    pub(crate) fn workspace_path(&self) -> Option<&str> {
        self.values["package"]["workspace"].as_str()
    }

    /// The paths in `workspace.exclude`.
    pub(crate) fn excludes(&self) -> impl Iterator<Item = &str> {
        let exclude = self.values["workspace"]["exclude"].as_array();
        exclude.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The library's entry in `[workspace.dependencies]`, for members to inherit.
    pub(crate) fn workspace_source(&self) -> Option<DependencySource> {
        let mut dependencies = entries(&self.values["workspace"]["dependencies"]);
        let (key, entry) = dependencies.find(|(key, entry)| is_library(key, entry))?;
        Some(DependencySource::Workspace {
            key: key.to_owned(),
            needs_feature: entry["default-features"] == false && !has_feature(entry),
        })
    }

    /// Whether the dependency with this key lacks the feature `actix`, to which the routes belong.
    /// `inherited` is the dependency in the workspace.
    pub(crate) fn lacks_feature(&self, key: &str, inherited: Option<&DependencySource>) -> bool {
        let entry = &self.values["dependencies"][key];
        let has_no_defaults = match inherited {
            Some(DependencySource::Workspace { needs_feature, .. }) if is_inherited(entry) => {
                *needs_feature
            }
            _ => entry["default-features"] == false,
        };
        has_no_defaults && !has_feature(entry)
    }

    /// Whether actix-web is among the normal dependencies.
    pub(crate) fn has_actix_web(&self) -> bool {
        entries(&self.values["dependencies"])
            .any(|(key, entry)| package_of(key, entry) == "actix-web")
    }

    /// Whether the library already comes from this source, however the entry is written.
    pub(crate) fn has_source(&self, source: &DependencySource) -> bool {
        let entry = &self.values["dependencies"][source.key()];
        let version = json!({ "version": entry });
        let table = if entry.is_string() { &version } else { entry };
        de::from_str(&source.fields().join("\n")).is_ok_and(|wanted: Value| *table == wanted)
    }

    /// The library's key among the normal dependencies. `inherited` is the key of the
    /// library in the workspace, if the workspace has it.
    pub(super) fn library_key(&self, inherited: Option<&str>) -> Option<&str> {
        let mut dependencies = entries(&self.values["dependencies"]);
        let library = dependencies.find(|(key, entry)| {
            is_library(key, entry) || (Some(*key) == inherited && is_inherited(entry))
        });
        library.map(|(key, _)| key)
    }

    pub(super) fn root(&self) -> &Table {
        self.document.as_table()
    }
}

/// The entries of a table; none if the value is not a table.
fn entries(table: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = table.as_object().into_iter().flatten();
    entries.map(|(key, entry)| (key.as_str(), entry))
}

pub(super) fn is_library(key: &str, entry: &Value) -> bool {
    package_of(key, entry) == LIBRARY_PACKAGE
}

/// The entry's package, which may have another name than its key.
fn package_of<'a>(key: &'a str, entry: &'a Value) -> &'a str {
    entry["package"].as_str().unwrap_or(key)
}

fn has_feature(entry: &Value) -> bool {
    let features = entry["features"].as_array().into_iter().flatten();
    // The default features include it.
    features
        .into_iter()
        .any(|feature| *feature == "actix" || *feature == "default")
}

pub(super) fn is_inherited(entry: &Value) -> bool {
    entry["workspace"] == true
}
