//! What `install` leaves to its user, with the lines to paste.

mod beside;
pub(super) mod rust;

use std::env;
use std::path::Path;

use actix_web_sse::cli_support::one_line;

use super::super::key_suggestions::ExampleSave;
use crate::app::app_files::AppFiles;
use crate::app::layout::AppLayout;
use crate::editing::scripts::{self, SCRIPT_TAG};
use crate::output::Output;
use crate::sources::script_tags;
use crate::sources::source_files::SourceFile;
use crate::sources::source_folders::SourceFolders;
use crate::sources::tag_place::{self, TagPlace};

/// What the installation leaves to do.
pub(super) struct NextSteps {
    steps: Vec<NextStep>,
    layout: AppLayout,
    guide: Guide,
}

/// How the app is completed.
enum Guide {
    Rust { library_name: String },
    Beside,
}

/// Something to do, and the lines to paste or run for it.
struct NextStep {
    instruction: String,
    lines: String,
}

impl NextSteps {
    /// For an app beside `sse serve`.
    pub(super) fn beside(layout: AppLayout) -> Self {
        Self {
            steps: Vec::new(),
            layout,
            guide: Guide::Beside,
        }
    }

    /// Prints what is still missing after the installation.
    pub(super) fn print(self, app: &Path, output: Output) {
        let sources = self.layout.sources();
        let example = ExampleSave::of_app(app);
        match &self.guide {
            Guide::Rust { library_name } => {
                rust::print(
                    self.steps,
                    library_name,
                    &self.layout,
                    &sources,
                    &example,
                    output,
                );
            }
            Guide::Beside => beside::print(self.steps, &self.layout, &sources, &example, output),
        }
    }

    /// Adds the listeners that the owner's file lacks, or has without an event.
    pub(super) fn add_listeners(&mut self, app_files: &AppFiles) {
        let Some(listeners) = app_files.listeners() else {
            return;
        };
        if let Some(contents) = listeners.file.contents() {
            let (path, events) = (&listeners.shipped.path, &app_files.events);
            self.steps.extend(missing_listeners(path, contents, events));
            self.steps
                .extend(orphaned_listeners(path, contents, events));
        }
    }
}

/// The place for the script tag, if no page has it.
fn missing_tag(layout: &AppLayout, sources: &[SourceFile]) -> Option<NextStep> {
    if !script_tags::find_all(sources).is_empty() {
        return None;
    }
    Some(match tag_place::find(sources) {
        Some(place) => tag_at(place),
        None => missing_page(layout),
    })
}

fn tag_at(place: TagPlace) -> NextStep {
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
fn missing_page(layout: &AppLayout) -> NextStep {
    NextStep {
        instruction: format!(
            "The folders {} contain no page. When the app has one, add this line at the end of its <body> (until \
             then, `sse listen` shows the events):",
            SourceFolders::of(layout)
        ),
        lines: SCRIPT_TAG.to_owned(),
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

fn orphaned_listeners(path: &str, contents: &[u8], events: &[String]) -> Option<NextStep> {
    // An invalid SSE_EVENTS has no events.
    if events.is_empty() {
        return None;
    }
    let orphaned = scripts::orphaned_listeners(contents, events);
    let places = orphaned
        .iter()
        .map(|(line, event)| format!("{event} (line {line})"));
    let places: Vec<String> = places.collect();
    (!places.is_empty()).then(|| NextStep {
        instruction: format!(
            "In {path}, rename or remove the listener for {}: SSE_EVENTS has no such event",
            places.join(", ")
        ),
        lines: String::new(),
    })
}

fn missing_listeners(path: &str, contents: &[u8], events: &[String]) -> Option<NextStep> {
    let missing = scripts::missing_listeners(contents, events);
    if missing.is_empty() {
        return None;
    }
    let names: Vec<&str> = missing.iter().map(|(event, _)| event.as_str()).collect();
    let code: Vec<&str> = missing.iter().map(|(_, code)| code.as_str()).collect();
    Some(NextStep {
        instruction: format!("In {path}, a listener for {}:", names.join(", ")),
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
    format!("-C {} ", quote(app))
}

/// Quoted for a POSIX shell, whatever characters the path has.
fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
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
