//! Uses of the library in code.

use std::fs;
use std::path::Path;

use crate::editing::rust::rust_file::RustFile;
use crate::editing::rust::source_code::SourceCode;
use crate::editing::rust::uses::{Use, library_uses};

fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
    let app = tempfile::tempdir().expect("can create a temporary folder");
    for (file, code) in files {
        let path = app.path().join(file);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("can create the folder");
        fs::write(path, code).expect("can write the file");
    }
    app
}

fn uses_in_file(code: &[u8]) -> Vec<Use> {
    library_uses(code, &RustFile::parse(code))
}

fn read(app: &tempfile::TempDir) -> SourceCode {
    SourceCode::read(app.path(), std::iter::empty())
}

/// Line and item of each use. Uses in tests are in parentheses.
fn named(code: &str) -> Vec<String> {
    let uses = uses_in_file(code.as_bytes()).into_iter();
    uses.map(|found| match found.is_test {
        true => format!("({} {})", found.line, found.item),
        false => format!("{} {}", found.line, found.item),
    })
    .collect()
}

/// Code, and line and item of each use in it.
const USES: &[(&str, &[&str])] = &[
    ("use actix_web_sse::routes;", &["1 routes"]),
    (
        "use ::actix_web_sse::{cache, Sse as S,\n stream::Body};",
        &["1 cache", "1 Sse", "1 stream"],
    ),
    ("use actix_web_sse::*;", &["1 *"]),
    ("use {std::io, actix_web_sse::scripts};", &["1 scripts"]),
    (
        "use actix_web_sse as live;\nfn f() { live::routes(c); live::cache::<T>(); }",
        &["1 self", "2 routes", "2 cache"],
    ),
    (
        "use actix_web_sse as live;\nfn f() { use a::*; live::routes(c); }",
        &["1 self", "2 routes"],
    ),
    (
        "use actix_web_sse as live;\n#[cfg(test)]\nmod t { use super::*; fn f() { live::routes(c); } }",
        &["1 self", "(3 routes)"],
    ),
    (
        "use actix_web_sse::{self as live};\nfn f(a: live::Sse) {}",
        &["1 self", "2 Sse"],
    ),
    (
        "extern crate actix_web_sse as live;\nfn f() { live::routes; }",
        &["1 self", "2 routes"],
    ),
    (
        "fn f(a: actix_web_sse::Sse) -> ::actix_web_sse::EventStream {}",
        &["1 Sse", "1 EventStream"],
    ),
    (
        "\nfn f() { m!(a, actix_web_sse::cache().save()); }",
        &["2 cache"],
    ),
    ("fn f() { m! { use actix_web_sse::{a, b}; } }", &["1 *"]),
    (
        "fn f() { m!(x, [::actix_web_sse::routes]); }",
        &["1 routes"],
    ),
    (
        "fn f() { m!(other::actix_web_sse::routes); other::actix_web_sse::routes(); }",
        &[],
    ),
    (
        "// actix_web_sse::routes\nconst A: &str = \"actix_web_sse::routes\";\nm!(\"actix_web_sse\");",
        &[],
    ),
    ("fn my_actix_web_sse() { actix_web_sse_2::routes(); }", &[]),
    (
        "#[cfg(test)]\nmod t { use actix_web_sse::routes; }",
        &["(2 routes)"],
    ),
    (
        "#[actix_web::test]\nasync fn t() { m!(actix_web_sse::cache()); }",
        &["(2 cache)"],
    ),
    (
        "\u{feff}#!/bin/sh\n#[actix_web_sse::mark]\nfn main() {}",
        &["2 mark"],
    ),
    (
        "fn broken( {\n actix_web_sse::routes; // a\n // actix_web_sse::cache\n use actix_web_sse::{a}; actix_web_sse",
        &["2 routes", "4 *", "4 self"],
    ),
];

#[test]
fn every_way_to_name_the_library_is_found() {
    for (code, expected) in USES {
        assert_eq!(named(code), *expected, "{code}");
    }
    assert_eq!(uses_in_file(b"\xff actix_web_sse::routes"), []);
}

#[test]
fn uses_are_listed_by_file_and_line() {
    let app = app(&[
        ("src/main.rs", "fn main() {}\n// actix_web_sse\n"),
        (
            "src/pages/a.rs",
            "\nuse actix_web_sse::{\n    cache,\n    routes,\n};\n",
        ),
        ("src/target/a.rs", "use actix_web_sse::cache;\n"),
        (
            "src/broken.rs",
            "fn (\nuse actix_web_sse::cache;\n// actix_web_sse\n",
        ),
        ("src/notes.txt", "actix_web_sse\n"),
        (
            "tests/it.rs",
            "#[test]\nfn a() { actix_web_sse::cache(); }\n",
        ),
        ("examples/e.rs", "use actix_web_sse::Sse;\n"),
        ("benches/b.rs", "use actix_web_sse::Sse;\n"),
        ("other/b.rs", "use actix_web_sse::Sse;\n"),
    ]);
    let lines: Vec<String> = read(&app)
        .library_lines()
        .into_iter()
        .map(|line| line.replace('\\', "/"))
        .collect();
    assert_eq!(
        lines,
        [
            "src/broken.rs:2",
            "src/pages/a.rs:2",
            "tests/it.rs:2",
            "examples/e.rs:1",
            "benches/b.rs:1"
        ]
    );
}

#[test]
fn an_apps_own_stream_route_is_found() {
    let serves = |file: &str, code: &str| {
        let app = app(&[
            ("src/main.rs", "#[cfg(test)]\nmod tests;\nmod stream;\n"),
            (file, code),
        ]);
        let uses = read(&app);
        (uses.stream_route().is_some(), uses.serves_scripts())
    };
    let both = (true, true);
    let neither = (false, false);
    assert_eq!(serves("src/a.rs", "use actix_web_sse::routes;"), both);
    assert_eq!(serves("src/a.rs", "use actix_web_sse::*;"), both);
    assert_eq!(
        serves("src/stream.rs", "use actix_web_sse::{Sse, cache};"),
        (true, false)
    );
    assert_eq!(
        serves("src/a.rs", "fn a(b: actix_web_sse::EventStream) {}"),
        (true, false)
    );
    assert_eq!(
        serves("src/a.rs", "fn a() { m!(actix_web_sse::Sse::new); }"),
        (true, false)
    );
    assert_eq!(
        serves("src/a.rs", "use actix_web_sse::scripts;"),
        (false, true)
    );
    assert_eq!(
        serves("src/a.rs", "use actix_web_sse::{Cache, cache};"),
        neither
    );
    assert_eq!(serves("src/a.rs", "// actix_web_sse::routes"), neither);
    assert_eq!(
        serves("src/a.rs", "#[test]\nfn a() { actix_web_sse::routes; }"),
        neither
    );
    assert_eq!(
        serves("src/tests.rs", "use actix_web_sse::routes;"),
        neither
    );
    assert_eq!(
        serves("src/tests/more.rs", "use actix_web_sse::routes;"),
        neither
    );
    assert_eq!(serves("tests/a.rs", "use actix_web_sse::routes;"), neither);
    assert_eq!(
        serves("examples/a.rs", "use actix_web_sse::routes;"),
        neither
    );
}

#[test]
fn app_constructions_outside_of_the_binaries_are_found() {
    let code = "use actix_web::App;\n\nfn run() { App::new(); }\n#[test]\nfn a() { App::new(); }\n";
    let app = app(&[
        ("src/main.rs", "mod startup;\nfn main() {}\n"),
        (
            "src/startup.rs",
            &format!("{code}#[cfg(test)]\nmod tests;\nmod inner {{ #[cfg(test)] mod deep; }}\n"),
        ),
        ("src/startup/tests.rs", code),
        ("src/startup/inner/deep.rs", code),
        ("src/startup/inner/deeper.rs", code),
        ("src/tui.rs", "use bevy::App;\nfn run() { App::new(); }\n"),
        ("src/broken.rs", "use actix_web::App; fn ( App::new()"),
        ("src/bin/x.rs", "#[cfg(test)]\nmod y;\n"),
        ("src/bin/y.rs", code),
    ]);
    assert_eq!(
        read(&app).app_location().as_deref(),
        Some("src/startup/inner/deeper.rs:3 or src/startup.rs:3")
    );
}

#[test]
fn an_app_that_may_be_actix_webs_is_located_if_there_is_no_other() {
    let code = "use actix_web::*;\nfn run() { App::new(); }\n";
    let location = |files: &[(&str, &str)]| read(&app(files)).app_location();
    assert_eq!(
        location(&[("src/startup.rs", code)]).as_deref(),
        Some("src/startup.rs:2, if this `App` is actix-web's")
    );
    let certain = ("src/b.rs", "fn run() { actix_web::App::new(); }");
    assert_eq!(
        location(&[("src/a.rs", code), certain]).as_deref(),
        Some("src/b.rs:1")
    );
}

#[test]
fn symbolic_links_to_folders_are_not_followed() {
    let app = app(&[("src/a/b.rs", "use actix_web_sse::cache;\n")]);
    std::os::unix::fs::symlink("..", app.path().join("src/a/up")).expect("can create the link");
    assert_eq!(read(&app).library_lines(), ["src/a/b.rs:1"]);
}
