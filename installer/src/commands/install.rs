//! `sse install`.

mod next_steps;
mod scripts;
mod steps;

use std::path::Path;

use self::steps::{Parts, Written};
use super::change::Change;
use crate::app::installation::{Installation, InstalledScript};
use crate::app::library;
use crate::cli::{DependencyArgs, InstallArgs};
use crate::doctor;
use crate::editing::env::block::{self, KeyState};
use crate::editing::env::values::{self, Values};
use crate::editing::manifest::cargo_toml::{LibraryEntry, Manifest};
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::plan;
use crate::editing::receipt::Receipt;
use crate::editing::rust::app_code::Wiring;
use crate::editing::scripts::{FOLDERS, ScriptState};
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::prompt::Prompt;

pub(crate) fn run(app: &Path, args: &InstallArgs, output: Output) -> Result<u8, Failure> {
    if !args.change.only_shows() {
        Installation::recover(app)?;
    }
    let prepared = prepare(app, args, Prompt::new(&args.change))?;
    for warning in prepared.warnings {
        output.warn(warning);
    }
    if prepared.change.carry_out(&args.change, output, "install")? {
        if prepared.makes_env && doctor::is_not_ignored(app) {
            let (what, help) = doctor::NOT_IGNORED;
            output.warn(format!("{what}; {help}"));
        }
        // The work is done: an error now would say that it is not.
        if let Err(failure) = next_steps::print(app, args, output) {
            output.warn(format!(
                "what is left to do cannot be told: {}",
                failure.what()
            ));
        }
    }
    Ok(exit::DONE)
}

/// What there is to do, and what is worth a second look.
pub(super) struct Prepared {
    pub(super) change: Change,
    /// Whether there is no `.env` yet.
    makes_env: bool,
    warnings: Vec<String>,
}

pub(super) fn prepare(app: &Path, args: &InstallArgs, prompt: Prompt) -> Result<Prepared, Failure> {
    let values = values(args);
    let installation = Installation::read(app, &values.events)?;
    check_values(&installation, args)?;
    let mut change = Change::default();

    let source = chosen_source(&installation, args)?;
    describe_dependency(&installation, source.as_ref(), args, &mut change);
    let manifest = source.map(|source| planned_manifest(&installation, &source));

    let wired = planned_wiring(&installation, args, &mut change);
    let scripts = if args.no_js {
        Vec::new()
    } else {
        scripts::planned(&installation, args.types, prompt, &mut change)
    };
    let folders = if scripts.is_empty() {
        Vec::new()
    } else {
        missing_folders(&installation.app)?
    };
    let record = record(&installation, &scripts, &folders, wired.as_ref())?;
    let env = planned_env(&installation, args, &record, &values, &mut change)?;

    let makes_env = env.is_some() && installation.env.contents().is_none();
    let warnings = warnings(&installation);
    let parts = Parts {
        env,
        folders,
        scripts,
        manifest: manifest.transpose()?,
        code: wired,
    };
    steps::add(&mut change.plan, installation, parts)?;
    Ok(Prepared {
        change,
        makes_env,
        warnings,
    })
}

fn values(args: &InstallArgs) -> Values {
    let default = Values::default();
    let chosen = |value: &Option<String>, default: String| value.clone().unwrap_or(default);
    Values {
        events: chosen(&args.events, default.events),
        duration: chosen(&args.duration, default.duration),
        interval: chosen(&args.interval, default.interval),
    }
}

/// A key that is there keeps its value, so it is a conflict when the arguments name another.
fn check_values(installation: &Installation, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = [
        ("SSE_STREAM_DURATION", &args.duration),
        ("SSE_POLL_INTERVAL", &args.interval),
        ("SSE_EVENTS", &args.events),
    ];
    for (name, value) in chosen {
        let found = installation.values.get(name);
        if let (Some(value), Some(found)) = (value, found)
            && value != found
        {
            return Err(Failure::conflict(format!(
                ".env: {name} has another value already: {found}"
            ))
            .help(format!("change it there: {name}={value}")));
        }
    }
    Ok(())
}

/// The dependency to add; `None` when there is one. The one that an earlier run added stays, so
/// it is a conflict when the arguments choose another; the owner's is reported as kept.
fn chosen_source(
    installation: &Installation,
    args: &InstallArgs,
) -> Result<Option<DependencySource>, Failure> {
    let is_absent = installation.dependency == LibraryEntry::Absent;
    let DependencyArgs {
        dep_path,
        dep_version,
        dep_git,
        ..
    } = &args.dependency;
    let chooses = dep_path.is_some() || dep_version.is_some() || dep_git.is_some();
    if args.no_dep || !(is_absent || installation.dependency == LibraryEntry::Ours && chooses) {
        return Ok(None);
    }
    let source = library::source(&args.dependency, installation)?;
    if is_absent {
        return Ok(Some(source));
    }
    let contents = installation.manifest.contents().unwrap_or_default();
    if Manifest::parse(contents)?.has(&source) {
        return Ok(None);
    }
    Err(
        Failure::conflict("Cargo.toml has the dependency already, from another place").help(
            format!(
                "run `sse uninstall` first, or change it by hand to: {}",
                source.line()
            ),
        ),
    )
}

fn planned_manifest(
    installation: &Installation,
    source: &DependencySource,
) -> Result<Vec<u8>, Failure> {
    Manifest::parse(installation.manifest.contents().unwrap_or_default())?.add(source)
}

fn describe_dependency(
    installation: &Installation,
    added: Option<&DependencySource>,
    args: &InstallArgs,
    change: &mut Change,
) {
    match (added, &installation.dependency) {
        (Some(source), _) => {
            change.will_report("Updated", format!("Cargo.toml (with `{}`)", source.line()));
        }
        (None, _) if args.no_dep => {}
        (None, LibraryEntry::Yours(key)) => {
            change.will_report("Kept", format!("Cargo.toml (your dependency `{key}`)"));
        }
        (None, LibraryEntry::Ours | LibraryEntry::Absent) => {
            change.will_report("Unchanged", "Cargo.toml")
        }
    }
}

/// The file of code with our call in it, where it is clear what file and where in it.
fn planned_wiring(
    installation: &Installation,
    args: &InstallArgs,
    change: &mut Change,
) -> Option<Written> {
    if args.no_wire {
        return None;
    }
    match installation.code.wiring() {
        Wiring::Possible { file, contents } => {
            change.will_report(
                "Updated",
                format!(
                    "{} (with `{}`)",
                    file.name(),
                    crate::editing::rust::splice::CALL
                ),
            );
            Some(Written {
                name: file.name().to_owned(),
                contents,
            })
        }
        Wiring::Installed(name) => {
            change.will_report("Unchanged", name);
            None
        }
        Wiring::Yours(place) => {
            change.will_report("Kept", format!("{place} (serves the stream)"));
            None
        }
        Wiring::Unclear(_) => None,
    }
}

/// What will have been written or made when `install` is done, by us or by the app.
fn record(
    installation: &Installation,
    scripts: &[Written],
    folders: &[&str],
    code: Option<&Written>,
) -> Result<Receipt, Failure> {
    let mut record = Receipt::default();
    if installation.env.contents().is_none() {
        record.add(".env");
    }
    for script in scripts {
        record.add_file(&script.name, &script.contents);
    }
    for folder in folders {
        record.add(folder);
    }
    let ours = |script: &&InstalledScript| script.state == ScriptState::Current && script.is_ours;
    for InstalledScript { script, .. } in installation.scripts.iter().filter(ours) {
        record.add_file(&script.path, &script.contents);
    }
    if let Some(code) = code {
        record.add(&code.name);
    } else if let Wiring::Installed(name) = installation.code.wiring() {
        record.add(&name);
    }
    // Nothing of the installation is there yet, so neither is what the app makes with it.
    if !record.is_empty() && !installation.env_state.has_block {
        for folder in installation.cache.missing()? {
            record.add(&folder);
        }
    }
    Ok(record)
}

fn missing_folders(app: &Path) -> Result<Vec<&'static str>, Failure> {
    let mut missing = Vec::new();
    for folder in FOLDERS {
        if !plan::exists(&app.join(folder))? {
            missing.push(folder);
        }
    }
    Ok(missing)
}

/// The `.env` with keys and record; `None` when nothing is to be added. Whenever
/// anything at all is installed there is a block, since it carries the record.
fn planned_env(
    installation: &Installation,
    args: &InstallArgs,
    record: &Receipt,
    values: &Values,
    change: &mut Change,
) -> Result<Option<Vec<u8>>, Failure> {
    if args.no_env {
        return Ok(None);
    }
    let state = &installation.env_state;
    let is_missing = state
        .keys
        .iter()
        .any(|(_, place)| *place == KeyState::Missing);
    let adds_dependency = installation.dependency == LibraryEntry::Absent && !args.no_dep;
    let has_news = state.has_block || is_missing || adds_dependency || !record.is_empty();
    let old = installation.env.contents();
    let new = if has_news {
        Some(block::install(old.unwrap_or_default(), record, values)?)
    } else {
        None
    };
    let new = new.filter(|new| old != Some(new.as_slice()));
    change.will_report(
        match (&new, old) {
            (None, _) => "Unchanged",
            (Some(_), None) => "Created",
            (Some(_), Some(_)) => "Updated",
        },
        ".env",
    );
    for (name, place) in state.keys {
        if place == KeyState::Yours {
            change.will_report("Kept", format!(".env ({name} has your value)"));
        }
    }
    Ok(new)
}

fn warnings(installation: &Installation) -> Vec<String> {
    let mut warnings = Vec::new();
    if !installation.has_actix_web {
        warnings
            .push("Cargo.toml has no dependency actix-web; `cargo add actix-web` adds it".into());
    }
    if let Some(events) = installation.values.get("SSE_EVENTS")
        && let Err(error) = values::event_names(events)
    {
        warnings.push(format!("the app will refuse SSE_EVENTS in .env: {error}"));
    }
    warnings
}
