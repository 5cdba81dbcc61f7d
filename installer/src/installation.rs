//! An app's files as they are read before anything is decided about them.

use std::path::{Path, PathBuf};

use crate::app;
use crate::dependency::Source;
use crate::env_block::{self, State as EnvState};
use crate::exit::Failure;
use crate::manifest::{Found, Manifest};
use crate::plan::Original;
use crate::record::Record;
use crate::scripts::{self, Script, State as ScriptState};

/// Everything that `install` may have changed in an app.
pub(crate) struct Installation {
    pub(crate) app: PathBuf,
    pub(crate) manifest: Original,
    pub(crate) dependency: Found,
    /// How the app's workspace knows the library, if it does.
    pub(crate) inherited: Option<Source>,
    pub(crate) env: Original,
    pub(crate) env_state: EnvState,
    pub(crate) scripts: Vec<InstalledScript>,
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
    pub(crate) fn read(app: &Path) -> Result<Self, Failure> {
        let manifest = Original::read(app, "Cargo.toml")?;
        let (dependency, inherited) = read_dependency(app, &manifest)?;
        let env = Original::read(app, ".env")?;
        let env_state = env_block::state(env.contents().unwrap_or_default())?;
        let mut scripts = Vec::new();
        for script in scripts::shipped() {
            let file = Original::read(app, &script.path)?;
            let state = script.state(file.contents(), &env_state.record);
            // `.env` is often not in version control, and its record lost in a fresh
            // clone: there the marked dependency says that `install` was here.
            let is_ours = if env_state.has_block {
                env_state.record.has(&script.path)
            } else {
                dependency == Found::Ours
            };
            scripts.push(InstalledScript {
                script,
                file,
                state,
                is_ours,
            });
        }
        Ok(Self {
            app: app.to_owned(),
            manifest,
            dependency,
            inherited,
            env,
            env_state,
            scripts,
        })
    }

    /// What `install` has recorded about what it created.
    pub(crate) fn record(&self) -> &Record {
        &self.env_state.record
    }
}

fn read_dependency(app: &Path, file: &Original) -> Result<(Found, Option<Source>), Failure> {
    let Some(contents) = file.contents() else {
        return Err(
            Failure::error(format!("there is no Cargo.toml in {}", app.display()))
                .help("run this in the folder of your app, or name it: sse -C DIR …"),
        );
    };
    let manifest = Manifest::parse(contents)?;
    if manifest.package().is_none() {
        return Err(Failure::conflict(format!(
            "{} is a workspace without a package of its own",
            app.join("Cargo.toml").display()
        ))
        .help("name the folder of the member that is your app: sse -C DIR …"));
    }
    let inherited = app::workspace_source(app, &manifest);
    let found = manifest.find(inherited.as_ref().map(Source::key));
    Ok((found, inherited))
}
