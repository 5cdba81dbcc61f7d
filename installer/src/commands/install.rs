//! `sse install`.

mod dependency;
mod env_file;
mod next_steps;
mod scripts;
mod steps;

use std::path::Path;

use actix_web_sse::Error;
use actix_web_sse::cli_support::{EnvFile, settings};

use self::next_steps::NextSteps;
use self::steps::{NewContents, NewFile};
use super::planned_change::{self, PlannedChange};
use crate::app::app_files::{AppFiles, ScriptFile};
use crate::app::library;
use crate::cli::InstallArgs;
use crate::doctor::{self, NOT_IGNORED_HELP, NOT_IGNORED_MESSAGE};
use crate::editing::env::values;
use crate::editing::plan::{self, OriginalFile};
use crate::editing::receipt::Receipt;
use crate::editing::rust::app_code::RouteCall;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::editing::scripts::{SCRIPT_FOLDERS, ScriptState};
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(app: &Path, args: &InstallArgs, output: Output) -> Result<u8, Failure> {
    library::refuse_library(app)?;
    let _lock = planned_change::lock(app, &args.change)?;
    let planned = plan(app, args)?;
    for warning in planned.warnings {
        output.warn(warning);
    }
    if planned.change.carry_out(&args.change, output)? {
        if planned.creates_env && doctor::git_would_add_env(app) {
            output.warn(format!("{NOT_IGNORED_MESSAGE}; {NOT_IGNORED_HELP}"));
        }
        // Only a warning: the installation itself has succeeded.
        match planned.next_steps {
            Ok(steps) => next_steps::print(app, steps, output),
            Err(failure) => output.warn(format!(
                "cannot determine the next steps: {}",
                failure.message()
            )),
        }
    }
    Ok(exit::DONE)
}

pub(super) struct PlannedInstall {
    pub(super) change: PlannedChange,
    /// Whether the change creates `.env`.
    creates_env: bool,
    warnings: Vec<String>,
    next_steps: Result<NextSteps, Failure>,
}

pub(super) fn plan(app: &Path, args: &InstallArgs) -> Result<PlannedInstall, Failure> {
    let values = args.values();
    let app_files = AppFiles::open(app, values.get(&settings::events), &args.change)?;
    env_file::check_values(&app_files, &values)?;
    let mut change = PlannedChange::default();

    let source = dependency::choose_source(&app_files, args)?;
    dependency::report(&app_files, source.as_ref(), args, &mut change);
    let manifest = source.map(|source| dependency::plan_manifest(&app_files, &source));

    let route_call = app_files.code.route_call();
    let next_steps = next_steps::missing_parts(&app_files, &route_call, args);
    let code = plan_route_call(&route_call, args, &mut change);
    let scripts = if args.no_js {
        Vec::new()
    } else {
        scripts::plan_scripts(&app_files, args, &mut change)
    };
    let folders = missing_folders(&app_files.app, !scripts.is_empty())?;
    let file_with_call = match (&code, &route_call) {
        (Some(code), _) => Some(code.file.name()),
        (None, RouteCall::Installed(name)) => Some(name.as_str()),
        (None, _) => None,
    };
    let receipt = receipt(&app_files, &scripts, &folders, file_with_call)?;
    let env = env_file::plan_env(&app_files, args, &receipt, &values, &mut change)?;

    let creates_env = env.is_some() && app_files.env.contents().is_none();
    let warnings = warnings(&app_files);
    let new = NewContents {
        env,
        folders,
        scripts,
        manifest: manifest.transpose()?,
        code,
    };
    steps::add_steps(&mut change.plan, &app_files.app, new)?;
    Ok(PlannedInstall {
        change,
        creates_env,
        warnings,
        next_steps,
    })
}

/// The source file with the call inserted, if the call site is certain.
fn plan_route_call(
    route_call: &RouteCall<'_>,
    args: &InstallArgs,
    change: &mut PlannedChange,
) -> Option<NewFile> {
    if args.no_wire {
        return None;
    }
    match route_call {
        RouteCall::Possible(file, contents) => {
            change.will_report("Updated", format!("{} (with `{ROUTES_CALL}`)", file.name()));
            Some(NewFile {
                file: OriginalFile::clone(file),
                contents: contents.clone(),
            })
        }
        RouteCall::Installed(name) => {
            change.will_report("Unchanged", name);
            None
        }
        RouteCall::ByOwner(location) => {
            change.will_report("Kept", format!("{location} (serves the stream)"));
            None
        }
        RouteCall::Uncertain(_) => None,
    }
}

/// What will exist because of this installation, created by `install` or by the app.
fn receipt(
    app_files: &AppFiles,
    scripts: &[NewFile],
    folders: &[&str],
    file_with_call: Option<&str>,
) -> Result<Receipt, Failure> {
    let mut receipt = Receipt::default();
    if app_files.env.contents().is_none() {
        receipt.add(".env");
    }
    for script in scripts {
        receipt.add_with_hash(script.file.name(), &script.contents);
    }
    for folder in folders {
        receipt.add(folder);
    }
    for ScriptFile { shipped, .. } in current_scripts(app_files) {
        receipt.add_with_hash(&shipped.path, &shipped.contents);
    }
    if let Some(name) = file_with_call {
        receipt.add(name);
    }
    // On a first installation, folders of the cache that are missing now are created by the
    // app because of it.
    if !receipt.is_empty() && !app_files.env_state.has_block() {
        for folder in app_files.cache.missing_folders()? {
            receipt.add(&folder);
        }
    }
    Ok(receipt)
}

/// The scripts that `install` has already written as this version ships them.
fn current_scripts(app_files: &AppFiles) -> impl Iterator<Item = &ScriptFile> {
    let scripts = app_files.scripts.iter();
    scripts.filter(|script| script.state == ScriptState::Current && script.is_by_install)
}

/// The folders to create, if scripts will be written.
fn missing_folders(app: &Path, writes_scripts: bool) -> Result<Vec<&'static str>, Failure> {
    let mut missing = Vec::new();
    for folder in SCRIPT_FOLDERS.into_iter().filter(|_| writes_scripts) {
        if !plan::exists(&app.join(folder))? {
            missing.push(folder);
        }
    }
    Ok(missing)
}

/// Checks the file before its values: the text of a value may be that of other lines.
fn check_env(app_files: &AppFiles) -> Result<(), Error> {
    let contents = app_files.env.contents().unwrap_or_default();
    EnvFile::new(contents.to_vec()).check(&app_files.app.join(".env"))
}

fn warnings(app_files: &AppFiles) -> Vec<String> {
    let mut warnings = Vec::new();
    if !app_files.has_actix_web {
        warnings
            .push("Cargo.toml has no dependency actix-web; `cargo add actix-web` adds it".into());
    }
    if app_files.lacks_feature {
        warnings.push(
            "your dependency in Cargo.toml lacks the feature `actix`, and `actix_web_sse::routes` does not compile without it".into(),
        );
    }
    if let Err(error) = check_env(app_files) {
        warnings.push(format!("the app will reject .env: {error}"));
    } else if let Some(events) = app_files.env_state.value(settings::events.name)
        && let Err(error) = values::event_names(events)
    {
        warnings.push(format!("the app will reject SSE_EVENTS in .env: {error}"));
    }
    warnings
}
