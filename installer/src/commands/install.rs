//! `sse install`.

use std::env;
use std::path::Path;

use crate::app;
use crate::cli::InstallArgs;
use crate::dependency::Source;
use crate::env_block::{self, Place};
use crate::exit::{self, Failure};
use crate::installation::{Installation, InstalledScript};
use crate::library;
use crate::manifest::{Found, Manifest};
use crate::plan::{Plan, Step};
use crate::record::Record;
use crate::report::Report;
use crate::scripts::{FOLDERS, State};

pub(crate) fn run(app: &Path, args: &InstallArgs, report: Report) -> Result<u8, Failure> {
    let (plan, lines) = prepare(app, args)?;
    plan.write()?;
    for line in lines {
        report.say(line);
    }
    say_what_is_left(app, report);
    Ok(exit::DONE)
}

/// What there is to do, and what to say once it is done.
pub(super) fn prepare(app: &Path, args: &InstallArgs) -> Result<(Plan, Vec<String>), Failure> {
    let installation = Installation::read(app)?;
    check_scripts(&installation)?;
    let source = chosen_source(&installation, args)?;
    let manifest = source
        .as_ref()
        .map(|source| planned_manifest(&installation, source));
    let manifest = manifest.transpose()?;
    let env = planned_env(&installation, manifest.is_some())?;
    let lines = describe(&installation, source.as_ref(), env.is_some());
    Ok((plan(installation, manifest, env)?, lines))
}

fn check_scripts(installation: &Installation) -> Result<(), Failure> {
    let edited =
        |script: &&InstalledScript| script.state == State::Edited && !script.script.is_owners;
    match installation.scripts.iter().find(edited) {
        None => Ok(()),
        Some(script) => Err(Failure::conflict(format!("{} has local changes", script.script.path))
            .help("it is replaced by each new version: move your code to public/js/sse-client.js, which is yours, delete the file, and run `sse install` again")),
    }
}

/// The dependency to add; `None` when there is one. The one that an earlier run added stays, so
/// it is a conflict when the arguments choose another; the owner's is reported as kept.
fn chosen_source(
    installation: &Installation,
    args: &InstallArgs,
) -> Result<Option<Source>, Failure> {
    let is_absent = installation.dependency == Found::Absent;
    let chooses = args.dep_path.is_some() || args.dep_version.is_some();
    if !(is_absent || installation.dependency == Found::Ours && chooses) {
        return Ok(None);
    }
    let source = library::source(args, installation)?;
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

fn planned_manifest(installation: &Installation, source: &Source) -> Result<Vec<u8>, Failure> {
    Manifest::parse(installation.manifest.contents().unwrap_or_default())?.add(source)
}

/// The `.env` with keys and record; `None` when nothing is to be added. Whenever
/// anything at all is installed there is a block, since it carries the record.
fn planned_env(
    installation: &Installation,
    adds_dependency: bool,
) -> Result<Option<Vec<u8>>, Failure> {
    let created = created(installation);
    let state = &installation.env_state;
    let is_missing = state.keys.iter().any(|(_, place)| *place == Place::Missing);
    if !(state.has_block || is_missing || adds_dependency || !created.is_empty()) {
        return Ok(None);
    }
    let old = installation.env.contents();
    let new = env_block::install(old.unwrap_or_default(), &created)?;
    Ok((old != Some(new.as_slice())).then_some(new))
}

/// What will have been written or made when `install` is done.
fn created(installation: &Installation) -> Record {
    let mut record = Record::default();
    if installation.env.contents().is_none() {
        record.add(".env");
    }
    for folder in missing_folders(&installation.app) {
        record.add(folder);
    }
    for InstalledScript {
        script,
        state,
        is_ours,
        ..
    } in &installation.scripts
    {
        let is_written = matches!(state, State::Missing | State::Older);
        if is_written && writes(script.is_owners, *state) || *state == State::Current && *is_ours {
            record.add_file(&script.path, script.contents);
        }
    }
    record
}

fn missing_folders(app: &Path) -> impl Iterator<Item = &'static str> {
    FOLDERS
        .into_iter()
        .filter(move |folder| !app.join(folder).exists())
}

/// Whether a script in this state is written; the owner's only where there is none.
fn writes(is_owners: bool, state: State) -> bool {
    state == State::Missing || state == State::Older && !is_owners
}

/// The steps, in an order in which a second run completes one that was killed: the
/// record of what is created comes before it is, and a script that is refreshed
/// before the record that would call its old text edited.
fn plan(
    installation: Installation,
    manifest: Option<Vec<u8>>,
    env: Option<Vec<u8>>,
) -> Result<Plan, Failure> {
    let Installation {
        app,
        manifest: manifest_file,
        env: env_file,
        scripts,
        ..
    } = installation;
    let written = scripts
        .into_iter()
        .filter(|script| writes(script.script.is_owners, script.state));
    let (new, older): (Vec<_>, Vec<_>) = written.partition(|script| script.state == State::Missing);
    let write = |script: InstalledScript| (script.file, script.script.contents.to_vec());

    let mut writes: Vec<_> = older.into_iter().map(write).collect();
    writes.extend(env.map(|env| (env_file, env)));
    let mut plan = Plan::default();
    for (file, contents) in writes {
        file.check_writable()?;
        plan.add(Step::Write(file, contents));
    }
    for folder in missing_folders(&app) {
        plan.add(Step::MakeDir(app.join(folder)));
    }
    let last = new
        .into_iter()
        .map(write)
        .chain(manifest.map(|manifest| (manifest_file, manifest)));
    for (file, contents) in last {
        file.check_writable()?;
        plan.add(Step::Write(file, contents));
    }
    Ok(plan)
}

/// What is going to be done, a line for each file, and for each key that is kept.
fn describe(installation: &Installation, added: Option<&Source>, changes_env: bool) -> Vec<String> {
    let mut lines = vec![match (added, &installation.dependency) {
        (Some(source), _) => format!("Updated Cargo.toml (with `{}`)", source.line()),
        (None, Found::Yours(key)) => format!("Kept Cargo.toml (your dependency `{key}`)"),
        (None, Found::Ours | Found::Absent) => "Unchanged Cargo.toml".to_owned(),
    }];
    let verb = match installation.env.contents() {
        _ if !changes_env => "Unchanged",
        None => "Created",
        Some(_) => "Updated",
    };
    lines.push(format!("{verb} .env"));
    let kept = installation
        .env_state
        .keys
        .iter()
        .filter(|(_, place)| *place == Place::Yours);
    lines.extend(kept.map(|(name, _)| format!("Kept .env ({name} has your value)")));
    for InstalledScript { script, state, .. } in &installation.scripts {
        let path = &script.path;
        lines.push(match state {
            State::Missing => format!("Created {path}"),
            State::Older if !script.is_owners => format!("Updated {path}"),
            State::Older | State::Edited => format!("Kept {path} (yours)"),
            State::Current => format!("Unchanged {path}"),
        });
    }
    lines
}

/// How a command that is run from here names the app; not at all where it is found anyway.
fn named(app: &Path) -> String {
    if env::current_dir().is_ok_and(|here| here.starts_with(app)) {
        return String::new();
    }
    // As a shell takes it, whatever characters it has.
    format!("-C '{}' ", app.display().to_string().replace('\'', "'\\''"))
}

fn say_what_is_left(app: &Path, report: Report) {
    let mut steps = Vec::new();
    if app::mentions(app).is_empty() {
        steps.push((
            "In src/main.rs, right behind `App::new()`:".to_owned(),
            ".configure(actix_web_sse::routes)".to_owned(),
        ));
    }
    steps.push((
        "In your page:".to_owned(),
        "<script src=\"/js/sse-client.js\"></script>".to_owned(),
    ));
    steps.push((
        "Start the app, open the page, and save a value:".to_owned(),
        format!(
            "sse {}save {} '{{\"order\": 42}}'",
            named(app),
            library::first_key(app)
        ),
    ));
    report.say("\nLeft to do by hand:");
    for (index, (what, line)) in steps.iter().enumerate() {
        report.say(format!("  {}. {what}\n         {line}", index + 1));
    }
    report.say(
        "\nThe stream is public: every visitor receives every value of every key in SSE_EVENTS.\n\
         To put it behind your app's own guard, configure a scope that has the guard:\n\
         \x20        web::scope(\"…\").wrap(…).configure(actix_web_sse::routes)",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_elsewhere_is_named() {
        let here = env::current_dir().expect("there is one");
        assert_eq!(named(&here), "");
        assert_eq!(
            named(Path::new("/it's/else where")),
            "-C '/it'\\''s/else where' "
        );
    }
}
