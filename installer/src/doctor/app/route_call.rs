//! Whether the app depends on the library, and whether its code serves the stream.

use std::path::Path;
use std::{fs, iter};

use super::shutdown;
use crate::app::workspace;
use crate::doctor::finding::{Check, Finding, Level};
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::{DependencySource, LIBRARY_PACKAGE};
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::source_code::SourceCode;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::sources::source_files::{SourceFile, find_in_rust};

const DEPENDENCY_CHECK: Check = Check("dependency");
const WIRING_CHECK: Check = Check("wiring");
const COMPRESSION_CHECK: Check = Check("compression");

pub(super) fn check(app: &Path, sources: &[SourceFile]) -> Vec<Finding> {
    let Ok(manifest) = fs::read(app.join("Cargo.toml")) else {
        let message = "there is no Cargo.toml here: dependency and code are not checked";
        return vec![DEPENDENCY_CHECK.note(message)];
    };
    let code = SourceCode::read(app, iter::empty());
    let route_call = check_route_call(&code);
    let serves_stream = route_call.level == Level::Ok;
    let mut findings = vec![check_dependency(app, &manifest), route_call];
    findings.extend(check_file_service(&code));
    findings.extend(check_compression(sources));
    if serves_stream {
        findings.extend(shutdown::check(sources));
    }
    findings
}

fn check_dependency(app: &Path, manifest: &[u8]) -> Finding {
    let manifest = match Manifest::parse(manifest) {
        Ok(manifest) => manifest,
        Err(failure) => {
            let help = "repair Cargo.toml: `cargo metadata` shows what is wrong";
            return DEPENDENCY_CHECK.error(failure.message(), help);
        }
    };
    if manifest.package_name().is_none() {
        return DEPENDENCY_CHECK.error(
            "Cargo.toml defines a workspace without a package",
            "pass the member that is your app: sse doctor -p NAME",
        );
    }
    let inherited = workspace::inherited_dependency(app, &manifest);
    match manifest.library_entry(inherited.as_ref().map(DependencySource::key)) {
        LibraryEntry::Absent => DEPENDENCY_CHECK.error(
            format!("{LIBRARY_PACKAGE} is not a dependency in Cargo.toml"),
            "run `sse install`",
        ),
        LibraryEntry::ByInstall | LibraryEntry::ByOwner(_) => {
            DEPENDENCY_CHECK.ok(format!("{LIBRARY_PACKAGE} is a dependency in Cargo.toml"))
        }
    }
}

fn check_route_call(code: &SourceCode) -> Finding {
    if let Some(location) = code.stream_route() {
        return WIRING_CHECK.ok(format!("the code serves the stream: {location}"));
    }
    let location = code.app_location();
    let location =
        location.unwrap_or_else(|| "in the closure passed to HttpServer::new".to_owned());
    WIRING_CHECK.error(
        "no code in src serves the stream",
        format!("add `{ROUTES_CALL}` after `App::new()`, {location}"),
    )
}

fn check_file_service(code: &SourceCode) -> Option<Finding> {
    let [service, routes] = code.routes_behind_file_service()?;
    Some(WIRING_CHECK.warning(
        format!("the file service for every path ({service}) hides the routes that are added after it ({routes}), including /sse/stream"),
        format!("move `{ROUTES_CALL}` before `.service(Files::new(\"/\", …))`: actix-web asks the services in the order in which they were added"),
    ))
}

fn check_compression(sources: &[SourceFile]) -> Option<Finding> {
    let mut names = ["Compress::", "Compress)"].into_iter();
    let (location, _) = names.find_map(|name| find_in_rust(sources, name))?;
    Some(COMPRESSION_CHECK.note(format!(
        "{location} compresses responses, but not the library's stream: its header \
         `Content-Encoding: identity` tells actix-web's Compress to skip it. A stream that you \
         build without the library needs that header, too"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::source_files::FileKind;

    fn source(text: &str) -> SourceFile {
        SourceFile::for_test("src/main.rs", FileKind::Rust, text)
    }

    fn route_call_finding(text: &str) -> Finding {
        let app = tempfile::tempdir().expect("a folder");
        fs::create_dir(app.path().join("src")).expect("it can be created");
        fs::write(app.path().join("src/main.rs"), text).expect("it can be written");
        check_route_call(&SourceCode::read(app.path(), iter::empty()))
    }

    #[test]
    fn a_missing_call_is_an_error_with_the_line_to_add_it_to() {
        let finding =
            route_call_finding("fn f() {\n    App::new().configure(actix_web_sse::routes);\n}\n");
        assert_eq!(finding.level, Level::Ok);
        assert!(
            finding.message.ends_with("src/main.rs:2"),
            "{}",
            finding.message
        );

        let code = "use actix_web::App;\nuse actix_web_sse::cache;\nfn f() {\n    App::new();\n}\n";
        let finding = route_call_finding(code);
        assert_eq!(finding.level, Level::Error);
        let help = finding.help.unwrap_or_default();
        assert!(
            help.contains(ROUTES_CALL) && help.ends_with("src/main.rs:4"),
            "{help}"
        );
        let with_glob = route_call_finding("use actix_web::*;\nfn f() {\n    App::new();\n}\n");
        let help = with_glob.help.unwrap_or_default();
        let expected = "src/main.rs:3, if this `App` is actix-web's";
        assert!(help.ends_with(expected), "{help}");
        assert!(
            route_call_finding("")
                .help
                .is_some_and(|help| help.contains("HttpServer::new"))
        );
    }

    #[test]
    fn compression_is_noted_with_its_line() {
        let finding = check_compression(&[source("a\n.wrap(Compress::default())")]);
        let finding = finding.expect("there is one");
        assert!(finding.message.starts_with("src/main.rs:2") && !finding.is_problem());
        assert_eq!(
            check_compression(&[source("// Compress::default()\n")]),
            None
        );
    }

    #[test]
    fn a_missing_dependency_is_an_error() {
        let level = |text: &str| check_dependency(Path::new("/none"), text.as_bytes()).level;
        let package = "[package]\nname = \"a\"\n[dependencies]\n";
        assert_eq!(level(package), Level::Error);
        assert_eq!(
            level(&format!("{package}actix-web-sse = \"1\"\n")),
            Level::Ok
        );
        assert_eq!(level("[workspace]\n"), Level::Error);
        assert_eq!(level("[package"), Level::Error);
    }
}
