//! The order in which `install` writes.
//!
//! After a kill at any point, a second run must be able to complete the installation, and
//! `uninstall` to undo it. So the receipt is written before the files it lists are created,
//! replaced scripts before the receipt with their new hashes, and the code after the
//! manifest, without which it would not compile. The listeners of the original module are
//! known by their own hashes, so they are replaced last, when there is a copy of them.

use std::path::Path;

use super::module_script::Replacement;
use crate::editing::plan::{OriginalFile, Plan, Step};
use crate::exit::Failure;

/// Everything that `install` will write.
pub(super) struct NewContents {
    pub(super) env: Option<NewFile>,
    pub(super) folders: Vec<String>,
    pub(super) scripts: Vec<NewFile>,
    pub(super) manifest: Option<NewFile>,
    pub(super) code: Option<NewFile>,
    pub(super) replacement: Option<Replacement>,
}

/// A file with its new contents.
pub(super) struct NewFile {
    pub(super) file: OriginalFile,
    pub(super) contents: Vec<u8>,
}

pub(super) fn add_steps(plan: &mut Plan, app: &Path, new: NewContents) -> Result<(), Failure> {
    let scripts = new.scripts.into_iter();
    let (replaced, created): (Vec<_>, Vec<_>) =
        scripts.partition(|script| script.file.contents().is_some());
    let folders = new.folders.into_iter().map(|folder| app.join(folder));
    let before_folders = replaced.into_iter().chain(new.env).map(NewFile::into_step);
    let (copy, listeners) = match new.replacement {
        Some(Replacement { copy, listeners }) => (copy, Some(listeners)),
        None => (None, None),
    };
    let after_folders = created.into_iter().chain(new.manifest).chain(new.code);
    let after_folders = after_folders.chain(copy).chain(listeners);
    before_folders
        .chain(folders.map(Step::MakeDir))
        .chain(after_folders.map(NewFile::into_step))
        .try_for_each(|step| plan.add(step))
}

impl NewFile {
    fn into_step(self) -> Step {
        Step::Write(self.file, self.contents)
    }
}
