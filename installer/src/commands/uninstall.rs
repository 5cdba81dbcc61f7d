//! `sse uninstall`.

mod folders;

use std::path::Path;

use self::folders::CreatedFolders;
use super::change::Change;
use crate::app::installation::{Installation, InstalledScript};
use crate::cli::ChangeArgs;
use crate::editing::env::block::{self, BlockRemoval, EditedValues};
use crate::editing::env::values::Values;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::edits::{DependencyRemoval, LibraryEntry};
use crate::editing::plan::{OriginalFile, Step};
use crate::editing::rust::app_code::AppCode;
use crate::editing::rust::rust_file::Unwiring;
use crate::editing::rust::splice::CALL;
use crate::editing::rust::uses;
use crate::editing::scripts::ScriptState;
use crate::editing::text;
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::prompt::Prompt;

pub(crate) fn run(app: &Path, args: &ChangeArgs, output: Output) -> Result<u8, Failure> {
    if !args.only_shows() {
        Installation::recover(app)?;
    }
    let Some(planned) = plan(app, Prompt::new(args))? else {
        output.print("nothing to uninstall: no file has the mark of `sse install`");
        return Ok(exit::DONE);
    };
    for warning in planned.warnings {
        output.warn(warning);
    }
    if planned.change.carry_out(args, output)? && planned.removes_dependency {
        warn_of_uses(app, output);
    }
    Ok(exit::DONE)
}

pub(super) struct PlannedUninstall {
    pub(super) change: Change,
    warnings: Vec<String>,
    removes_dependency: bool,
}

/// Plans the removal; `None` if nothing is installed.
pub(super) fn plan(app: &Path, prompt: Prompt) -> Result<Option<PlannedUninstall>, Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let contents = installation.manifest.contents().unwrap_or_default();
    let dependency = Manifest::parse(contents)?.remove()?;
    let edited_values = if prompt.is_forced() {
        EditedValues::Remove
    } else {
        EditedValues::Keep
    };
    let env = installation.env.contents().unwrap_or_default();
    let block = block::uninstall(env, edited_values)?;
    if dependency.is_none() && block.is_none() {
        return Ok(None);
    }
    let removes_dependency = dependency.is_some();
    let removal = Removal {
        dependency,
        block,
        edited_values,
    };
    let mut change = Change::default();
    let warnings = removal.plan(installation, prompt, &mut change)?;
    Ok(Some(PlannedUninstall {
        change,
        warnings,
        removes_dependency,
    }))
}

/// The edits of `Cargo.toml` and `.env`.
struct Removal {
    dependency: Option<DependencyRemoval>,
    block: Option<BlockRemoval>,
    edited_values: EditedValues,
}

impl Removal {
    /// Plans all steps, and returns warnings. The code comes first, because it does not
    /// compile without the dependency. `.env` comes last, because after a kill a second run
    /// needs its receipt.
    fn plan(
        self,
        installation: Installation,
        prompt: Prompt,
        change: &mut Change,
    ) -> Result<Vec<String>, Failure> {
        let created_env = installation.receipt().has(".env");
        let journal = installation.cache.journal_folder()?;
        let mut folders = CreatedFolders::new(&installation)?;
        let warnings = remove_from_code(installation.code, change)?;
        remove_from_manifest(
            installation.manifest,
            self.dependency,
            &installation.dependency,
            change,
        )?;
        for script in installation.scripts {
            if let Some(path) = remove_script(script, prompt, change)? {
                folders.note_removed(path);
            }
        }
        if let Some(journal) = journal {
            change.will_report("Removed", format!("{journal} (saved values)"));
            let path = installation.app.join(&journal);
            change.plan.add(Step::RemoveTree(path));
            folders.note_removed(journal);
        }
        folders.remove(change);
        if let Some(block) = self.block {
            report_env_lines(&block, self.edited_values, created_env, change);
            remove_from_env(installation.env, block, created_env, change)?;
        }
        Ok(warnings)
    }
}

/// Removes the call from the code. Returns a warning for each file where it is not certain
/// which call is ours.
fn remove_from_code(code: AppCode, change: &mut Change) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for (file, unwiring) in code.unwired() {
        match unwiring {
            Unwiring::Removed(contents) => {
                file.check_writable()?;
                change.will_report("Updated", format!("{} (without `{CALL}`)", file.name()));
                change.plan.add(Step::Write(file, contents));
            }
            Unwiring::Unclear(lines) => {
                let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
                warnings.push(format!(
                    "{} line {}: remove `{CALL}` by hand; `sse` cannot tell which call it added",
                    file.name(),
                    lines.join(", ")
                ));
            }
            Unwiring::Nothing => {}
        }
    }
    Ok(warnings)
}

fn remove_from_manifest(
    file: OriginalFile,
    removal: Option<DependencyRemoval>,
    entry: &LibraryEntry,
    change: &mut Change,
) -> Result<(), Failure> {
    if let Some(removal) = removal {
        file.check_writable()?;
        let object = format!("Cargo.toml (without `{}`)", removal.removed);
        change.will_report("Updated", object);
        change.plan.add(Step::Write(file, removal.text));
    } else if let LibraryEntry::Yours(key) = entry {
        change.will_report("Kept", format!("Cargo.toml (your dependency `{key}`)"));
    }
    Ok(())
}

/// Removes a script if it is ours, and returns its path below the app's folder.
fn remove_script(
    script: InstalledScript,
    prompt: Prompt,
    change: &mut Change,
) -> Result<Option<String>, Failure> {
    if script.state == ScriptState::Missing {
        return Ok(None);
    }
    let path = script.script.path.clone();
    if let Some(why) = reason_to_keep(&script, prompt) {
        change.will_report("Kept", format!("{path} ({why})"));
        return Ok(None);
    }
    script.file.check_writable()?;
    change.will_report("Removed", &path);
    change.plan.add(Step::Remove(script.file));
    Ok(Some(path))
}

fn reason_to_keep(script: &InstalledScript, prompt: Prompt) -> Option<&'static str> {
    if !script.is_ours {
        return Some("`sse install` did not write it");
    }
    if script.state != ScriptState::Edited || prompt.is_forced() {
        return None;
    }
    // Listeners are the owner's work, so only --force removes them, never a mere yes.
    let question = format!("{} has local changes. Remove it?", script.script.path);
    let is_confirmed = !script.script.belongs_to_owner() && prompt.confirm(&question);
    (!is_confirmed).then_some("you have edited it; --force would have removed it")
}

/// Whether `.env` goes as a whole: `install` created it, and nothing else is in it.
fn removes_env(removal: &BlockRemoval, created_env: bool) -> bool {
    created_env && text::without_bom(&removal.text).is_empty()
}

fn remove_from_env(
    file: OriginalFile,
    removal: BlockRemoval,
    created_env: bool,
    change: &mut Change,
) -> Result<(), Failure> {
    file.check_writable()?;
    change.plan.add(if removes_env(&removal, created_env) {
        Step::Remove(file)
    } else {
        Step::Write(file, removal.text)
    });
    Ok(())
}

fn report_env_lines(
    removal: &BlockRemoval,
    edited_values: EditedValues,
    created_env: bool,
    change: &mut Change,
) {
    let is_removed = removes_env(removal, created_env);
    change.will_report(if is_removed { "Removed" } else { "Updated" }, ".env");
    for line in &removal.edited {
        match edited_values {
            EditedValues::Keep => change.will_report(
                "Kept",
                format!(".env (your value; --force would have removed it): {line}"),
            ),
            EditedValues::Remove => {
                change.will_report("Removed", format!("from .env, your value: {line}"));
            }
        }
    }
    if removal.foreign_lines > 0 {
        let object = format!(
            ".env ({} of your lines from inside the block)",
            removal.foreign_lines
        );
        change.will_report("Kept", object);
    }
}

fn warn_of_uses(app: &Path, output: Output) {
    let lines = uses::uses_in(app).lines();
    if !lines.is_empty() {
        output.warn(format!(
            "the app will not compile until these lines no longer use actix_web_sse:\n  {}",
            lines.join("\n  ")
        ));
    }
}
