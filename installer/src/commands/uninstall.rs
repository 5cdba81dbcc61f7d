//! `sse uninstall`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::change::Change;
use crate::app::installation::{Installation, InstalledScript};
use crate::cli::ChangeArgs;
use crate::editing::env::block::{self, BlockRemoval, EditedValues};
use crate::editing::env::values::Values;
use crate::editing::manifest::cargo_toml::{DependencyRemoval, LibraryEntry, Manifest};
use crate::editing::plan::{self, Original, Step};
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
    let Some(prepared) = prepare(app, Prompt::new(args))? else {
        output.print("nothing to uninstall: nothing here carries the mark of `sse install`");
        return Ok(exit::DONE);
    };
    for warning in prepared.warnings {
        output.warn(warning);
    }
    if prepared.change.carry_out(args, output, "uninstall")? && prepared.removes_dependency {
        warn_of_uses(app, output);
    }
    Ok(exit::DONE)
}

/// What there is to take out.
pub(super) struct Prepared {
    pub(super) change: Change,
    warnings: Vec<String>,
    removes_dependency: bool,
}

/// Works everything out; `None` where nothing is installed.
pub(super) fn prepare(app: &Path, prompt: Prompt) -> Result<Option<Prepared>, Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let contents = installation.manifest.contents().unwrap_or_default();
    let manifest = Manifest::parse(contents)?.remove()?;
    let fate = if prompt.is_forced() {
        EditedValues::Remove
    } else {
        EditedValues::Keep
    };
    let env = block::uninstall(installation.env.contents().unwrap_or_default(), fate)?;
    if manifest.is_none() && env.is_none() {
        return Ok(None);
    }
    let removes_dependency = manifest.is_some();
    let has_created_env = installation.record().has(".env");
    let own_cache = installation.cache.own()?;
    let mut folders = Folders::of(&installation)?;
    let Installation {
        app,
        manifest: manifest_file,
        dependency,
        env: env_file,
        scripts,
        code,
        ..
    } = installation;

    // The code first, which would not compile without the dependency; `.env` last, since its
    // record is what a second run goes by when this one is killed.
    let mut change = Change::default();
    let warnings = take_out_of_code(code, &mut change)?;
    take_out_of_manifest(manifest_file, manifest, &dependency, &mut change)?;
    for script in scripts {
        if let Some(path) = take_out_script(script, prompt, &mut change)? {
            folders.lose(path);
        }
    }
    if let Some(own) = own_cache {
        change.will_report("Removed", format!("{own} (saved values)"));
        change.plan.add(Step::RemoveTree(app.join(&own)));
        folders.lose(own);
    }
    folders.remove(&mut change);
    if let Some(removal) = env {
        take_out_of_env(env_file, removal, has_created_env, fate, &mut change)?;
    }
    Ok(Some(Prepared {
        change,
        warnings,
        removes_dependency,
    }))
}

/// Takes our call out of the code; what is not clear enough for that is returned in words.
fn take_out_of_code(code: AppCode, change: &mut Change) -> Result<Vec<String>, Failure> {
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
                    "{} line {}: take out `{CALL}` by hand, it is not clear what is ours",
                    file.name(),
                    lines.join(", ")
                ));
            }
            Unwiring::Nothing => {}
        }
    }
    Ok(warnings)
}

fn take_out_of_manifest(
    file: Original,
    removal: Option<DependencyRemoval>,
    dependency: &LibraryEntry,
    change: &mut Change,
) -> Result<(), Failure> {
    if let Some(removal) = removal {
        file.check_writable()?;
        let what = format!("Cargo.toml (without `{}`)", removal.removed);
        change.will_report("Updated", what);
        change.plan.add(Step::Write(file, removal.text));
    } else if let LibraryEntry::Yours(key) = dependency {
        change.will_report("Kept", format!("Cargo.toml (your dependency `{key}`)"));
    }
    Ok(())
}

/// Removes a script that may go, and returns its path below the app's folder.
fn take_out_script(
    script: InstalledScript,
    prompt: Prompt,
    change: &mut Change,
) -> Result<Option<String>, Failure> {
    if script.state == ScriptState::Missing {
        return Ok(None);
    }
    let path = script.script.path.clone();
    if let Some(why) = why_kept(&script, prompt) {
        change.will_report("Kept", format!("{path} ({why})"));
        return Ok(None);
    }
    script.file.check_writable()?;
    change.will_report("Removed", &path);
    change.plan.add(Step::Remove(script.file));
    Ok(Some(path))
}

/// Why the script stays; `None` if it goes.
fn why_kept(script: &InstalledScript, prompt: Prompt) -> Option<&'static str> {
    if !script.is_ours {
        return Some("`sse install` did not write it");
    }
    if script.state != ScriptState::Edited || prompt.is_forced() {
        return None;
    }
    // Listeners are the owner's work, and only the owner's word removes them.
    let question = format!("{} has local changes. Remove it?", script.script.path);
    let agrees = !script.script.is_owners() && prompt.confirm(&question);
    (!agrees).then_some("you have edited it; --force would have removed it")
}

/// The folders that `install` recorded, and what they will not hold any more.
struct Folders {
    app: PathBuf,
    /// The deepest first.
    recorded: Vec<String>,
    lost: BTreeSet<PathBuf>,
}

impl Folders {
    fn of(installation: &Installation) -> Result<Self, Failure> {
        let mut recorded = Vec::new();
        for folder in installation.record().folders() {
            if plan::exists(&installation.app.join(folder))? {
                recorded.push(folder.to_owned());
            }
        }
        Ok(Self {
            app: installation.app.clone(),
            recorded,
            lost: BTreeSet::new(),
        })
    }

    fn lose(&mut self, path: String) {
        self.lost.insert(self.app.join(path));
    }

    /// Removes each that will be empty then, and names the others.
    fn remove(mut self, change: &mut Change) {
        for folder in self.recorded {
            let path = self.app.join(&folder);
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            if entries
                .map(|entry| entry.path())
                .all(|path| self.lost.contains(&path))
            {
                change.will_report("Removed", folder);
                self.lost.insert(path.clone());
            } else {
                change.will_report("Kept", format!("{folder} (it is not empty)"));
            }
            change.plan.add(Step::RemoveDir(path));
        }
    }
}

fn take_out_of_env(
    file: Original,
    removal: BlockRemoval,
    has_created_it: bool,
    fate: EditedValues,
    change: &mut Change,
) -> Result<(), Failure> {
    file.check_writable()?;
    let goes = has_created_it && text::without_bom(&removal.text).is_empty();
    change.will_report(if goes { "Removed" } else { "Updated" }, ".env");
    for line in removal.edited {
        match fate {
            EditedValues::Keep => change.will_report(
                "Kept",
                format!(".env (your value; --force would have removed it): {line}"),
            ),
            EditedValues::Remove => {
                change.will_report("Removed", format!("from .env, your value: {line}"))
            }
        }
    }
    if removal.foreign > 0 {
        change.will_report(
            "Kept",
            format!(
                ".env ({} of your lines from inside the block)",
                removal.foreign
            ),
        );
    }
    change.plan.add(if goes {
        Step::Remove(file)
    } else {
        Step::Write(file, removal.text)
    });
    Ok(())
}

fn warn_of_uses(app: &Path, output: Output) {
    let mentions = uses::uses_in(app).lines();
    if !mentions.is_empty() {
        output.warn(format!(
            "the app will not compile until these lines no longer use actix_web_sse:\n  {}",
            mentions.join("\n  ")
        ));
    }
}
