//! `sse install`.

mod dependency;
mod env_file;
mod folders;
mod module_script;
mod next_steps;
mod rust_app;
mod scripts;
mod steps;

use std::path::Path;

use actix_web_sse::Error;
use actix_web_sse::cli_support::{EXAMPLE_EVENTS, EnvFile, SettingInfo, one_line, settings};

use self::next_steps::NextSteps;
use self::rust_app::PlannedRustParts;
use self::steps::{NewContents, NewFile};
use super::planned_change::{self, PlannedChange};
use crate::app::app_files::AppFiles;
use crate::app::codeigniter::problems::Problem;
use crate::app::library;
use crate::app::script_files::ScriptFile;
use crate::cli::InstallArgs;
use crate::doctor::{self, NOT_IGNORED_HELP, NOT_IGNORED_MESSAGE};
use crate::editing::env::values;
use crate::editing::receipt::Receipt;
use crate::editing::scripts::ScriptState;
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
            Ok(steps) => steps.print(app, output),
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
    folders::refuse_url(args)?;
    let values = args.values(app);
    let app_files = AppFiles::open(app, values, args.purpose(), &args.change)?;
    env_file::check_values(&app_files)?;
    folders::check(&app_files, args)?;
    let mut change = PlannedChange::default();

    let rust = match &app_files.rust {
        Some(rust) => Some(rust_app::plan(&app_files, rust, args, &mut change)?),
        None => rust_app::refuse_source(args).map(|()| None)?,
    };
    let mut next_steps = rust.as_ref().map_or_else(
        || Ok(NextSteps::beside(app_files.layout.clone())),
        |rust| next_steps::rust::missing_parts(&app_files, rust, args),
    );
    if let Ok(next_steps) = &mut next_steps {
        next_steps.add_listeners(&app_files);
    }
    let scripts = if args.no_js {
        Vec::new()
    } else {
        scripts::plan_scripts(&app_files, args, &mut change)
    };
    let replacement = module_script::plan(&app_files, args, &mut change);
    let folders = folders::missing(&app_files, !scripts.is_empty())?;
    let file_with_call = rust.as_ref().and_then(PlannedRustParts::file_with_call);
    let mut receipt = receipt(&app_files, &scripts, &folders, file_with_call)?;
    if let Some(replacement) = &replacement {
        replacement.add_to_receipt(&app_files, &mut receipt);
    }
    let env = env_file::plan_env(&app_files, args, &receipt, &mut change)?;

    let creates_env = env.is_some() && app_files.env.contents().is_none();
    let warnings = warnings(&app_files);
    let (manifest, code) = rust
        .map(|rust| (rust.manifest, rust.code))
        .unwrap_or_default();
    let new = NewContents {
        env,
        folders,
        scripts,
        manifest: manifest.transpose()?,
        code,
        replacement,
    };
    steps::add_steps(&mut change.plan, app_files.app(), new)?;
    Ok(PlannedInstall {
        change,
        creates_env,
        warnings,
        next_steps,
    })
}

/// What will exist because of this installation, created by `install` or by the app.
fn receipt(
    app_files: &AppFiles,
    scripts: &[NewFile],
    folders: &[String],
    file_with_call: Option<&str>,
) -> Result<Receipt, Failure> {
    let mut receipt = Receipt::default();
    if app_files.env.contents().is_none() {
        receipt.add(".env");
    }
    let public = &app_files.layout.public;
    for script in scripts {
        receipt.add_with_hash(&public.receipt_entry(script.file.name()), &script.contents);
    }
    for folder in folders {
        receipt.add(&public.receipt_entry(folder));
    }
    for ScriptFile { shipped, .. } in current_scripts(app_files) {
        receipt.add_with_hash(&shipped.receipt_path, &shipped.contents);
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

/// Checks the file before its values: the text of a value may be that of other lines.
fn check_env(app_files: &AppFiles) -> Result<(), Error> {
    let contents = app_files.env.contents().unwrap_or_default();
    EnvFile::new(contents.to_vec()).check(&app_files.app().join(".env"))
}

/// Why values that CodeIgniter saves will trigger no event.
fn codeigniter_warnings(app_files: &AppFiles) -> Vec<String> {
    let Some(cache) = &app_files.codeigniter_cache else {
        return Vec::new();
    };
    let value = |setting: &SettingInfo| {
        let chosen = app_files.values.chosen(setting.name);
        app_files.env_state.value(setting.name).or(chosen)
    };
    let events = value(&settings::events)
        .unwrap_or(EXAMPLE_EVENTS)
        .parse()
        .ok();
    let prefix = value(&settings::drop_in_prefix).unwrap_or_default();
    let location = &app_files.cache;
    let problems = [
        cache.handler_problem(),
        cache.folder_problem(
            app_files.app(),
            location.folder(),
            location.folder_setting(),
        ),
        cache.prefix_problem(prefix, events.as_ref()),
    ];
    let problems = problems.into_iter().flatten();
    problems
        // They repeat text of PHP code.
        .map(|Problem { message, help }| one_line(&format!("{message}; {help}")))
        .collect()
}

fn warnings(app_files: &AppFiles) -> Vec<String> {
    let rust = app_files.rust.as_ref();
    let mut warnings = rust.map(rust_app::warnings).unwrap_or_default();
    warnings.extend(codeigniter_warnings(app_files));
    let server = app_files.layout.kind.server();
    if let Err(error) = check_env(app_files) {
        warnings.push(format!("{server} will reject .env: {error}"));
    } else if let Some(events) = app_files.env_state.value(settings::events.name)
        && let Err(error) = values::event_names(events)
    {
        warnings.push(format!("{server} will reject SSE_EVENTS in .env: {error}"));
    }
    warnings
}
