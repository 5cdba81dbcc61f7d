//! What only a Rust app has: its manifest, the dependency in it, and its code.

use std::path::Path;

use super::workspace;
use crate::editing::env::block::EnvState;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::plan::OriginalFile;
use crate::editing::rust::app_code::AppCode;
use crate::exit::Failure;

pub(crate) struct RustApp {
    pub(crate) manifest: OriginalFile,
    pub(crate) dependency: LibraryEntry,
    /// Whether the owner's dependency lacks the feature that `routes` needs.
    pub(crate) lacks_feature: bool,
    /// The dependency that the app can inherit from its workspace.
    pub(crate) inherited: Option<DependencySource>,
    pub(crate) code: AppCode,
    pub(crate) has_actix_web: bool,
    /// Whether the dependency alone shows that `install` ran. `.env` is often not in version control, so a fresh
    /// clone lacks its receipt.
    pub(crate) is_known_by_dependency: bool,
}

impl RustApp {
    pub(crate) fn read(app: &Path, file: OriginalFile, env: &EnvState) -> Result<Self, Failure> {
        let manifest = parse(app, &file)?;
        let inherited = workspace::inherited_dependency(app, &manifest);
        let dependency = manifest.library_entry(inherited.as_ref().map(DependencySource::key));
        let is_known_by_dependency = !env.has_block() && dependency == LibraryEntry::ByInstall;
        let receipt = &env.receipt;
        let code = AppCode::read(app, &manifest, receipt, &dependency, is_known_by_dependency)?;
        Ok(Self {
            has_actix_web: manifest.has_actix_web(),
            lacks_feature: matches!(&dependency, LibraryEntry::ByOwner(key) if manifest.lacks_feature(key, inherited.as_ref())),
            manifest: file,
            dependency,
            inherited,
            code,
            is_known_by_dependency,
        })
    }

    /// The names of the source files that a command may change.
    pub(crate) fn source_names(
        app: &Path,
        file: &OriginalFile,
        env: &EnvState,
    ) -> Result<Vec<String>, Failure> {
        AppCode::source_names(app, &parse(app, file)?, &env.receipt)
    }
}

fn parse<'a>(app: &Path, file: &'a OriginalFile) -> Result<Manifest<'a>, Failure> {
    let manifest = Manifest::parse(file.contents().unwrap_or_default())?;
    if manifest.package_name().is_some() {
        return Ok(manifest);
    }
    Err(workspace::bare_root(app))
}
