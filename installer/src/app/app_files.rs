//! An app's files as they are before a command changes anything.

use std::path::Path;

use actix_web_sse::cli_support::settings;

use super::cache_location::CacheLocation;
use super::codeigniter::cache_config::CacheConfig;
use super::codeigniter::module::ModuleScript;
use super::kind::{AppKind, Purpose};
use super::layout::AppLayout;
use super::public_folder::PublicFolder;
use super::rust_app::RustApp;
use super::script_files::ScriptFile;
use crate::cli::ChangeArgs;
use crate::editing::env::block::EnvState;
use crate::editing::env::values::{self, InstallValues};
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::plan::{self, OriginalFile};
use crate::editing::receipt::Receipt;
use crate::editing::scripts::{Script, ScriptState};
use crate::exit::Failure;

/// The files that `install` may change, and what each shows about the installation.
pub(crate) struct AppFiles {
    pub(crate) layout: AppLayout,
    /// `None` if the app is of another kind.
    pub(crate) rust: Option<RustApp>,
    /// `None` if the app is not a CodeIgniter app.
    pub(crate) codeigniter_cache: Option<CacheConfig>,
    pub(crate) env: OriginalFile,
    pub(crate) env_state: EnvState,
    /// What `install` sets missing settings to.
    pub(crate) values: InstallValues,
    /// The names of the app's events, as `.env` has them or will have them.
    pub(crate) events: Vec<String>,
    pub(crate) scripts: Vec<ScriptFile>,
    /// The scripts that `install` wrote into other folders, before `SSE_PUBLIC` was changed.
    pub(crate) former_scripts: Vec<ScriptFile>,
    /// The script of the original module that `install` has replaced. `None` if the app is not a CodeIgniter app.
    pub(crate) module_script: Option<ModuleScript>,
    pub(crate) cache: CacheLocation,
}

/// The files that say where the others are.
struct RootFiles {
    layout: AppLayout,
    manifest: OriginalFile,
    env: OriginalFile,
    env_state: EnvState,
}

impl AppFiles {
    /// Reads the app's files for a command that may change them. Unless it only shows the change, it first
    /// cleans up after a run that was killed. `values` are those that arguments chose.
    pub(crate) fn open(
        app: &Path,
        values: InstallValues,
        purpose: Purpose,
        args: &ChangeArgs,
    ) -> Result<Self, Failure> {
        if args.is_preview() {
            return RootFiles::read(app, &values, purpose)?.read_others(values);
        }
        plan::recover(app, ["Cargo.toml", ".env"])?;
        // Manifest and receipt are complete now, and name the other files.
        let files = RootFiles::read(app, &values, purpose)?;
        plan::recover(app, files.other_names()?)?;
        files.read_others(values)
    }

    /// Reads the app's files.
    pub(crate) fn read(app: &Path) -> Result<Self, Failure> {
        let values = InstallValues::default();
        RootFiles::read(app, &values, Purpose::Show)?.read_others(values)
    }

    pub(crate) fn app(&self) -> &Path {
        &self.layout.app
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
        let has_own_listeners = self
            .listeners()
            .is_some_and(|script| !script.is_by_install && script.state != ScriptState::Missing);
        let rust = self.rust.as_ref();
        rust.is_some_and(|rust| {
            matches!(rust.dependency, LibraryEntry::ByOwner(_)) && rust.code.serves_scripts()
        }) && has_own_listeners
    }

    /// The owner's file with the listeners.
    pub(crate) fn listeners(&self) -> Option<&ScriptFile> {
        let mut scripts = self.scripts.iter();
        scripts.find(|script| script.shipped.belongs_to_owner())
    }

    /// What `install` created, according to the block in `.env`.
    pub(crate) fn receipt(&self) -> &Receipt {
        &self.env_state.receipt
    }
}

impl RootFiles {
    fn read(app: &Path, values: &InstallValues, purpose: Purpose) -> Result<Self, Failure> {
        let manifest = OriginalFile::read(app, "Cargo.toml")?;
        let env = OriginalFile::read(app, ".env")?;
        let env_state = EnvState::new(env.contents().unwrap_or_default())?;
        let existing_env = env.contents().map(|_| &env_state);
        let kind = AppKind::find(app, manifest.contents(), existing_env, purpose)?;
        let public = env_state.value(settings::public.name);
        let public = public.or(values.chosen(settings::public.name));
        let public = PublicFolder::new(app, public);
        Ok(Self {
            layout: AppLayout::new(app, kind, public, existing_env),
            manifest,
            env,
            env_state,
        })
    }

    /// The names of the other files that a command may change.
    fn other_names(&self) -> Result<Vec<String>, Failure> {
        let AppLayout {
            app, kind, public, ..
        } = &self.layout;
        let mut names = ScriptFile::all_paths(public, &self.env_state.receipt);
        if kind.is_rust() {
            names.extend(RustApp::source_names(app, &self.manifest, &self.env_state)?);
        }
        Ok(names)
    }

    fn read_others(self, mut values: InstallValues) -> Result<AppFiles, Failure> {
        let Self {
            layout,
            manifest,
            env,
            env_state,
        } = self;
        let AppLayout { app, kind, .. } = &layout;
        let rust = (kind.is_rust()).then(|| RustApp::read(app, manifest, &env_state));
        let rust = rust.transpose()?;
        let is_codeigniter = *kind == AppKind::CodeIgniter;
        let codeigniter_cache = is_codeigniter.then(|| CacheConfig::read(app, env_state.file()));
        if let Some(cache) = &codeigniter_cache {
            cache.choose_values(&env_state, &mut values);
        }
        let is_known = rust
            .as_ref()
            .is_some_and(|rust| rust.is_known_by_dependency);

        let events = env_state.value(settings::events.name);
        // `install` and `status` warn of an invalid value.
        let events = events.unwrap_or(values.get(&settings::events));
        let events = values::event_names(events).unwrap_or_default();
        let receipt = &env_state.receipt;
        let effective = |name| env_state.value(name).or(values.chosen(name));
        Ok(AppFiles {
            scripts: ScriptFile::read_all(&layout, &events, receipt, is_known)?,
            former_scripts: ScriptFile::read_former(&layout, receipt)?,
            module_script: match is_codeigniter {
                true => Some(ModuleScript::read(&layout, receipt)?),
                false => None,
            },
            cache: CacheLocation::new(
                app,
                effective(settings::cache.name),
                effective(settings::drop_ins.name),
            ),
            layout,
            rust,
            codeigniter_cache,
            env,
            env_state,
            values,
            events,
        })
    }
}
