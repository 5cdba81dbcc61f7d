//! What `install` leaves to its user, with the lines to paste.

use std::env;
use std::path::Path;

use crate::app::installation::Installation;
use crate::app::library;
use crate::cli::InstallArgs;
use crate::doctor;
use crate::editing::env::values::Values;
use crate::editing::manifest::dependency::{DependencySource, PACKAGE};
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::app_code::Wiring;
use crate::editing::rust::splice::CALL;
use crate::editing::scripts::{self, TAG};
use crate::exit::Failure;
use crate::output::Output;

const PUBLIC_STREAM_NOTE: &str = "
The stream is public: every visitor receives every value of every key in SSE_EVENTS.
To put it behind your app's own guard, configure a scope that has the guard:
         web::scope(\"…\").wrap(…).configure(actix_web_sse::routes)";

/// Something to do, and the lines to paste or run for it.
struct NextStep {
    instruction: String,
    lines: String,
}

/// Reads the app after the installation, and prints what is still missing.
pub(super) fn print(app: &Path, args: &InstallArgs, output: Output) -> Result<(), Failure> {
    let steps = missing_parts(app, args)?;
    let save_command = save_command(app);
    if steps.is_empty() {
        output.print("\nNothing is left to do by hand. To see an event, start the app, open its page, and run:");
        output.print(format!("         {save_command}"));
        return Ok(());
    }
    let last = NextStep {
        instruction: "Start the app, open the page, and save a value:".to_owned(),
        lines: save_command,
    };
    output.print("\nNext steps:");
    for (index, step) in steps.iter().chain([&last]).enumerate() {
        output.print(format!("  {}. {}", index + 1, step.instruction));
        for line in step.lines.lines() {
            output.print(format!("         {line}"));
        }
    }
    output.print(PUBLIC_STREAM_NOTE);
    Ok(())
}

fn missing_parts(app: &Path, args: &InstallArgs) -> Result<Vec<NextStep>, Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let mut steps = Vec::new();
    if args.no_dep && installation.dependency == LibraryEntry::Absent {
        let source = library::dependency_source(&args.dependency, &installation)?;
        steps.push(NextStep {
            instruction: "In Cargo.toml, under [dependencies]:".to_owned(),
            lines: source.line(),
        });
    }
    steps.extend(missing_call(&installation));
    steps.extend(missing_listeners(&installation));
    if !doctor::has_listening_page(app) {
        steps.push(NextStep {
            instruction: "In your page:".to_owned(),
            lines: TAG.to_owned(),
        });
    }
    Ok(steps)
}

fn missing_call(installation: &Installation) -> Option<NextStep> {
    let instruction = match installation.code.wiring() {
        Wiring::Possible { file, .. } => {
            format!("In {}, right after `App::new()`:", file.name())
        }
        Wiring::Unclear(why) => format!("Right after `App::new()` ({why}):"),
        Wiring::Installed(_) | Wiring::Yours(_) => return None,
    };
    Some(NextStep {
        instruction,
        lines: call(installation),
    })
}

/// The call, with the name that the app's manifest gives the library.
fn call(installation: &Installation) -> String {
    let key = match &installation.dependency {
        LibraryEntry::Yours(key) => Some(key.as_str()),
        LibraryEntry::Ours | LibraryEntry::Absent => {
            installation.inherited.as_ref().map(DependencySource::key)
        }
    };
    let name = key.unwrap_or(PACKAGE).replace('-', "_");
    CALL.replace("actix_web_sse", &name)
}

fn missing_listeners(installation: &Installation) -> Option<NextStep> {
    let scripts = installation.scripts.iter();
    let mut listener_files = scripts.filter(|script| script.script.belongs_to_owner());
    let contents = listener_files.find_map(|script| script.file.contents())?;
    let missing = scripts::missing_listeners(contents, &installation.events);
    if missing.is_empty() {
        return None;
    }
    let names: Vec<&str> = missing.iter().map(|(event, _)| event.as_str()).collect();
    let code: Vec<&str> = missing.iter().map(|(_, code)| code.as_str()).collect();
    Some(NextStep {
        instruction: format!(
            "In public/js/sse-client.js, a listener for {}:",
            names.join(", ")
        ),
        lines: code.join("\n"),
    })
}

fn save_command(app: &Path) -> String {
    let key = library::example_key(app);
    format!("sse {}save {key} '{{\"order\": 42}}'", dir_flag(app))
}

/// The flag `-C` for a command that is run in the working directory; empty if `sse` finds the
/// app from there.
fn dir_flag(app: &Path) -> String {
    if env::current_dir().is_ok_and(|here| here.starts_with(app)) {
        return String::new();
    }
    // Quoted for a POSIX shell, whatever characters the path has.
    format!("-C '{}' ", app.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_in_another_folder_is_named() {
        let here = env::current_dir().expect("one exists");
        assert_eq!(dir_flag(&here), "");
        assert_eq!(
            dir_flag(Path::new("/it's/else where")),
            "-C '/it'\\''s/else where' "
        );
    }
}
