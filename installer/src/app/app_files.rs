//! An app's files as they are before a command changes anything.

use std::path::{Path, PathBuf};

use actix_web_sse::cli_support::settings;

use super::cache_location::CacheLocation;
use super::{folder, workspace};
use crate::cli::ChangeArgs;
use crate::editing::env::block::EnvState;
use crate::editing::env::values;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::plan::{self, OriginalFile};
use crate::editing::receipt::Receipt;
use crate::editing::rust::app_code::AppCode;
use crate::editing::scripts::{self, Script, ScriptState};
use crate::exit::Failure;

/// The files that `install` may change, and what each shows about the installation.
pub(crate) struct AppFiles {
    pub(crate) app: PathBuf,
    pub(crate) manifest: OriginalFile,
    pub(crate) dependency: LibraryEntry,
    /// Whether the owner's dependency lacks the feature that `routes` needs.
    pub(crate) lacks_feature: bool,
    /// The dependency that the app can inherit from its workspace.
    pub(crate) inherited: Option<DependencySource>,
    pub(crate) env: OriginalFile,
    pub(crate) env_state: EnvState,
    /// The names of the app's events, as `.env` has them or will have them.
    pub(crate) events: Vec<String>,
    pub(crate) scripts: Vec<ScriptFile>,
    pub(crate) code: AppCode,
    pub(crate) cache: CacheLocation,
    pub(crate) has_actix_web: bool,
}

/// A script that this version ships, and the file at its path in the app.
pub(crate) struct ScriptFile {
    pub(crate) shipped: Script,
    pub(crate) file: OriginalFile,
    pub(crate) state: ScriptState,
    /// Whether `install` wrote the file, as far as is known.
    pub(crate) is_by_install: bool,
}

impl AppFiles {
    /// Reads the app's files for a command that may change them. Unless it only shows the change, it first
    /// cleans up after a run that was killed. `default_events` is the value of `SSE_EVENTS` if it is not set.
    pub(crate) fn open(
        app: &Path,
        default_events: &str,
        args: &ChangeArgs,
    ) -> Result<Self, Failure> {
        if args.is_preview() {
            return Self::read(app, default_events);
        }
        let files = ["Cargo.toml", ".env"].map(str::to_owned);
        let scripts = scripts::shipped(&[]).map(|script| script.path);
        plan::recover(app, files.into_iter().chain(scripts))?;
        // Manifest and receipt are complete now, and name the source files.
        Self::read_each(app, default_events, |manifest, receipt| {
            plan::recover(app, AppCode::source_names(app, manifest, receipt)?)
        })
    }

    /// Reads the app's files. `default_events` is the value of `SSE_EVENTS` if it is not set.
    pub(crate) fn read(app: &Path, default_events: &str) -> Result<Self, Failure> {
        Self::read_each(app, default_events, |_, _| Ok(()))
    }

    /// Reads each file once. `before_code` is called before the source files are read.
    fn read_each(
        app: &Path,
        default_events: &str,
        before_code: impl FnOnce(&Manifest<'_>, &Receipt) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let manifest_file = OriginalFile::read(app, "Cargo.toml")?;
        let manifest = read_manifest(app, &manifest_file)?;
        let env = OriginalFile::read(app, ".env")?;
        let env_state = EnvState::new(env.contents().unwrap_or_default())?;
        before_code(&manifest, &env_state.receipt)?;

        let inherited = workspace::inherited_dependency(app, &manifest);
        let dependency = manifest.library_entry(inherited.as_ref().map(DependencySource::key));

        // `.env` is often not in version control, so a fresh clone lacks its receipt. There
        // the marked dependency proves that `install` ran.
        let is_known_by_dependency =
            !env_state.has_block() && dependency == LibraryEntry::ByInstall;

        let events = env_state.value(settings::events.name);
        // `install` and `status` warn of an invalid value.
        let events = values::event_names(events.unwrap_or(default_events)).unwrap_or_default();
        let scripts = read_scripts(app, &events, &env_state.receipt, is_known_by_dependency)?;
        let code = AppCode::read(
            app,
            &manifest,
            &env_state.receipt,
            &dependency,
            is_known_by_dependency,
        )?;
        Ok(Self {
            app: app.to_owned(),
            has_actix_web: manifest.has_actix_web(),
            lacks_feature: matches!(&dependency, LibraryEntry::ByOwner(key) if manifest.lacks_feature(key, inherited.as_ref())),
            cache: CacheLocation::new(app, env_state.value(settings::cache_dir.name)),
            manifest: manifest_file,
            dependency,
            inherited,
            env,
            env_state,
            events,
            scripts,
            code,
        })
    }

    /// Whether `install` should write this script. An app that serves its own scripts gets none,
    /// but its types, if they exist, are kept up to date.
    pub(crate) fn needs_script(&self, script: &Script) -> bool {
        !self.serves_its_own_scripts() || (script.is_types() && self.has_types())
    }

    fn has_types(&self) -> bool {
        let mut types = self
            .scripts
            .iter()
            .filter(|script| script.shipped.is_types());
        types.any(|script| script.state != ScriptState::Missing)
    }

    /// Whether the app has listeners and its own code serves the scripts they need, as in an app
    /// made from the template.
    pub(crate) fn serves_its_own_scripts(&self) -> bool {
        let listeners = self
            .scripts
            .iter()
            .find(|script| script.shipped.belongs_to_owner());
        matches!(self.dependency, LibraryEntry::ByOwner(_))
            && self.code.serves_scripts()
            && listeners
                .is_some_and(|script| !script.is_by_install && script.state != ScriptState::Missing)
    }

    /// What `install` created, according to the block in `.env`.
    pub(crate) fn receipt(&self) -> &Receipt {
        &self.env_state.receipt
    }
}

/// Reads the files at the paths of all scripts. `is_by_install` means that `install` wrote them, even
/// if no receipt lists them.
fn read_scripts(
    app: &Path,
    events: &[String],
    receipt: &Receipt,
    is_by_install: bool,
) -> Result<Vec<ScriptFile>, Failure> {
    let scripts = scripts::shipped(events).map(|shipped| {
        let file = OriginalFile::read(app, &shipped.path)?;
        Ok(ScriptFile {
            state: shipped.state(file.contents(), receipt),
            is_by_install: is_by_install || receipt.has(&shipped.path),
            shipped,
            file,
        })
    });
    scripts.collect()
}

fn read_manifest<'a>(app: &Path, file: &'a OriginalFile) -> Result<Manifest<'a>, Failure> {
    let contents = file.contents().ok_or_else(|| folder::no_manifest(app))?;
    let manifest = Manifest::parse(contents)?;
    if manifest.package_name().is_some() {
        return Ok(manifest);
    }
    Err(workspace::bare_root(app))
}
