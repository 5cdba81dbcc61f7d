//! The block that `install` adds to `.env`.

use super::super::planned_change::PlannedChange;
use super::steps::NewFile;
use crate::app::app_files::AppFiles;
use crate::app::rust_app::RustApp;
use crate::cli::InstallArgs;
use crate::editing::env::block::SettingState;
use crate::editing::env::readers::EnvReaders;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::receipt::Receipt;
use crate::exit::Failure;

/// An existing setting keeps its value, so it is a conflict if the arguments ask for another.
pub(super) fn check_values(app_files: &AppFiles) -> Result<(), Failure> {
    for (name, value) in &app_files.values.0 {
        if let Some(found) = app_files.env_state.value(name)
            && value != found
        {
            return Err(Failure::conflict(format!(
                ".env: {name} already has another value: {found}"
            ))
            .with_help(format!("change it there: {name}={value}")));
        }
    }
    Ok(())
}

/// The `.env` with settings and receipt; `None` if nothing needs to be added. Whatever is
/// installed, `.env` gets a block, because the block holds the receipt.
pub(super) fn plan_env(
    app_files: &AppFiles,
    args: &InstallArgs,
    receipt: &Receipt,
    change: &mut PlannedChange,
) -> Result<Option<NewFile>, Failure> {
    if args.no_env {
        return Ok(None);
    }
    let (state, values) = (&app_files.env_state, &app_files.values);
    let is_missing = state.missing(values).next().is_some();
    let is_absent = |rust: &RustApp| rust.dependency == LibraryEntry::Absent;
    let adds_dependency = app_files.rust.as_ref().is_some_and(is_absent) && !args.no_dep;
    let needs_block = state.has_block() || is_missing || adds_dependency || !receipt.is_empty();
    let old = app_files.env.contents();
    let new = if needs_block {
        let readers = match app_files.rust {
            Some(_) => EnvReaders::Dotenvy,
            None => EnvReaders::OtherLanguage,
        };
        Some(state.install(receipt, values, readers)?)
    } else {
        None
    };
    let new = new.filter(|new| old != Some(new.as_slice()));
    change.will_report(
        match (&new, old) {
            (None, _) => "Unchanged",
            (Some(_), None) => "Created",
            (Some(_), Some(_)) => "Updated",
        },
        ".env",
    );
    for (setting, setting_state) in &state.settings {
        if *setting_state == SettingState::ByOwner {
            change.will_report("Kept", format!(".env ({} has your value)", setting.name));
        }
    }
    Ok(new.map(|contents| NewFile {
        file: app_files.env.clone(),
        contents,
    }))
}
