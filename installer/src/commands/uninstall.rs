//! `sse uninstall`.

mod folders;
mod module_script;
mod unmarked;

use std::iter;
use std::path::Path;
use std::slice;

use actix_web_sse::cli_support::{RedisCache, settings};

use self::folders::CreatedFolders;
use super::planned_change::{self, PlannedChange};
use crate::app::app_files::AppFiles;
use crate::app::kind::Purpose;
use crate::app::layout::AppLayout;
use crate::app::script_files::ScriptFile;
use crate::cli::ChangeArgs;
use crate::editing::env::block::BlockRemoval;
use crate::editing::env::values::InstallValues;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::edits::{DependencyRemoval, LibraryEntry};
use crate::editing::plan::{OriginalFile, Step};
use crate::editing::rust::app_code::AppCode;
use crate::editing::rust::rust_file::RouteCallRemoval;
use crate::editing::rust::source_code::SourceCode;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::editing::scripts::{self, ScriptState};
use crate::editing::text;
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::prompt;
use crate::sources::script_tags;
use crate::sources::source_files::{LISTENERS_GLOBAL, SourceFile};

pub(crate) fn run(app: &Path, args: &ChangeArgs, output: Output) -> Result<u8, Failure> {
    let _lock = planned_change::lock(app, args)?;
    let Some(planned) = plan(app, args)? else {
        output.note("nothing to uninstall: no file contains changes made by `sse install`");
        unmarked::warn(app, output)?;
        return Ok(exit::DONE);
    };
    for warning in planned.warnings {
        output.warn(warning);
    }
    if planned.change.carry_out(args, output)? {
        if planned.removes_dependency {
            warn_of_uses(app, output);
        }
        let listeners = planned.layout.listeners_path();
        if planned.removes_dependency || !app.join(listeners).exists() {
            warn_of_pages(&planned.layout, output);
        }
    }
    Ok(exit::DONE)
}

pub(super) struct PlannedUninstall {
    pub(super) change: PlannedChange,
    pub(super) warnings: Vec<String>,
    removes_dependency: bool,
    layout: AppLayout,
}

/// Plans the removal; `None` if nothing is installed.
pub(super) fn plan(app: &Path, args: &ChangeArgs) -> Result<Option<PlannedUninstall>, Failure> {
    let values = InstallValues::default();
    let app_files = AppFiles::open(app, values, Purpose::Uninstall, args)?;
    let dependency = match &app_files.rust {
        Some(rust) => without_dependency(&rust.manifest)?,
        None => None,
    };
    let block = app_files.env_state.uninstall(args.force);
    if dependency.is_none() && block.is_none() {
        return Ok(None);
    }
    let removes_dependency = dependency.is_some();
    let created_env = app_files.receipt().has(".env");
    let env = app_files.env.clone();
    let layout = app_files.layout.clone();
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
        layout,
    }))
}

fn without_dependency(manifest: &OriginalFile) -> Result<Option<DependencyRemoval>, Failure> {
    Manifest::parse(manifest.contents().unwrap_or_default())?.without_dependency()
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
    let redis = app_files.cache.redis.clone();
    let mut folders = CreatedFolders::new(&app_files)?;
    let mut warnings = moved_scripts(&app_files);
    warnings.extend(module_script::lost_copy(&app_files));
    let app = app_files.layout.app;
    if let Some(rust) = app_files.rust {
        warnings.extend(plan_code(rust.code, change)?);
        plan_manifest(rust.manifest, dependency, &rust.dependency, change)?;
    }
    let mut copy = app_files.module_script.filter(|copy| copy.is_by_install);
    let scripts = app_files.scripts.into_iter();
    for script in scripts.chain(app_files.former_scripts) {
        let is_listeners = script.shipped.belongs_to_owner();
        folders
            .removed
            .extend(match copy.take_if(|_| is_listeners) {
                Some(copy) => module_script::plan(script, copy, args, change)?,
                None => plan_script(script, args, change)?,
            });
    }
    let contents = match &redis {
        None => "saved values",
        Some(_) => "drop-ins in transit",
    };
    if let Some(folder) = sse_folder {
        change.will_report("Removed", format!("{folder} ({contents})"));
        change.plan.add(Step::RemoveTree(app.join(&folder)))?;
        folders.removed.insert(folder);
    }
    if let Some(folder) = shared_folder {
        let object = format!(
            "{} ({contents}, which other apps may share)",
            folder.display()
        );
        change.will_report("Kept", object);
    }
    if let Some(redis) = redis {
        change.will_report("Kept", redis_object(&redis));
    }
    folders.plan_removal(&app, change)?;
    Ok(warnings)
}

/// A receipt lists no paths outside of the app's folder.
fn moved_scripts(app_files: &AppFiles) -> Vec<String> {
    let has_moved = (app_files.layout.public).has_moved_inside(app_files.receipt());
    let warning = has_moved.then(|| {
        format!(
            "{} was changed after `sse install`: remove {} by hand from the folder js of the folder that it named before",
            settings::public.name,
            scripts::NAMES.join(", ")
        )
    });
    warning.into_iter().collect()
}

/// The keys stay: other servers may use them, and `uninstall` may run on a developer's machine.
fn redis_object(redis: &RedisCache) -> String {
    let keys = redis.keys().map(|key| format!("'{key}'")).join(" ");
    let (address, options) = (redis.address(), redis.redis_cli_options());
    format!(
        "{address} (saved values, which other servers may share; to delete them: redis-cli {options} UNLINK {keys})"
    )
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
    if matches!(script.state, ScriptState::Missing | ScriptState::OfModule) {
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
fn warn_of_pages(layout: &AppLayout, output: Output) {
    let sources = layout.sources();
    let others = sources.iter().filter(|source| !source.is_listeners());
    let locations: Vec<String> = others.flat_map(client_locations).collect();
    if !locations.is_empty() {
        output.warn(format!(
            "these lines still need sse-client.js, which {} no longer serves:\n  {}",
            layout.kind.server(),
            locations.join("\n  ")
        ));
    }
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
