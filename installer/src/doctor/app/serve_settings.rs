//! The settings of `sse serve` in `.env`, which it reads when it starts.

use std::path::Path;

use crate::cli::ServeArgs;
use crate::doctor::finding::{Check, Finding};
use crate::serve::settings::ServeSettings;

const CHECK: Check = Check("serve");

/// Why `sse serve` would not start here.
pub(super) fn check(app: &Path) -> Option<Finding> {
    let failure = ServeSettings::read(app, &ServeArgs::default()).err()?;
    let help = failure.help().unwrap_or("correct this setting");
    Some(CHECK.error(failure.message(), help))
}
