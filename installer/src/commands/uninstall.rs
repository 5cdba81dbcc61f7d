//! `sse uninstall`.

mod folders;

use std::iter;
use std::path::Path;
use std::slice;

use actix_web_sse::cli_support::EXAMPLE_EVENTS;

use self::folders::CreatedFolders;
use super::planned_change::{self, PlannedChange};
use crate::app::app_files::{AppFiles, ScriptFile};
use crate::cli::ChangeArgs;
use crate::editing::env::block::BlockRemoval;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::edits::{DependencyRemoval, LibraryEntry};
use crate::editing::plan::{OriginalFile, Step};
use crate::editing::rust::app_code::AppCode;
use crate::editing::rust::rust_file::RouteCallRemoval;
use crate::editing::rust::source_code::SourceCode;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::editing::scripts::ScriptState;
use crate::editing::text;
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::prompt;
use crate::sources::script_tags;
use crate::sources::source_files::{self, LISTENERS_GLOBAL, LISTENERS_PATH, SourceFile};

pub(crate) fn run(app: &Path, args: &ChangeArgs, output: Output) -> Result<u8, Failure> {
    let _lock = planned_change::lock(app, args)?;
    let Some(planned) = plan(app, args)? else {
        output.note("nothing to uninstall: no file contains changes made by `sse install`");
        warn_of_unmarked_scripts(app, output)?;
        return Ok(exit::DONE);
    };
    for warning in planned.warnings {
        output.warn(warning);
    }
    if planned.change.carry_out(args, output)? {
        if planned.removes_dependency {
            warn_of_uses(app, output);
        }
        if planned.removes_dependency || !app.join(LISTENERS_PATH).exists() {
            warn_of_pages(app, output);
        }
    }
    Ok(exit::DONE)
}

pub(super) struct PlannedUninstall {
    pub(super) change: PlannedChange,
    warnings: Vec<String>,
    removes_dependency: bool,
}

/// Plans the removal; `None` if nothing is installed.
pub(super) fn plan(app: &Path, args: &ChangeArgs) -> Result<Option<PlannedUninstall>, Failure> {
    let app_files = AppFiles::open(app, EXAMPLE_EVENTS, args)?;
    let contents = app_files.manifest.contents().unwrap_or_default();
    let dependency = Manifest::parse(contents)?.without_dependency()?;
    let block = app_files.env_state.uninstall(args.force);
    if dependency.is_none() && block.is_none() {
        return Ok(None);
    }
    let removes_dependency = dependency.is_some();
    let created_env = app_files.receipt().has(".env");
    let env = app_files.env.clone();
    let mut change = PlannedChange::default();
    let warnings = plan_files(app_files, dependency, args, &mut change)?;
    // `.env` comes last, because after a kill a second run needs its receipt.
    if let Some(block) = block {
        report_env_lines(&block, args.force, created_env, &mut change);
        plan_env(env, block, created_env, &mut change)?;
    }
    Ok(Some(PlannedUninstall {
        change,
        warnings,
        removes_dependency,
    }))
}

/// Plans the steps before `.env`, and returns warnings. The code comes first, because it does not
/// compile without the dependency.
fn plan_files(
    app_files: AppFiles,
    dependency: Option<DependencyRemoval>,
    args: &ChangeArgs,
    change: &mut PlannedChange,
) -> Result<Vec<String>, Failure> {
    let sse_folder = app_files.cache.sse_folder()?;
    let shared_folder = app_files.cache.shared_sse_folder()?;
    let mut folders = CreatedFolders::new(&app_files)?;
    let warnings = plan_code(app_files.code, change)?;
    plan_manifest(
        app_files.manifest,
        dependency,
        &app_files.dependency,
        change,
    )?;
    for script in app_files.scripts {
        folders.removed.extend(plan_script(script, args, change)?);
    }
    if let Some(folder) = sse_folder {
        change.will_report("Removed", format!("{folder} (saved values)"));
        let path = app_files.app.join(&folder);
        change.plan.add(Step::RemoveTree(path))?;
        folders.removed.insert(folder);
    }
    if let Some(folder) = shared_folder {
        let object = format!(
            "{} (saved values, which other apps may share)",
            folder.display()
        );
        change.will_report("Kept", object);
    }
    folders.plan_removal(&app_files.app, change)?;
    Ok(warnings)
}

/// Plans to remove the call from the code. Returns a warning for each file where it is not certain
/// which call `install` inserted.
fn plan_code(code: AppCode, change: &mut PlannedChange) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for (file, removal) in code.without_call() {
        match removal {
            RouteCallRemoval::Removed(contents) => {
                let object = format!("{} (without `{ROUTES_CALL}`)", file.name());
                change.will_report("Updated", object);
                change.plan.add(Step::Write(file, contents))?;
            }
            RouteCallRemoval::Uncertain(lines) => {
                let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
                warnings.push(format!(
                    "{} line {}: remove `{ROUTES_CALL}` by hand; `sse` cannot tell which call it added",
                    file.name(),
                    lines.join(", ")
                ));
            }
            RouteCallRemoval::Nothing => {}
        }
    }
    Ok(warnings)
}

fn plan_manifest(
    file: OriginalFile,
    removal: Option<DependencyRemoval>,
    entry: &LibraryEntry,
    change: &mut PlannedChange,
) -> Result<(), Failure> {
    if let Some(removal) = removal {
        let object = format!("Cargo.toml (without `{}`)", removal.removed);
        change.will_report("Updated", object);
        change.plan.add(Step::Write(file, removal.text))?;
    } else if let LibraryEntry::ByOwner(key) = entry {
        change.will_report("Kept", format!("Cargo.toml (your dependency `{key}`)"));
    }
    Ok(())
}

/// Plans to remove a script that `install` wrote, and returns its path below the app's folder.
fn plan_script(
    script: ScriptFile,
    args: &ChangeArgs,
    change: &mut PlannedChange,
) -> Result<Option<String>, Failure> {
    if script.state == ScriptState::Missing {
        return Ok(None);
    }
    let path = script.shipped.path.clone();
    if let Some(why) = reason_to_keep(&script, args) {
        change.will_report("Kept", format!("{path} ({why})"));
        return Ok(None);
    }
    change.will_report("Removed", &path);
    change.plan.add(Step::Remove(script.file))?;
    Ok(Some(path))
}

fn reason_to_keep(script: &ScriptFile, args: &ChangeArgs) -> Option<&'static str> {
    if !script.is_by_install {
        return Some("`sse install` did not write it");
    }
    if script.state != ScriptState::Edited || args.force {
        return None;
    }
    // Listeners are the owner's work, so only --force removes them, never a mere yes.
    let question = format!("{} was modified. Remove it?", script.shipped.path);
    let is_confirmed = !script.shipped.belongs_to_owner() && prompt::confirm(args, &question);
    (!is_confirmed).then_some("you have modified it; use --force to remove it")
}

/// Whether `.env` goes as a whole: `install` created it, and nothing else is in it.
fn removes_env(removal: &BlockRemoval, created_env: bool) -> bool {
    created_env && text::without_bom(&removal.text).is_empty()
}

fn plan_env(
    file: OriginalFile,
    removal: BlockRemoval,
    created_env: bool,
    change: &mut PlannedChange,
) -> Result<(), Failure> {
    change.plan.add(if removes_env(&removal, created_env) {
        Step::Remove(file)
    } else {
        Step::Write(file, removal.text)
    })
}

fn report_env_lines(
    removal: &BlockRemoval,
    removes_edited_values: bool,
    created_env: bool,
    change: &mut PlannedChange,
) {
    let is_removed = removes_env(removal, created_env);
    change.will_report(if is_removed { "Removed" } else { "Updated" }, ".env");
    for line in &removal.edited {
        if removes_edited_values {
            change.will_report("Removed", format!("from .env, your value: {line}"));
        } else {
            let object = format!(".env (your value; use --force to remove it): {line}");
            change.will_report("Kept", object);
        }
    }
    if removal.owner_lines > 0 {
        let object = format!(
            ".env ({} of your own lines in the block)",
            removal.owner_lines
        );
        change.will_report("Kept", object);
    }
}

/// Pages belong to the owner, so what they still load or use is only named.
fn warn_of_pages(app: &Path, output: Output) {
    let sources = source_files::read_all(app);
    let others = sources
        .iter()
        .filter(|source| source.path != LISTENERS_PATH);
    let locations: Vec<String> = others.flat_map(client_locations).collect();
    if !locations.is_empty() {
        output.warn(format!(
            "these lines still need sse-client.js, which the app no longer serves:\n  {}",
            locations.join("\n  ")
        ));
    }
}

/// Without a block in `.env` and a line in the manifest, as after `sse install --no-env` with the owner's
/// dependency, nothing proves what `install` added.
fn warn_of_unmarked_scripts(app: &Path, output: Output) -> Result<(), Failure> {
    let scripts = AppFiles::read(app, EXAMPLE_EVENTS)?.scripts.into_iter();
    let current = scripts.filter(|script| script.state == ScriptState::Current);
    let paths: Vec<String> = current.map(|script| script.shipped.path).collect();
    if !paths.is_empty() {
        output.warn(format!(
            "remove these files and `{ROUTES_CALL}` by hand, if you do not need them: nothing shows that \
             `sse install` added them\n  {}",
            paths.join("\n  ")
        ));
    }
    Ok(())
}

/// Where the file loads the listeners' script, or uses what it provides.
fn client_locations(source: &SourceFile) -> Vec<String> {
    let tags = script_tags::find_all(slice::from_ref(source)).into_iter();
    let tags = tags.map(|tag| tag.location());
    let mut locations: Vec<String> = tags.chain(source.locations(LISTENERS_GLOBAL)).collect();
    locations.dedup();
    locations
}

fn warn_of_uses(app: &Path, output: Output) {
    let lines = SourceCode::read(app, iter::empty()).library_lines();
    if !lines.is_empty() {
        output.warn(format!(
            "the app will not compile until these lines no longer use actix_web_sse:\n  {}",
            lines.join("\n  ")
        ));
    }
}
