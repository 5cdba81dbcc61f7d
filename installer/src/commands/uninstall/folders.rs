//! Removes the folders that `install` created.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::super::planned_change::PlannedChange;
use crate::app::app_files::AppFiles;
use crate::editing::plan::{self, Step};
use crate::exit::Failure;

/// The folders that `install` created, and the entries that they lose. The paths are relative to
/// the app's folder.
pub(super) struct CreatedFolders {
    /// The deepest first.
    paths: Vec<String>,
    pub(super) removed: BTreeSet<String>,
}

impl CreatedFolders {
    pub(super) fn new(app_files: &AppFiles) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        for folder in app_files.receipt().folders() {
            let folder = app_files.layout.public.path_of_entry(folder);
            if plan::exists(&app_files.app().join(&folder))? {
                paths.push(folder);
            }
        }
        let removed = BTreeSet::new();
        Ok(Self { paths, removed })
    }

    /// Plans the removal of each folder. Those that will not be empty are reported as kept.
    pub(super) fn plan_removal(
        self,
        app: &Path,
        change: &mut PlannedChange,
    ) -> Result<(), Failure> {
        let mut removed: BTreeSet<_> = self.removed.iter().map(|path| app.join(path)).collect();
        for folder in self.paths {
            let path = app.join(&folder);
            let mut entries = fs::read_dir(&path).into_iter().flatten().flatten();
            if entries.all(|entry| removed.contains(&entry.path())) {
                change.will_report("Removed", folder);
                removed.insert(path.clone());
            } else {
                change.will_report("Kept", format!("{folder} (it is not empty)"));
            }
            change.plan.add(Step::RemoveDir(path))?;
        }
        Ok(())
    }
}
