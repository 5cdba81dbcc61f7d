//! What nothing marks as added by `install`.

use std::path::Path;

use crate::app::app_files::AppFiles;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::editing::scripts::ScriptState;
use crate::exit::Failure;
use crate::output::Output;

/// Without a block in `.env` and a line in the manifest, as after `sse install --no-env` with the owner's
/// dependency, nothing proves what `install` added.
pub(super) fn warn(app: &Path, output: Output) -> Result<(), Failure> {
    let app_files = AppFiles::read(app)?;
    let call = match app_files.rust {
        Some(_) => format!(" and `{ROUTES_CALL}`"),
        None => String::new(),
    };
    let scripts = app_files.scripts.into_iter();
    let current = scripts.filter(|script| script.state == ScriptState::Current);
    let paths: Vec<String> = current.map(|script| script.shipped.path).collect();
    if !paths.is_empty() {
        output.warn(format!(
            "remove these files{call} by hand, if you do not need them: nothing shows that `sse install` added them\n  {}",
            paths.join("\n  ")
        ));
    }
    Ok(())
}
