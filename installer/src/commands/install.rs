//! `sse install`.

mod next_steps;
mod scripts;
mod steps;

use std::path::Path;

use self::steps::{NewContents, NewFile};
use super::change::Change;
use crate::app::installation::{Installation, InstalledScript};
use crate::app::library;
use crate::cli::{DependencyArgs, InstallArgs};
use crate::doctor;
use crate::editing::env::block::{self, KeyState};
use crate::editing::env::values::{self, Values};
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::manifest::edits::LibraryEntry;
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
        if prepared.creates_env && doctor::is_not_ignored(app) {
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

pub(super) struct Prepared {
    pub(super) change: Change,
    /// Whether the change creates `.env`.
    creates_env: bool,
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

    let code = planned_wiring(&installation, args, &mut change);
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
    let receipt = receipt(&installation, &scripts, &folders, code.as_ref())?;
    let env = planned_env(&installation, args, &receipt, &values, &mut change)?;

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
    Ok(Prepared {
        change,
        creates_env,
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

/// An existing key keeps its value, so it is a conflict if the arguments ask for another.
fn check_values(installation: &Installation, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = [
        ("SSE_STREAM_DURATION", &args.duration),
        ("SSE_POLL_INTERVAL", &args.interval),
        ("SSE_EVENTS", &args.events),
    ];
    for (name, value) in chosen {
        let found = installation.env_values.get(name);
        if let (Some(value), Some(found)) = (value, found)
            && value != found
        {
            return Err(Failure::conflict(format!(
                ".env: {name} already has another value: {found}"
            ))
            .help(format!("change it there: {name}={value}")));
        }
    }
    Ok(())
}

/// The dependency to add; `None` if the app has one. One that an earlier run added stays, so
/// it is a conflict if the arguments choose another. The owner's is reported as kept.
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
    let source = library::dependency_source(&args.dependency, installation)?;
    if is_absent {
        return Ok(Some(source));
    }
    let contents = installation.manifest.contents().unwrap_or_default();
    if Manifest::parse(contents)?.has_source(&source) {
        return Ok(None);
    }
    Err(
        Failure::conflict("Cargo.toml already has the dependency, from another source").help(
            format!(
                "run `sse uninstall` first, or replace the line with: {}",
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
            change.will_report(
                "Updated",
                format!(
                    "{} (with `{}`)",
                    file.name(),
                    crate::editing::rust::splice::CALL
                ),
            );
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

fn missing_folders(app: &Path) -> Result<Vec<&'static str>, Failure> {
    let mut missing = Vec::new();
    for folder in FOLDERS {
        if !plan::exists(&app.join(folder))? {
            missing.push(folder);
        }
    }
    Ok(missing)
}

/// The `.env` with keys and receipt; `None` if nothing needs to be added. Whatever is
/// installed, `.env` gets a block, because the block holds the receipt.
fn planned_env(
    installation: &Installation,
    args: &InstallArgs,
    receipt: &Receipt,
    values: &Values,
    change: &mut Change,
) -> Result<Option<Vec<u8>>, Failure> {
    if args.no_env {
        return Ok(None);
    }
    let state = &installation.env_state;
    let is_missing = state.keys.iter().any(|(_, key)| *key == KeyState::Missing);
    let adds_dependency = installation.dependency == LibraryEntry::Absent && !args.no_dep;
    let needs_block = state.has_block || is_missing || adds_dependency || !receipt.is_empty();
    let old = installation.env.contents();
    let new = if needs_block {
        Some(block::install(old.unwrap_or_default(), receipt, values)?)
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
    for (name, key) in state.keys {
        if key == KeyState::Yours {
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
    if let Some(events) = installation.env_values.get("SSE_EVENTS")
        && let Err(error) = values::event_names(events)
    {
        warnings.push(format!("the app will reject SSE_EVENTS in .env: {error}"));
    }
    warnings
}
