//! The block that `install` adds to `.env`.

use super::super::change::Change;
use crate::app::installation::Installation;
use crate::cli::InstallArgs;
use crate::editing::env::block::{self, KeyState};
use crate::editing::env::values::Values;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::receipt::Receipt;
use crate::exit::Failure;

pub(super) fn chosen_values(args: &InstallArgs) -> Values {
    let default = Values::default();
    let chosen = |value: &Option<String>, default: String| value.clone().unwrap_or(default);
    Values {
        events: chosen(&args.events, default.events),
        duration: chosen(&args.duration, default.duration),
        interval: chosen(&args.interval, default.interval),
    }
}

/// An existing key keeps its value, so it is a conflict if the arguments ask for another.
pub(super) fn check_values(installation: &Installation, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = [
        ("SSE_STREAM_DURATION", &args.duration),
        ("SSE_POLL_INTERVAL", &args.interval),
        ("SSE_EVENTS", &args.events),
    ];
    for (name, value) in chosen {
        let found = installation.env_values.get(name);
        if let (Some(value), Some(found)) = (value, found)
            && value != found
        {
            return Err(Failure::conflict(format!(
                ".env: {name} already has another value: {found}"
            ))
            .help(format!("change it there: {name}={value}")));
        }
    }
    Ok(())
}

/// The `.env` with keys and receipt; `None` if nothing needs to be added. Whatever is
/// installed, `.env` gets a block, because the block holds the receipt.
pub(super) fn planned_env(
    installation: &Installation,
    args: &InstallArgs,
    receipt: &Receipt,
    values: &Values,
    change: &mut Change,
) -> Result<Option<Vec<u8>>, Failure> {
    if args.no_env {
        return Ok(None);
    }
    let state = &installation.env_state;
    let is_missing = state.keys.iter().any(|(_, key)| *key == KeyState::Missing);
    let adds_dependency = installation.dependency == LibraryEntry::Absent && !args.no_dep;
    let needs_block = state.has_block || is_missing || adds_dependency || !receipt.is_empty();
    let old = installation.env.contents();
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
    for (name, key) in state.keys {
        if key == KeyState::Yours {
            change.will_report("Kept", format!(".env ({name} has your value)"));
        }
    }
    Ok(new)
}
