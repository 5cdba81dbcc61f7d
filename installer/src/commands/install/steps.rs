//! The order in which `install` writes.
//!
//! After a kill at any point, a second run must be able to complete the installation, and
//! `uninstall` to undo it. So the receipt is written before the files it lists are created,
//! replaced scripts before the receipt with their new hashes, and the code after the
//! manifest, without which it would not compile.

use crate::app::installation::Installation;
use crate::editing::plan::{OriginalFile, Plan, Step};
use crate::exit::Failure;

/// Everything that `install` will write.
pub(super) struct NewContents {
    pub(super) env: Option<Vec<u8>>,
    pub(super) folders: Vec<&'static str>,
    pub(super) scripts: Vec<NewFile>,
    pub(super) manifest: Option<Vec<u8>>,
    pub(super) code: Option<NewFile>,
}

/// A file with its new contents.
pub(super) struct NewFile {
    /// The path below the app's folder.
    pub(super) name: String,
    pub(super) contents: Vec<u8>,
}

pub(super) fn add(
    plan: &mut Plan,
    installation: Installation,
    mut new: NewContents,
) -> Result<(), Failure> {
    let Installation {
        app,
        manifest,
        env,
        scripts,
        code,
        ..
    } = installation;
    let written = scripts.into_iter().filter_map(|script| {
        let index = position(&new.scripts, &script.script.path)?;
        Some((script.file, new.scripts.swap_remove(index).contents))
    });
    let (replaced, created): (Vec<_>, Vec<_>) =
        written.partition(|(file, _)| file.contents().is_some());

    write(plan, replaced)?;
    write(plan, new.env.map(|contents| (env, contents)))?;
    for folder in new.folders {
        plan.add(Step::MakeDir(app.join(folder)));
    }
    write(plan, created)?;
    write(plan, new.manifest.map(|contents| (manifest, contents)))?;
    let code = new.code.and_then(|written| {
        let mut files = code.into_files();
        let file = files.find(|file| file.name() == written.name)?;
        Some((file, written.contents))
    });
    write(plan, code)
}

fn position(written: &[NewFile], path: &str) -> Option<usize> {
    written.iter().position(|written| written.name == path)
}

fn write(
    plan: &mut Plan,
    files: impl IntoIterator<Item = (OriginalFile, Vec<u8>)>,
) -> Result<(), Failure> {
    for (file, contents) in files {
        file.check_writable()?;
        plan.add(Step::Write(file, contents));
    }
    Ok(())
}
