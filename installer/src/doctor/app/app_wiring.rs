//! Whether the app has the library, and serves the stream.

use std::fs;
use std::path::Path;

use super::shutdown;
use super::source_files::{Kind, Source};
use crate::app::workspace;
use crate::doctor::finding::{Finding, Level};
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::{DependencySource, PACKAGE};
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::splice::CALL;
use crate::editing::rust::uses;

const DEPENDENCY: &str = "dependency";
const WIRING: &str = "wiring";
const COMPRESSION: &str = "compression";

pub(super) fn check(app: &Path, sources: &[Source]) -> Vec<Finding> {
    let Ok(manifest) = fs::read(app.join("Cargo.toml")) else {
        let what = "there is no Cargo.toml here: dependency and code are not examined";
        return vec![Finding::note(DEPENDENCY, what)];
    };
    let mut findings = vec![dependency(app, &manifest)];
    let code: Vec<&Source> = sources
        .iter()
        .filter(|source| source.kind == Kind::Rust)
        .collect();
    let wiring = wiring(app);
    let has_streams = wiring.level == Level::Ok;
    findings.push(wiring);
    findings.extend(compression(&code));
    if has_streams {
        findings.extend(shutdown::check(sources));
    }
    findings
}

fn dependency(app: &Path, manifest: &[u8]) -> Finding {
    let manifest = match Manifest::parse(manifest) {
        Ok(manifest) => manifest,
        Err(failure) => {
            let help = "mend Cargo.toml: `cargo metadata` says more";
            return Finding::error(DEPENDENCY, failure.message(), help);
        }
    };
    if manifest.package().is_none() {
        return Finding::error(
            DEPENDENCY,
            "Cargo.toml is a workspace's, without a package of its own",
            "name the folder of the member that is your app: sse -C DIR doctor",
        );
    }
    let inherited = workspace::inherited_dependency(app, &manifest);
    match manifest.library_entry(inherited.as_ref().map(DependencySource::key)) {
        LibraryEntry::Absent => Finding::error(
            DEPENDENCY,
            format!("{PACKAGE} is no dependency in Cargo.toml"),
            "run `sse install`",
        ),
        LibraryEntry::Ours | LibraryEntry::Yours(_) => Finding::ok(
            DEPENDENCY,
            format!("{PACKAGE} is a dependency in Cargo.toml"),
        ),
    }
}

fn wiring(app: &Path) -> Finding {
    if let Some(place) = uses::uses_in(app).stream_route() {
        return Finding::ok(WIRING, format!("the stream is served: {place}"));
    }
    let places: Vec<String> = uses::app_constructions(app)
        .iter()
        .map(|(path, line)| format!("{}:{line}", path.display()))
        .collect();
    let place = if places.is_empty() {
        "in the closure that HttpServer::new is given".to_owned()
    } else {
        places.join(" or ")
    };
    Finding::error(
        WIRING,
        "nothing below src serves the stream",
        format!("write `{CALL}` behind `App::new()`, {place}"),
    )
}

fn compression(code: &[&Source]) -> Option<Finding> {
    let place = code.iter().find_map(|source| {
        let at = source
            .text
            .find("Compress::")
            .or_else(|| source.text.find("Compress)"))?;
        Some(format!("{}:{}", source.path, source.line_of(at)))
    })?;
    Some(Finding::note(
        COMPRESSION,
        format!(
            "{place} compresses responses. The stream's is marked `Content-Encoding: identity`, \
             which actix-web's Compress leaves as it is; a response that you build without the \
             library needs that header, too"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("src/main.rs", Kind::Rust, text)
    }

    fn wired(text: &str) -> Finding {
        let app = tempfile::tempdir().expect("a folder");
        fs::create_dir(app.path().join("src")).expect("it can be made");
        fs::write(app.path().join("src/main.rs"), text).expect("it can be written");
        wiring(app.path())
    }

    #[test]
    fn the_stream_is_served_or_the_place_for_it_is_named() {
        let finding = wired("fn f() {\n    App::new().configure(actix_web_sse::routes);\n}\n");
        assert_eq!(finding.level, Level::Ok);
        assert!(finding.what.ends_with("src/main.rs:2"), "{}", finding.what);

        let code = "use actix_web::App;\nuse actix_web_sse::cache;\nfn f() {\n    App::new();\n}\n";
        let finding = wired(code);
        assert_eq!(finding.level, Level::Error);
        let help = finding.help.unwrap_or_default();
        assert!(
            help.contains(CALL) && help.ends_with("src/main.rs:4"),
            "{help}"
        );
        assert!(
            wired("")
                .help
                .is_some_and(|help| help.contains("HttpServer::new"))
        );
    }

    #[test]
    fn compression_is_noted_with_its_place() {
        let finding = compression(&[&source("a\n.wrap(Compress::default())")]);
        let finding = finding.expect("there is one");
        assert!(finding.what.starts_with("src/main.rs:2") && !finding.is_bad());
        assert_eq!(compression(&[&source("// Compress::default()\n")]), None);
    }

    #[test]
    fn a_dependency_is_found_or_missed() {
        let level = |text: &str| dependency(Path::new("/none"), text.as_bytes()).level;
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
