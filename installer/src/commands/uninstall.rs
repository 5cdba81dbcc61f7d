//! `sse uninstall`.

use std::path::Path;

use crate::app;
use crate::env_block::{self, Removal as EnvRemoval};
use crate::exit::{self, Failure};
use crate::installation::{Installation, InstalledScript};
use crate::manifest::{Found, Manifest, Removal};
use crate::plan::{Plan, Step};
use crate::report::Report;
use crate::scripts::State;
use crate::text;

/// What there is to take out, and what to say once it is done.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    lines: Vec<String>,
    folders: Vec<String>,
    removes_dependency: bool,
}

pub(crate) fn run(app: &Path, report: Report) -> Result<u8, Failure> {
    let Some(prepared) = prepare(app)? else {
        report.say("nothing to uninstall");
        return Ok(exit::DONE);
    };
    prepared.plan.write()?;
    for line in prepared.lines {
        report.say(line);
    }
    for folder in prepared.folders {
        if app.join(&folder).exists() {
            report.say(format!("Kept {folder} (it is not empty)"));
        } else {
            report.say(format!("Removed {folder}"));
        }
    }
    if prepared.removes_dependency {
        warn_of_mentions(app, report);
    }
    Ok(exit::DONE)
}

/// Works everything out; `None` where nothing is installed.
pub(super) fn prepare(app: &Path) -> Result<Option<Prepared>, Failure> {
    let installation = Installation::read(app)?;
    let contents = installation.manifest.contents().unwrap_or_default();
    let manifest = Manifest::parse(contents)?.remove()?;
    let env = env_block::uninstall(installation.env.contents().unwrap_or_default())?;
    if manifest.is_none() && env.is_none() {
        return Ok(None);
    }
    let is_there = |folder: &&str| installation.app.join(folder).is_dir();
    let folders = installation
        .record()
        .folders()
        .filter(is_there)
        .map(str::to_owned);
    let folders: Vec<String> = folders.collect();
    let lines = describe(&installation, manifest.as_ref(), env.as_ref());
    let removes_dependency = manifest.is_some();
    let plan = plan(installation, manifest, env, &folders)?;
    Ok(Some(Prepared {
        plan,
        lines,
        folders,
        removes_dependency,
    }))
}

/// The steps; `.env` comes last, since its record is what a second run goes by
/// when this one is killed.
fn plan(
    installation: Installation,
    manifest: Option<Removal>,
    env: Option<EnvRemoval>,
    folders: &[String],
) -> Result<Plan, Failure> {
    let creates_env = installation.record().has(".env");
    let Installation {
        app,
        manifest: manifest_file,
        env: env_file,
        scripts,
        ..
    } = installation;
    let mut plan = Plan::default();
    if let Some(removal) = manifest {
        manifest_file.check_writable()?;
        plan.add(Step::Write(manifest_file, removal.text));
    }
    for script in scripts.into_iter().filter(is_removed) {
        script.file.check_writable()?;
        plan.add(Step::Remove(script.file));
    }
    for folder in folders {
        plan.add(Step::RemoveDir(app.join(folder)));
    }
    if let Some(removal) = env {
        env_file.check_writable()?;
        plan.add(if creates_env && is_empty(&removal) {
            Step::Remove(env_file)
        } else {
            Step::Write(env_file, removal.text)
        });
    }
    Ok(plan)
}

fn is_removed(script: &InstalledScript) -> bool {
    script.is_ours && matches!(script.state, State::Current | State::Older)
}

fn is_empty(removal: &EnvRemoval) -> bool {
    text::without_bom(&removal.text).is_empty()
}

fn describe(
    installation: &Installation,
    manifest: Option<&Removal>,
    env: Option<&EnvRemoval>,
) -> Vec<String> {
    let mut lines = Vec::new();
    match (manifest, &installation.dependency) {
        (Some(removal), _) => {
            lines.push(format!(
                "Updated Cargo.toml (without `{}`)",
                removal.removed
            ));
        }
        (None, Found::Yours(key)) => {
            lines.push(format!("Kept Cargo.toml (your dependency `{key}`)"));
        }
        (None, Found::Ours | Found::Absent) => {}
    }
    if let Some(removal) = env {
        let verb = if installation.record().has(".env") && is_empty(removal) {
            "Removed"
        } else {
            "Updated"
        };
        lines.push(format!("{verb} .env"));
        let edited = removal.edited.iter();
        lines.extend(edited.map(|line| format!("Removed from .env, with your value: {line}")));
        if removal.foreign > 0 {
            lines.push(format!(
                "Kept .env ({} of your lines from inside the block)",
                removal.foreign
            ));
        }
    }
    for script in &installation.scripts {
        let path = &script.script.path;
        match script.state {
            State::Missing => {}
            _ if is_removed(script) => lines.push(format!("Removed {path}")),
            State::Edited => lines.push(format!("Kept {path} (you have edited it)")),
            State::Current | State::Older => {
                lines.push(format!("Kept {path} (`sse install` did not write it)"));
            }
        }
    }
    lines
}

fn warn_of_mentions(app: &Path, report: Report) {
    let mentions = app::mentions(app);
    if mentions.is_empty() {
        return;
    }
    report.warn(format!(
        "the app will not compile until these lines no longer use actix_web_sse:\n  {}",
        mentions.join("\n  ")
    ));
}
