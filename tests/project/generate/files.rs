//! The files of a generated app.

use std::fs;

use support::workspace;

use super::{checkout::checkout, generated::Generated};

/// Files that are copied unchanged.
const COPIED: [&str; 26] = [
    ".dockerignore",
    ".env",
    ".gitignore",
    "public/app.js",
    "public/connection.js",
    "public/dom.js",
    "public/events.js",
    "public/favicon.svg",
    "public/js/sse-client.js",
    "public/order.js",
    "public/sentence.js",
    "public/style.css",
    "public/toasts.js",
    "public/tools.js",
    "src/admin.rs",
    "src/dev_tools.rs",
    "src/health.rs",
    "src/logging.rs",
    "src/main.rs",
    "src/pages.rs",
    "src/same_origin.rs",
    "src/stream.rs",
    "src/tls.rs",
    "src/tls/client.rs",
    "src/tls/server.rs",
    "tests/live.rs",
];
/// Files that depend on the answers.
const RENDERED: [&str; 3] = ["Cargo.toml", "Dockerfile", "README.md"];
/// Files in which the app's name replaces the starter's. Comments contain what replaces it, so the starter can serve
/// them as they are.
const NAMED: [&str; 2] = ["public/index.html", "public/order.html"];
const PLACEHOLDERS: [&str; 4] = ["project-name", "sse_git", "sse_path", "sse_version"];

fn template(file: &str) -> Vec<u8> {
    let path = workspace().join("template").join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn template_text(file: &str) -> String {
    String::from_utf8(template(file)).unwrap()
}

/// Expects all files of the template and no others, and the same bytes in those that do not depend on
/// the answers.
#[track_caller]
pub(crate) fn assert_template_files(app: &Generated) {
    let files = app.files();
    let mut expected: Vec<&str> = COPIED.into_iter().chain(RENDERED).chain(NAMED).collect();
    expected.sort_unstable();
    assert_eq!(files.keys().collect::<Vec<_>>(), expected);
    for file in COPIED {
        assert!(
            files[file] == template(file),
            "{file} differs from the template"
        );
    }
    for file in NAMED {
        assert_eq!(app.read(file), with_name(file, app.name()), "{file}");
    }
    for file in RENDERED.into_iter().chain(NAMED) {
        let text = app.read(file);
        for mark in ["{{", "}}", "{%", "%}"] {
            assert!(!text.contains(mark), "{file} has {mark}");
        }
    }
}

/// A page of the starter with another app's name and without the placeholders.
fn with_name(file: &str, name: &str) -> String {
    let text = template_text(file);
    assert!(
        text.matches("sse-starter").count() >= 3,
        "{file}: title, heading and placeholder"
    );
    [
        ("{% capture page %}", ""),
        (
            "{% endcapture %}{{ page | replace: \"sse-starter\", project-name }}",
            "",
        ),
        ("sse-starter", name),
    ]
    .into_iter()
    .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Expects the manifest of the starter, except for the name, the library's source, and the lints of the
/// workspace.
#[track_caller]
pub(crate) fn assert_starter_manifest(app: &Generated, name: &str, library: &str) {
    let with_features = |features: &str| match library.strip_suffix(" }") {
        Some(table) => format!("{table}, features = [{features}] }}"),
        None => format!("{{ version = {library}, features = [{features}] }}"),
    };
    let mut expected = template_text("Cargo.toml")
        .replace("name = \"sse-starter\"", &format!("name = \"{name}\""))
        .replace("\n[lints]\nworkspace = true\n", "");
    for features in ["\"metrics\", \"redis-tls\", \"rustls-0_23\"", "\"testing\""] {
        let starters = format!("{{ path = \"..\", features = [{features}] }}");
        assert!(expected.contains(&starters), "{starters}");
        expected = expected.replace(&starters, &with_features(features));
    }
    assert_eq!(app.read("Cargo.toml"), expected);
}

#[test]
fn every_library_source_generates_the_same_app_except_the_dependency() {
    let folder = checkout().destination("sources");
    let path = format!("sse_path={}", checkout().path().display());
    for (name, values, library) in [
        (
            "from-path",
            vec!["sse_source=path", &path],
            format!("{{ path = '{}' }}", checkout().path().display()),
        ),
        (
            "from-windows",
            vec![r"sse_path=C:\code\actix-web-sse"],
            r"{ path = 'C:\code\actix-web-sse' }".to_owned(),
        ),
        (
            "from-git",
            vec!["sse_source=git", "sse_git=https://example.com/sse.git"],
            "{ git = 'https://example.com/sse.git' }".to_owned(),
        ),
        (
            "from-registry",
            vec!["sse_source=registry"],
            "'0.1'".to_owned(),
        ),
    ] {
        let app = checkout().generate(&folder, name, &values);
        assert_template_files(&app);
        assert_starter_manifest(&app, name, &library);
        for file in ["Dockerfile", "README.md"] {
            assert!(app.read(file).contains(name), "{name}: {file}");
        }
        let needs_the_checkout = app.read("Dockerfile").contains("--build-context");
        assert_eq!(
            needs_the_checkout,
            name == "from-path" || name == "from-windows"
        );
    }
}

/// The library is not published yet, so this checks only that cargo can read the manifest.
#[test]
fn an_app_with_the_library_from_a_registry_has_a_manifest_that_cargo_understands() {
    let folder = checkout().destination("registry");
    let values = ["sse_source=registry", "sse_version=0.7"];
    let package = checkout().generate(&folder, "my-app", &values).package();
    assert_eq!(package["name"], "my-app");
    let dependencies = package["dependencies"].as_array().unwrap();
    let library = dependencies
        .iter()
        .find(|dependency| dependency["name"] == "actix-web-sse")
        .unwrap();
    assert_eq!(library["req"], "^0.7");
    assert!(library["source"].as_str().unwrap().starts_with("registry+"));
}

/// Liquid replaces unknown placeholders by nothing, without an error.
#[test]
fn the_rendered_files_use_known_placeholders_only() {
    for file in RENDERED {
        let text = template_text(&format!("{file}.liquid"));
        for part in text.split("{{").skip(1) {
            let (placeholder, _) = part.split_once("}}").unwrap();
            assert!(
                PLACEHOLDERS.contains(&placeholder),
                "{file}.liquid has the placeholder {placeholder:?}"
            );
        }
    }
}
