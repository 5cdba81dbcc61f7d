//! What `install` leaves to its user, with the lines to paste.

use std::env;
use std::path::Path;

use crate::app::installation::Installation;
use crate::app::library;
use crate::cli::InstallArgs;
use crate::doctor;
use crate::editing::env::values::Values;
use crate::editing::manifest::cargo_toml::LibraryEntry;
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::rust::app_code::Wiring;
use crate::editing::rust::splice::CALL;
use crate::editing::scripts::{self, TAG};
use crate::exit::Failure;
use crate::output::Output;

/// Looks at the app as it is now, and says what is still missing.
pub(super) fn print(app: &Path, args: &InstallArgs, output: Output) -> Result<(), Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let mut steps = Vec::new();
    if args.no_dep && installation.dependency == LibraryEntry::Absent {
        let source = library::source(&args.dependency, &installation)?;
        steps.push((
            "In Cargo.toml, under [dependencies]:".to_owned(),
            source.line(),
        ));
    }
    match installation.code.wiring() {
        Wiring::Possible { file, .. } => {
            steps.push((
                format!("In {}, right behind `App::new()`:", file.name()),
                call(&installation),
            ));
        }
        Wiring::Unclear(why) => {
            steps.push((
                format!("Right behind `App::new()` ({why}):"),
                call(&installation),
            ));
        }
        Wiring::Installed(_) | Wiring::Yours(_) => {}
    }
    let listeners = missing_listeners(&installation);
    if !listeners.is_empty() {
        let names: Vec<&str> = listeners.iter().map(|(event, _)| event.as_str()).collect();
        let code: Vec<&str> = listeners.iter().map(|(_, code)| code.as_str()).collect();
        steps.push((
            format!(
                "In public/js/sse-client.js, a listener for {}:",
                names.join(", ")
            ),
            code.join("\n"),
        ));
    }
    if !doctor::has_listening_page(app) {
        steps.push(("In your page:".to_owned(), TAG.to_owned()));
    }
    if steps.is_empty() {
        output.print(
            "\nNothing is left to do by hand. To see an event, start the app, open its page, and:",
        );
        output.print(format!("         {}", save(app)));
        return Ok(());
    }
    steps.push((
        "Start the app, open the page, and save a value:".to_owned(),
        save(app),
    ));
    output.print("\nLeft to do by hand:");
    for (index, (what, lines)) in steps.iter().enumerate() {
        output.print(format!("  {}. {what}", index + 1));
        for line in lines.lines() {
            output.print(format!("         {line}"));
        }
    }
    output.print(
        "\nThe stream is public: every visitor receives every value of every key in SSE_EVENTS.\n\
         To put it behind your app's own guard, configure a scope that has the guard:\n\
         \x20        web::scope(\"…\").wrap(…).configure(actix_web_sse::routes)",
    );
    Ok(())
}

/// The call, by the name that the app's manifest gives to the library.
fn call(installation: &Installation) -> String {
    let key = match &installation.dependency {
        LibraryEntry::Yours(key) => Some(key.as_str()),
        LibraryEntry::Ours | LibraryEntry::Absent => {
            installation.inherited.as_ref().map(DependencySource::key)
        }
    };
    let name = key
        .unwrap_or(crate::editing::manifest::dependency::PACKAGE)
        .replace('-', "_");
    CALL.replace("actix_web_sse", &name)
}

fn missing_listeners(installation: &Installation) -> Vec<(String, String)> {
    let scripts = installation.scripts.iter();
    let mut owners = scripts.filter(|script| script.script.is_owners());
    let found = owners.find_map(|script| script.file.contents());
    found.map_or_else(Vec::new, |found| {
        scripts::missing_listeners(found, &installation.events)
    })
}

fn save(app: &Path) -> String {
    let key = library::first_key(app);
    format!("sse {}save {key} '{{\"order\": 42}}'", named(app))
}

/// How a command that is run from here names the app; not at all where it is found anyway.
fn named(app: &Path) -> String {
    if env::current_dir().is_ok_and(|here| here.starts_with(app)) {
        return String::new();
    }
    // As a shell takes it, whatever characters it has.
    format!("-C '{}' ", app.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_elsewhere_is_named() {
        let here = env::current_dir().expect("there is one");
        assert_eq!(named(&here), "");
        assert_eq!(
            named(Path::new("/it's/else where")),
            "-C '/it'\\''s/else where' "
        );
    }
}
