//! What `install` leaves to its user, with the lines to paste.

use std::env;
use std::path::Path;

use actix_web_sse::cli_support::one_line;

use super::super::key_suggestions::ExampleSave;
use crate::app::app_files::AppFiles;
use crate::app::library;
use crate::cli::InstallArgs;
use crate::editing::manifest::dependency::{DependencySource, LIBRARY_PACKAGE};
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::app_code::RouteCall;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::editing::scripts::{self, SCRIPT_TAG};
use crate::exit::Failure;
use crate::output::Output;
use crate::sources::script_tags;
use crate::sources::source_files::{self, FileKind, SOURCE_FOLDERS, SourceFile};
use crate::sources::tag_place::{self, TagPlace};

const PUBLIC_STREAM_NOTE: &str = "
The stream is public: every visitor can receive every value that is saved without an audience.
A key that is marked in SSE_EVENTS, as in `event:key:private`, accepts no such value.
To put it behind your own middleware, configure a scope that wraps it:
         web::scope(\"…\").wrap(…).configure(actix_web_sse::routes)";

/// What the installation leaves to do.
pub(super) struct NextSteps {
    steps: Vec<NextStep>,
    library_name: String,
}

/// Something to do, and the lines to paste or run for it.
pub(super) struct NextStep {
    instruction: String,
    lines: String,
}

/// Prints what is still missing after the installation.
pub(super) fn print(app: &Path, next: NextSteps, output: Output) {
    let NextSteps {
        mut steps,
        library_name,
    } = next;
    let sources = source_files::read_all(app);
    if script_tags::find_all(&sources).is_empty() {
        steps.push(match tag_place::find(&sources) {
            Some(place) => missing_tag(place),
            None => missing_page(),
        });
    }
    let example = ExampleSave::of_app(app);
    let command = save_command(app, &example);
    if steps.is_empty() {
        output.note("\nNothing is left to do by hand. To see an event, start the app, open its page, and run:");
        output.note(format!("         {command}"));
    } else {
        if !sources.iter().any(saves_values) {
            steps.push(first_save(&library_name, &example));
        }
        steps.push(NextStep {
            instruction: "Start the app, and open the page. To save a value from a terminal, too:"
                .to_owned(),
            lines: command,
        });
        print_steps(&steps, output);
    }
    output.note(PUBLIC_STREAM_NOTE);
}

fn missing_tag(place: TagPlace) -> NextStep {
    let others = match place.other_pages {
        0 => String::new(),
        1 => " (and in 1 other page, if it shows events)".to_owned(),
        pages => format!(" (and in {pages} other pages, if they show events)"),
    };
    NextStep {
        instruction: format!("{}{others}:", place.description),
        lines: place.tag,
    }
}

/// The app may get a page later, or never.
fn missing_page() -> NextStep {
    NextStep {
        instruction: format!(
            "The folders {} contain no page. When the app has one, add this line at the end of its <body> (until \
             then, `sse listen` shows the events):",
            SOURCE_FOLDERS.join(", ")
        ),
        lines: SCRIPT_TAG.to_owned(),
    }
}

fn saves_values(source: &SourceFile) -> bool {
    source.kind == FileKind::Rust && source.text.contains(".save(")
}

/// The guide to the first notification shows these lines, too.
fn first_save(library_name: &str, example: &ExampleSave) -> NextStep {
    let key = &example.key;
    let to = match example.audience {
        Some(audience) => format!(".to({audience:?})"),
        None => String::new(),
    };
    NextStep {
        instruction: "Save a value. For a first test, at the beginning of a handler after which the browser stays on its page:".to_owned(),
        lines: format!(
            "// A notification that fails must not fail the request.\n\
             if let Err(error) = {library_name}::cache().save({key:?}, \"Somebody pressed a button\"){to}.await {{\n    \
                 eprintln!(\"{{error:?}}\");                       // with the help\n\
             }}"
        ),
    }
}

fn print_steps(steps: &[NextStep], output: Output) {
    output.note("\nNext steps:");
    for (index, step) in steps.iter().enumerate() {
        output.note(format!("  {}. {}", index + 1, one_line(&step.instruction)));
        for line in step.lines.lines() {
            output.note(format!("         {line}"));
        }
    }
}

/// What the installation will not add to these files.
pub(super) fn missing_parts(
    app_files: &AppFiles,
    route_call: &RouteCall<'_>,
    args: &InstallArgs,
) -> Result<NextSteps, Failure> {
    let mut steps = Vec::new();
    if args.no_dep && app_files.dependency == LibraryEntry::Absent {
        let source = library::dependency_source(&args.dependency, app_files)?;
        steps.push(NextStep {
            instruction: "In Cargo.toml, under [dependencies]:".to_owned(),
            lines: source.line(),
        });
    }
    steps.extend(missing_call(app_files, route_call, args));
    steps.extend(missing_listeners(app_files));
    steps.extend(orphaned_listeners(app_files));
    let library_name = library_name(app_files);
    Ok(NextSteps {
        steps,
        library_name,
    })
}

fn missing_call(
    app_files: &AppFiles,
    route_call: &RouteCall<'_>,
    args: &InstallArgs,
) -> Option<NextStep> {
    let instruction = match route_call {
        RouteCall::Possible(file, _) if args.no_wire => {
            format!("In {}, directly after `App::new()`:", file.name())
        }
        RouteCall::Uncertain(why) => format!("Directly after `App::new()` ({why}):"),
        RouteCall::Possible(..) | RouteCall::Installed(_) | RouteCall::ByOwner(_) => {
            return None;
        }
    };
    Some(NextStep {
        instruction,
        lines: ROUTES_CALL.replace("actix_web_sse", &library_name(app_files)),
    })
}

/// The name that the app's manifest gives the library, as code writes it.
fn library_name(app_files: &AppFiles) -> String {
    let key = match &app_files.dependency {
        LibraryEntry::ByOwner(key) => Some(key.as_str()),
        LibraryEntry::ByInstall | LibraryEntry::Absent => {
            app_files.inherited.as_ref().map(DependencySource::key)
        }
    };
    key.unwrap_or(LIBRARY_PACKAGE).replace('-', "_")
}

/// The owner's file with the listeners, if it exists.
fn listener_file(app_files: &AppFiles) -> Option<&[u8]> {
    let scripts = app_files.scripts.iter();
    let mut listener_files = scripts.filter(|script| script.shipped.belongs_to_owner());
    listener_files.find_map(|script| script.file.contents())
}

fn orphaned_listeners(app_files: &AppFiles) -> Option<NextStep> {
    // An invalid SSE_EVENTS has no events.
    let contents = listener_file(app_files).filter(|_| !app_files.events.is_empty())?;
    let orphaned = scripts::orphaned_listeners(contents, &app_files.events);
    let places = orphaned
        .iter()
        .map(|(line, event)| format!("{event} (line {line})"));
    let places: Vec<String> = places.collect();
    (!places.is_empty()).then(|| NextStep {
        instruction: format!(
            "In public/js/sse-client.js, rename or remove the listener for {}: SSE_EVENTS has no such event",
            places.join(", ")
        ),
        lines: String::new(),
    })
}

fn missing_listeners(app_files: &AppFiles) -> Option<NextStep> {
    let contents = listener_file(app_files)?;
    let missing = scripts::missing_listeners(contents, &app_files.events);
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

fn save_command(app: &Path, example: &ExampleSave) -> String {
    let (key, dir) = (&example.key, dir_flag(app));
    let to = match example.audience {
        Some(audience) => format!(" --to {audience}"),
        None => String::new(),
    };
    format!("sse {dir}save {key} '{{\"order\": 42}}'{to}")
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
