//! An app's files as they are read before anything is decided about them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::folder;
use crate::app::cache_folder::CacheFolder;
use crate::app::workspace;
use crate::editing::env::block::{self, EnvState};
use crate::editing::env::dotenv;
use crate::editing::env::values;
use crate::editing::manifest::cargo_toml::{LibraryEntry, Manifest};
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::plan::{self, Original};
use crate::editing::receipt::Receipt;
use crate::editing::rust::app_code::AppCode;
use crate::editing::scripts::{self, Script, ScriptState};
use crate::exit::Failure;

/// Everything that `install` may have changed in an app.
pub(crate) struct Installation {
    pub(crate) app: PathBuf,
    pub(crate) manifest: Original,
    pub(crate) dependency: LibraryEntry,
    /// How the app's workspace knows the library, if it does.
    pub(crate) inherited: Option<DependencySource>,
    pub(crate) env: Original,
    pub(crate) env_state: EnvState,
    /// The names of the events that the app has, or will have.
    pub(crate) events: Vec<String>,
    pub(crate) scripts: Vec<InstalledScript>,
    pub(crate) code: AppCode,
    pub(crate) cache: CacheFolder,
    /// What dotenvy reads from `.env`; nothing, where it cannot read it.
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) has_actix_web: bool,
}

/// A script and what is in its place.
pub(crate) struct InstalledScript {
    pub(crate) script: Script,
    pub(crate) file: Original,
    pub(crate) state: ScriptState,
    /// Whether `install` wrote it, as far as that can be told.
    pub(crate) is_ours: bool,
}

impl Installation {
    /// Cleans up after a run that was killed, before anything is read and decided.
    pub(crate) fn recover(app: &Path) -> Result<(), Failure> {
        let files = ["Cargo.toml", ".env"].map(str::to_owned);
        let scripts = scripts::shipped(&[]).map(|script| script.path);
        plan::recover(app, files.into_iter().chain(scripts))?;
        // These are whole now, and say what code there may be.
        let manifest = Original::read(app, "Cargo.toml")?;
        let manifest = read_manifest(app, &manifest)?;
        let env = Original::read(app, ".env")?;
        let env_state = block::state(env.contents().unwrap_or_default())?;
        plan::recover(
            app,
            AppCode::source_names(app, &manifest, &env_state.record)?,
        )
    }

    /// Reads the app's files; `events` is what `SSE_EVENTS` will be where it is not set.
    pub(crate) fn read(app: &Path, events: &str) -> Result<Self, Failure> {
        let manifest_file = Original::read(app, "Cargo.toml")?;
        let manifest = read_manifest(app, &manifest_file)?;
        let inherited = workspace::inherited_dependency(app, &manifest);
        let dependency = manifest.find(inherited.as_ref().map(DependencySource::key));

        let env = Original::read(app, ".env")?;
        let env_state = block::state(env.contents().unwrap_or_default())?;
        // `.env` is often not in version control, and its record lost in a fresh
        // clone: there the marked dependency says that `install` was here.
        let is_known_by_dependency = !env_state.has_block && dependency == LibraryEntry::Ours;

        let values = values(env.contents().unwrap_or_default());
        let events = values.get("SSE_EVENTS").map_or(events, String::as_str);
        let events = values::event_names(events).unwrap_or_default();
        let mut scripts = Vec::new();
        for script in scripts::shipped(&events) {
            let file = Original::read(app, &script.path)?;
            let state = script.state(file.contents(), &env_state.record);
            let is_ours = is_known_by_dependency || env_state.record.has(&script.path);
            scripts.push(InstalledScript {
                script,
                file,
                state,
                is_ours,
            });
        }
        let code = AppCode::read(
            app,
            &manifest,
            &env_state.record,
            &dependency,
            is_known_by_dependency,
        )?;
        let cache = CacheFolder::new(app, values.get("SSE_CACHE").map(String::as_str));
        let has_actix_web = manifest.has_actix_web();
        Ok(Self {
            app: app.to_owned(),
            manifest: manifest_file,
            dependency,
            inherited,
            env,
            env_state,
            events,
            scripts,
            code,
            cache,
            values,
            has_actix_web,
        })
    }

    /// Whether the app is to have this script. One that serves its own goes without, but its types
    /// are kept up to date once they are there.
    pub(crate) fn wants(&self, script: &Script) -> bool {
        !self.serves_its_own_scripts() || (script.is_types() && self.has_types())
    }

    fn has_types(&self) -> bool {
        let mut types = self
            .scripts
            .iter()
            .filter(|script| script.script.is_types());
        types.any(|script| script.state != ScriptState::Missing)
    }

    /// Whether the app has listeners, and its own code serves the scripts they need, so that
    /// it wants none from us: an app that began with the template does.
    pub(crate) fn serves_its_own_scripts(&self) -> bool {
        let owners = self.scripts.iter().find(|script| script.script.is_owners());
        matches!(self.dependency, LibraryEntry::Yours(_))
            && self.code.serves_scripts()
            && owners.is_some_and(|script| !script.is_ours && script.state != ScriptState::Missing)
    }

    /// What `install` has recorded about what it created.
    pub(crate) fn record(&self) -> &Receipt {
        &self.env_state.record
    }
}

/// What dotenvy cannot read has no values; who needs them says so elsewhere. A last line that it
/// cannot read without its end is one that gets it, when a block is put behind.
fn values(env: &[u8]) -> BTreeMap<String, String> {
    let ended = || dotenv::read_values(&[env, b"\n"].concat());
    dotenv::read_values(env)
        .or_else(|_| ended())
        .unwrap_or_default()
}

fn read_manifest<'a>(app: &Path, file: &'a Original) -> Result<Manifest<'a>, Failure> {
    let contents = file.contents().ok_or_else(|| folder::no_manifest(app))?;
    let manifest = Manifest::parse(contents)?;
    if manifest.package().is_some() {
        return Ok(manifest);
    }
    let path = app.join("Cargo.toml");
    // Where cargo cannot tell them either, the help says how to go on without a name.
    let members = workspace::members(&path).unwrap_or_default();
    Err(Failure::usage(format!(
        "{} is a workspace without a package of its own",
        path.display()
    ))
    .help(workspace::choices(&members)))
}
