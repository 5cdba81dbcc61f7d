//! Removes the folders that `install` created.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::super::planned_change::PlannedChange;
use crate::app::app_files::AppFiles;
use crate::editing::plan::{self, Step};
use crate::exit::Failure;

/// The folders that `install` created, and the entries that they lose.
pub(super) struct CreatedFolders {
    app: PathBuf,
    /// The deepest first.
    paths: Vec<String>,
    removed: BTreeSet<PathBuf>,
}

impl CreatedFolders {
    pub(super) fn new(app_files: &AppFiles) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        for folder in app_files.receipt().folders() {
            if plan::exists(&app_files.app.join(folder))? {
                paths.push(folder.to_owned());
            }
        }
        Ok(Self {
            app: app_files.app.clone(),
            paths,
            removed: BTreeSet::new(),
        })
    }

    pub(super) fn note_removed(&mut self, path: String) {
        self.removed.insert(self.app.join(path));
    }

    /// Plans the removal of each folder. Those that will not be empty are reported as kept.
    pub(super) fn plan_removal(mut self, change: &mut PlannedChange) {
        for folder in self.paths {
            let path = self.app.join(&folder);
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            if entries
                .map(|entry| entry.path())
                .all(|path| self.removed.contains(&path))
            {
                change.will_report("Removed", folder);
                self.removed.insert(path.clone());
            } else {
                change.will_report("Kept", format!("{folder} (it is not empty)"));
            }
            change.plan.add(Step::RemoveDir(path));
        }
    }
}
