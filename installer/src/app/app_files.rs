//! An app's files as they are before a command changes anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cache_location::CacheLocation;
use super::{folder, workspace};
use crate::editing::env::block::{self, EnvState};
use crate::editing::env::dotenv;
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
    /// The dependency that the app can inherit from its workspace.
    pub(crate) inherited: Option<DependencySource>,
    pub(crate) env: OriginalFile,
    pub(crate) env_state: EnvState,
    /// The names of the app's events, as `.env` has them or will have them.
    pub(crate) events: Vec<String>,
    pub(crate) scripts: Vec<ScriptFile>,
    pub(crate) code: AppCode,
    pub(crate) cache: CacheLocation,
    /// What dotenvy reads from `.env`; empty if dotenvy cannot read it.
    pub(crate) env_values: BTreeMap<String, String>,
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
    /// Cleans up after a run that was killed.
    pub(crate) fn recover(app: &Path) -> Result<(), Failure> {
        let files = ["Cargo.toml", ".env"].map(str::to_owned);
        let scripts = scripts::shipped(&[]).map(|script| script.path);
        plan::recover(app, files.into_iter().chain(scripts))?;
        // Manifest and receipt are complete now, and name the source files.
        let manifest = OriginalFile::read(app, "Cargo.toml")?;
        let manifest = read_manifest(app, &manifest)?;
        let env = OriginalFile::read(app, ".env")?;
        let env_state = block::read_state(env.contents().unwrap_or_default())?;
        plan::recover(
            app,
            AppCode::source_names(app, &manifest, &env_state.receipt)?,
        )
    }

    /// Reads the app's files. `default_events` is the value of `SSE_EVENTS` if it is not set.
    pub(crate) fn read(app: &Path, default_events: &str) -> Result<Self, Failure> {
        let manifest_file = OriginalFile::read(app, "Cargo.toml")?;
        let manifest = read_manifest(app, &manifest_file)?;
        let inherited = workspace::inherited_dependency(app, &manifest);
        let dependency = manifest.library_entry(inherited.as_ref().map(DependencySource::key));

        let env = OriginalFile::read(app, ".env")?;
        let env_state = block::read_state(env.contents().unwrap_or_default())?;
        // `.env` is often not in version control, so a fresh clone lacks its receipt. There
        // the marked dependency proves that `install` ran.
        let is_known_by_dependency = !env_state.has_block && dependency == LibraryEntry::ByInstall;

        let env_values = read_env_values(env.contents().unwrap_or_default());
        let events = env_values.get("SSE_EVENTS").map(String::as_str);
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
        let cache_setting = env_values.get("SSE_CACHE").map(String::as_str);
        Ok(Self {
            app: app.to_owned(),
            has_actix_web: manifest.has_actix_web(),
            cache: CacheLocation::new(app, cache_setting),
            manifest: manifest_file,
            dependency,
            inherited,
            env,
            env_state,
            events,
            scripts,
            code,
            env_values,
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

/// The values in `.env`; none if dotenvy cannot read it, which is reported where it matters.
/// Some last lines are readable only with a line end, which adding the block gives them.
fn read_env_values(env: &[u8]) -> BTreeMap<String, String> {
    let with_line_end = || dotenv::read_values(&[env, b"\n"].concat());
    dotenv::read_values(env)
        .or_else(|_| with_line_end())
        .unwrap_or_default()
}

fn read_manifest<'a>(app: &Path, file: &'a OriginalFile) -> Result<Manifest<'a>, Failure> {
    let contents = file.contents().ok_or_else(|| folder::no_manifest(app))?;
    let manifest = Manifest::parse(contents)?;
    if manifest.package_name().is_some() {
        return Ok(manifest);
    }
    let path = app.join("Cargo.toml");
    // If cargo cannot list the members, the help names none.
    let members = workspace::members(&path).unwrap_or_default();
    Err(Failure::usage(format!(
        "{} is a workspace without a package of its own",
        path.display()
    ))
    .with_help(workspace::package_help(&members)))
}
