//! Replaces the listeners of the original module for CodeIgniter.

use super::super::planned_change::PlannedChange;
use super::steps::NewFile;
use crate::app::app_files::AppFiles;
use crate::cli::InstallArgs;
use crate::editing::receipt::{self, Receipt};
use crate::editing::scripts::ScriptState;
use crate::exit::Failure;

/// The module's script is copied before it is replaced: after a kill in between, both exist, and the next run
/// continues.
pub(super) struct Replacement {
    /// `None` if the copy exists.
    pub(super) copy: Option<NewFile>,
    pub(super) listeners: NewFile,
}

/// Plans to replace the module's listeners, if they are unedited. Without a receipt, `uninstall` could not restore
/// them, so they stay.
pub(super) fn plan(
    app_files: &AppFiles,
    args: &InstallArgs,
    change: &mut PlannedChange,
) -> Option<Replacement> {
    let copy = app_files.module_script.as_ref()?;
    let found = app_files.listeners()?;
    let contents = found.file.contents()?;
    if args.no_js || found.state != ScriptState::OfModule {
        return None;
    }
    let path = &found.shipped.path;
    if args.no_env {
        change.will_report("Kept", format!("{path} (of the original module)"));
        return None;
    }
    let existing = copy.file.contents();
    if existing.is_some_and(|existing| !receipt::is_same_text(existing, contents)) {
        let conflict = Failure::conflict(format!("{} is in the way", copy.path));
        change.conflict = Some(conflict.with_help(
            "move it elsewhere: `sse install` keeps the listeners of the original module there, to restore them later",
        ));
    }
    change.will_report(
        "Updated",
        format!("{path} (in place of that of the original module)"),
    );
    if existing.is_none() {
        change.will_report("Created", format!("{} (for `sse uninstall`)", copy.path));
    }
    Some(Replacement {
        copy: existing.is_none().then(|| NewFile {
            file: copy.file.clone(),
            contents: contents.to_vec(),
        }),
        listeners: NewFile {
            file: found.file.clone(),
            contents: found.shipped.contents.clone(),
        },
    })
}

impl Replacement {
    pub(super) fn add_to_receipt(&self, app_files: &AppFiles, receipt: &mut Receipt) {
        let Some((script, listeners)) = app_files.module_script.as_ref().zip(app_files.listeners())
        else {
            return;
        };
        // The copy of an earlier run has the same text.
        let module = listeners.file.contents().unwrap_or_default();
        receipt.add_with_hash(&script.receipt_path, module);
        receipt.add_with_hash(&listeners.shipped.receipt_path, &self.listeners.contents);
    }
}
