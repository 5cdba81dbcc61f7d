//! `sse uninstall`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::change::Change;
use crate::app;
use crate::cli::ChangeArgs;
use crate::code::{CALL, Code, Unwiring};
use crate::consent::Consent;
use crate::env_block::{self, Edited, Removal as EnvRemoval, Values};
use crate::exit::{self, Failure};
use crate::installation::{Installation, InstalledScript};
use crate::manifest::{Found, Manifest, Removal};
use crate::plan::{self, Original, Step};
use crate::report::Report;
use crate::scripts::State;
use crate::text;

pub(crate) fn run(app: &Path, args: &ChangeArgs, report: Report) -> Result<u8, Failure> {
    if !args.only_shows() {
        Installation::recover(app)?;
    }
    let Some(prepared) = prepare(app, Consent::new(args))? else {
        report.say("nothing to uninstall: nothing here carries the mark of `sse install`");
        return Ok(exit::DONE);
    };
    for warning in prepared.warnings {
        report.warn(warning);
    }
    if prepared.change.carry_out(args, report, "uninstall")? && prepared.removes_dependency {
        warn_of_uses(app, report);
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
pub(super) fn prepare(app: &Path, consent: Consent) -> Result<Option<Prepared>, Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let contents = installation.manifest.contents().unwrap_or_default();
    let manifest = Manifest::parse(contents)?.remove()?;
    let fate = if consent.is_forced() {
        Edited::Goes
    } else {
        Edited::Stays
    };
    let env = env_block::uninstall(installation.env.contents().unwrap_or_default(), fate)?;
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
        if let Some(path) = take_out_script(script, consent, &mut change)? {
            folders.lose(path);
        }
    }
    if let Some(own) = own_cache {
        change.will_say("Removed", format!("{own} (saved values)"));
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
fn take_out_of_code(code: Code, change: &mut Change) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    for (file, unwiring) in code.unwired() {
        match unwiring {
            Unwiring::Removed(contents) => {
                file.check_writable()?;
                change.will_say("Updated", format!("{} (without `{CALL}`)", file.name()));
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
    removal: Option<Removal>,
    dependency: &Found,
    change: &mut Change,
) -> Result<(), Failure> {
    if let Some(removal) = removal {
        file.check_writable()?;
        let what = format!("Cargo.toml (without `{}`)", removal.removed);
        change.will_say("Updated", what);
        change.plan.add(Step::Write(file, removal.text));
    } else if let Found::Yours(key) = dependency {
        change.will_say("Kept", format!("Cargo.toml (your dependency `{key}`)"));
    }
    Ok(())
}

/// Removes a script that may go, and returns its path below the app's folder.
fn take_out_script(
    script: InstalledScript,
    consent: Consent,
    change: &mut Change,
) -> Result<Option<String>, Failure> {
    if script.state == State::Missing {
        return Ok(None);
    }
    let path = script.script.path.clone();
    if let Some(why) = why_kept(&script, consent) {
        change.will_say("Kept", format!("{path} ({why})"));
        return Ok(None);
    }
    script.file.check_writable()?;
    change.will_say("Removed", &path);
    change.plan.add(Step::Remove(script.file));
    Ok(Some(path))
}

/// Why the script stays; `None` if it goes.
fn why_kept(script: &InstalledScript, consent: Consent) -> Option<&'static str> {
    if !script.is_ours {
        return Some("`sse install` did not write it");
    }
    if script.state != State::Edited || consent.is_forced() {
        return None;
    }
    // Listeners are the owner's work, and only the owner's word removes them.
    let question = format!("{} has local changes. Remove it?", script.script.path);
    let agrees = !script.script.is_owners() && consent.to(&question);
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
                change.will_say("Removed", folder);
                self.lost.insert(path.clone());
            } else {
                change.will_say("Kept", format!("{folder} (it is not empty)"));
            }
            change.plan.add(Step::RemoveDir(path));
        }
    }
}

fn take_out_of_env(
    file: Original,
    removal: EnvRemoval,
    has_created_it: bool,
    fate: Edited,
    change: &mut Change,
) -> Result<(), Failure> {
    file.check_writable()?;
    let goes = has_created_it && text::without_bom(&removal.text).is_empty();
    change.will_say(if goes { "Removed" } else { "Updated" }, ".env");
    for line in removal.edited {
        match fate {
            Edited::Stays => change.will_say(
                "Kept",
                format!(".env (your value; --force would have removed it): {line}"),
            ),
            Edited::Goes => change.will_say("Removed", format!("from .env, your value: {line}")),
        }
    }
    if removal.foreign > 0 {
        change.will_say(
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

fn warn_of_uses(app: &Path, report: Report) {
    let mentions = app::mentions(app);
    if !mentions.is_empty() {
        report.warn(format!(
            "the app will not compile until these lines no longer use actix_web_sse:\n  {}",
            mentions.join("\n  ")
        ));
    }
}
