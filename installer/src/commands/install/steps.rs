//! The order in which `install` writes.
//!
//! A second run completes one that was killed, and `uninstall` undoes it: so what `install`
//! remembers of what it creates is written before it is created, a script that is replaced
//! before the record that would call its old text edited, and the code after the manifest,
//! without which it would not compile.

use crate::app::installation::Installation;
use crate::editing::plan::{Original, Plan, Step};
use crate::exit::Failure;

/// Everything that is to be written.
pub(super) struct Parts {
    pub(super) env: Option<Vec<u8>>,
    pub(super) folders: Vec<&'static str>,
    pub(super) scripts: Vec<Written>,
    pub(super) manifest: Option<Vec<u8>>,
    pub(super) code: Option<Written>,
}

/// A file with its new contents.
pub(super) struct Written {
    /// Below the app's folder.
    pub(super) name: String,
    pub(super) contents: Vec<u8>,
}

pub(super) fn add(
    plan: &mut Plan,
    installation: Installation,
    mut parts: Parts,
) -> Result<(), Failure> {
    let Installation {
        app,
        manifest,
        env,
        scripts,
        code,
        ..
    } = installation;
    let mut replaced = Vec::new();
    let mut created = Vec::new();
    for script in scripts {
        let Some(at) = position(&parts.scripts, &script.script.path) else {
            continue;
        };
        let contents = parts.scripts.swap_remove(at).contents;
        let exists = script.file.contents().is_some();
        let list = if exists { &mut replaced } else { &mut created };
        list.push((script.file, contents));
    }

    write(plan, replaced)?;
    write(plan, parts.env.map(|contents| (env, contents)))?;
    for folder in parts.folders {
        plan.add(Step::MakeDir(app.join(folder)));
    }
    write(plan, created)?;
    write(plan, parts.manifest.map(|contents| (manifest, contents)))?;
    let code = parts.code.and_then(|written| {
        let mut files = code.into_files();
        let file = files.find(|file| file.name() == written.name)?;
        Some((file, written.contents))
    });
    write(plan, code)
}

fn position(written: &[Written], path: &str) -> Option<usize> {
    written.iter().position(|written| written.name == path)
}

fn write(
    plan: &mut Plan,
    files: impl IntoIterator<Item = (Original, Vec<u8>)>,
) -> Result<(), Failure> {
    for (file, contents) in files {
        file.check_writable()?;
        plan.add(Step::Write(file, contents));
    }
    Ok(())
}
