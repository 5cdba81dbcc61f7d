//! `sse install`.

mod dependency;
mod env_file;
mod next_steps;
mod scripts;
mod steps;

use std::path::Path;

use self::steps::{NewContents, NewFile};
use super::change::Change;
use crate::app::installation::{Installation, InstalledScript};
use crate::cli::InstallArgs;
use crate::doctor;
use crate::editing::env::values;
use crate::editing::plan;
use crate::editing::receipt::Receipt;
use crate::editing::rust::app_code::Wiring;
use crate::editing::rust::splice::CALL;
use crate::editing::scripts::{FOLDERS, ScriptState};
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::prompt::Prompt;

pub(crate) fn run(app: &Path, args: &InstallArgs, output: Output) -> Result<u8, Failure> {
    if !args.change.only_shows() {
        Installation::recover(app)?;
    }
    let planned = plan(app, args, Prompt::new(&args.change))?;
    for warning in planned.warnings {
        output.warn(warning);
    }
    if planned.change.carry_out(&args.change, output)? {
        if planned.creates_env && doctor::is_not_ignored(app) {
            let (what, help) = doctor::NOT_IGNORED;
            output.warn(format!("{what}; {help}"));
        }
        // Only a warning: the installation itself has succeeded.
        if let Err(failure) = next_steps::print(app, args, output) {
            output.warn(format!(
                "cannot determine the next steps: {}",
                failure.message()
            ));
        }
    }
    Ok(exit::DONE)
}

pub(super) struct PlannedInstall {
    pub(super) change: Change,
    /// Whether the change creates `.env`.
    creates_env: bool,
    warnings: Vec<String>,
}

pub(super) fn plan(
    app: &Path,
    args: &InstallArgs,
    prompt: Prompt,
) -> Result<PlannedInstall, Failure> {
    let values = env_file::chosen_values(args);
    let installation = Installation::read(app, &values.events)?;
    env_file::check_values(&installation, args)?;
    let mut change = Change::default();

    let source = dependency::chosen_source(&installation, args)?;
    dependency::report(&installation, source.as_ref(), args, &mut change);
    let manifest = source.map(|source| dependency::planned_manifest(&installation, &source));

    let code = planned_wiring(&installation, args, &mut change);
    let scripts = if args.no_js {
        Vec::new()
    } else {
        scripts::planned(&installation, args.types, prompt, &mut change)
    };
    let folders = missing_folders(&installation.app, !scripts.is_empty())?;
    let receipt = receipt(&installation, &scripts, &folders, code.as_ref())?;
    let env = env_file::planned_env(&installation, args, &receipt, &values, &mut change)?;

    let creates_env = env.is_some() && installation.env.contents().is_none();
    let warnings = warnings(&installation);
    let new = NewContents {
        env,
        folders,
        scripts,
        manifest: manifest.transpose()?,
        code,
    };
    steps::add(&mut change.plan, installation, new)?;
    Ok(PlannedInstall {
        change,
        creates_env,
        warnings,
    })
}

/// The source file with the call inserted, if the call site is certain.
fn planned_wiring(
    installation: &Installation,
    args: &InstallArgs,
    change: &mut Change,
) -> Option<NewFile> {
    if args.no_wire {
        return None;
    }
    match installation.code.wiring() {
        Wiring::Possible { file, contents } => {
            change.will_report("Updated", format!("{} (with `{CALL}`)", file.name()));
            Some(NewFile {
                name: file.name().to_owned(),
                contents,
            })
        }
        Wiring::Installed(name) => {
            change.will_report("Unchanged", name);
            None
        }
        Wiring::Yours(location) => {
            change.will_report("Kept", format!("{location} (serves the stream)"));
            None
        }
        Wiring::Unclear(_) => None,
    }
}

/// What will exist because of this installation, created by `install` or by the app.
fn receipt(
    installation: &Installation,
    scripts: &[NewFile],
    folders: &[&str],
    code: Option<&NewFile>,
) -> Result<Receipt, Failure> {
    let mut receipt = Receipt::default();
    if installation.env.contents().is_none() {
        receipt.add(".env");
    }
    for script in scripts {
        receipt.add_file(&script.name, &script.contents);
    }
    for folder in folders {
        receipt.add(folder);
    }
    let ours = |script: &&InstalledScript| script.state == ScriptState::Current && script.is_ours;
    for InstalledScript { script, .. } in installation.scripts.iter().filter(ours) {
        receipt.add_file(&script.path, &script.contents);
    }
    if let Some(code) = code {
        receipt.add(&code.name);
    } else if let Wiring::Installed(name) = installation.code.wiring() {
        receipt.add(&name);
    }
    // On a first installation, folders of the cache that are missing now are created by the
    // app because of it.
    if !receipt.is_empty() && !installation.env_state.has_block {
        for folder in installation.cache.missing_folders()? {
            receipt.add(&folder);
        }
    }
    Ok(receipt)
}

/// The folders to create, if scripts will be written.
fn missing_folders(app: &Path, writes_scripts: bool) -> Result<Vec<&'static str>, Failure> {
    let mut missing = Vec::new();
    for folder in FOLDERS.into_iter().filter(|_| writes_scripts) {
        if !plan::exists(&app.join(folder))? {
            missing.push(folder);
        }
    }
    Ok(missing)
}

fn warnings(installation: &Installation) -> Vec<String> {
    let mut warnings = Vec::new();
    if !installation.has_actix_web {
        warnings
            .push("Cargo.toml has no dependency actix-web; `cargo add actix-web` adds it".into());
    }
    if let Some(events) = installation.env_values.get("SSE_EVENTS")
        && let Err(error) = values::event_names(events)
    {
        warnings.push(format!("the app will reject SSE_EVENTS in .env: {error}"));
    }
    warnings
}
