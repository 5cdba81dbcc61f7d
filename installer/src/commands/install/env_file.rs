//! The block that `install` adds to `.env`.

use super::super::planned_change::PlannedChange;
use crate::app::app_files::AppFiles;
use crate::cli::InstallArgs;
use crate::editing::env::block::{self, SettingState};
use crate::editing::env::values::InstallValues;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::receipt::Receipt;
use crate::exit::Failure;

pub(super) fn choose_values(args: &InstallArgs) -> InstallValues {
    let default = InstallValues::default();
    let chosen = |value: &Option<String>, default: String| value.clone().unwrap_or(default);
    InstallValues {
        events: chosen(&args.events, default.events),
        duration: chosen(&args.duration, default.duration),
        interval: chosen(&args.interval, default.interval),
    }
}

/// An existing setting keeps its value, so it is a conflict if the arguments ask for another.
pub(super) fn check_values(app_files: &AppFiles, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = [
        ("SSE_STREAM_DURATION", &args.duration),
        ("SSE_POLL_INTERVAL", &args.interval),
        ("SSE_EVENTS", &args.events),
    ];
    for (name, value) in chosen {
        let found = app_files.env_values.get(name);
        if let (Some(value), Some(found)) = (value, found)
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
    values: &InstallValues,
    change: &mut PlannedChange,
) -> Result<Option<Vec<u8>>, Failure> {
    if args.no_env {
        return Ok(None);
    }
    let state = &app_files.env_state;
    let is_missing = state
        .settings
        .iter()
        .any(|(_, setting)| *setting == SettingState::Missing);
    let adds_dependency = app_files.dependency == LibraryEntry::Absent && !args.no_dep;
    let needs_block = state.has_block || is_missing || adds_dependency || !receipt.is_empty();
    let old = app_files.env.contents();
    let new = if needs_block {
        Some(block::install(old.unwrap_or_default(), receipt, values)?)
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
    for (name, setting) in state.settings {
        if setting == SettingState::ByOwner {
            change.will_report("Kept", format!(".env ({name} has your value)"));
        }
    }
    Ok(new)
}
