//! The steps for a Rust app, whose own code serves the stream.

use super::super::rust_app::PlannedRustParts;
use super::{ExampleSave, Guide, NextStep, NextSteps, missing_tag, print_steps, save_command};
use crate::app::app_files::AppFiles;
use crate::app::layout::AppLayout;
use crate::app::library;
use crate::app::rust_app::RustApp;
use crate::cli::InstallArgs;
use crate::editing::manifest::dependency::{DependencySource, LIBRARY_PACKAGE};
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::app_code::RouteCall;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::exit::Failure;
use crate::output::Output;
use crate::sources::source_files::{FileKind, SourceFile};

const PUBLIC_STREAM_NOTE: &str = "
The stream is public: every visitor can receive every value that is saved without an audience.
A key that is marked in SSE_EVENTS, as in `event:key:private`, accepts no such value.
To put the stream behind your own middleware, wrap a scope and configure it:
         web::scope(\"…\").wrap(…).configure(actix_web_sse::routes)";

pub(super) fn print(
    mut steps: Vec<NextStep>,
    library_name: &str,
    layout: &AppLayout,
    sources: &[SourceFile],
    example: &ExampleSave,
    output: Output,
) {
    steps.extend(missing_tag(layout, sources));
    let command = save_command(&layout.app, example);
    if steps.is_empty() {
        output.note("\nNothing is left to do by hand. To see an event, start the app, open its page, and run:");
        output.note(format!("         {command}"));
    } else {
        if !sources.iter().any(saves_values) {
            steps.push(first_save(library_name, example));
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

/// What the installation will not add to these files.
pub(in super::super) fn missing_parts(
    app_files: &AppFiles,
    planned: &PlannedRustParts<'_>,
    args: &InstallArgs,
) -> Result<NextSteps, Failure> {
    let rust = planned.app;
    let mut steps = Vec::new();
    if args.no_dep && rust.dependency == LibraryEntry::Absent {
        let source = library::dependency_source(&args.dependency, app_files.app(), rust)?;
        steps.push(NextStep {
            instruction: "In Cargo.toml, under [dependencies]:".to_owned(),
            lines: source.line(),
        });
    }
    steps.extend(missing_call(rust, &planned.route_call, args));
    Ok(NextSteps {
        steps,
        layout: app_files.layout.clone(),
        guide: Guide::Rust {
            library_name: library_name(rust),
        },
    })
}

fn missing_call(
    rust: &RustApp,
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
        lines: ROUTES_CALL.replace("actix_web_sse", &library_name(rust)),
    })
}

/// The name that the app's manifest gives the library, as code writes it.
fn library_name(rust: &RustApp) -> String {
    let key = match &rust.dependency {
        LibraryEntry::ByOwner(key) => Some(key.as_str()),
        LibraryEntry::ByInstall | LibraryEntry::Absent => {
            rust.inherited.as_ref().map(DependencySource::key)
        }
    };
    key.unwrap_or(LIBRARY_PACKAGE).replace('-', "_")
}
