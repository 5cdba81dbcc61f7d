//! The order in which `install` writes.
//!
//! After a kill at any point, a second run must be able to complete the installation, and
//! `uninstall` to undo it. So the receipt is written before the files it lists are created,
//! replaced scripts before the receipt with their new hashes, and the code after the
//! manifest, without which it would not compile.

use crate::app::app_files::AppFiles;
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

pub(super) fn add_steps(
    plan: &mut Plan,
    app_files: AppFiles,
    mut new: NewContents,
) -> Result<(), Failure> {
    let AppFiles {
        app,
        manifest,
        env,
        scripts,
        code,
        ..
    } = app_files;
    let written = scripts.into_iter().filter_map(|script| {
        let index = position_of(&new.scripts, &script.shipped.path)?;
        Some((script.file, new.scripts.swap_remove(index).contents))
    });
    let (replaced, created): (Vec<_>, Vec<_>) =
        written.partition(|(file, _)| file.contents().is_some());

    plan_writes(plan, replaced)?;
    plan_writes(plan, new.env.map(|contents| (env, contents)))?;
    for folder in new.folders {
        plan.add(Step::MakeDir(app.join(folder)));
    }
    plan_writes(plan, created)?;
    plan_writes(plan, new.manifest.map(|contents| (manifest, contents)))?;
    let code = new.code.and_then(|written| {
        let mut files = code.into_files();
        let file = files.find(|file| file.name() == written.name)?;
        Some((file, written.contents))
    });
    plan_writes(plan, code)
}

fn position_of(written: &[NewFile], path: &str) -> Option<usize> {
    written.iter().position(|written| written.name == path)
}

fn plan_writes(
    plan: &mut Plan,
    files: impl IntoIterator<Item = (OriginalFile, Vec<u8>)>,
) -> Result<(), Failure> {
    for (file, contents) in files {
        file.check_writable()?;
        plan.add(Step::Write(file, contents));
    }
    Ok(())
}
