//! The layout of the inserted call.

use std::fs;
use std::process::Command;

use super::*;

fn in_main(app: &str) -> String {
    format!("use actix_web::App;\nfn main() {{\n    let _ = {app};\n}}\n")
}

/// Wires `app` in a `main`, and returns the result without that `main`.
fn layout(app: &str) -> String {
    let (before, after) = in_main("|")
        .split_once('|')
        .map(|(a, b)| (a.len(), b.len()))
        .expect("a mark");
    let with_call = with_call(&in_main(app));
    with_call[before..with_call.len() - after].to_owned()
}

/// A chain, and the chain with the call.
const LAYOUTS: &[(&str, &str)] = &[
    ("App::new()", "App::new().configure(actix_web_sse::routes)"),
    (
        "App::new().service(a)",
        "App::new().configure(actix_web_sse::routes).service(a)",
    ),
    (
        "App::new()\n        .service(a)\n        .service(b)",
        "App::new()\n        .configure(actix_web_sse::routes)\n        .service(a)\n        .service(b)",
    ),
    (
        "App::new()\n\t\t.service(a)",
        "App::new()\n\t\t.configure(actix_web_sse::routes)\n\t\t.service(a)",
    ),
    (
        "App::new()\r\n    .service(a)",
        "App::new()\r\n    .configure(actix_web_sse::routes)\r\n    .service(a)",
    ),
    (
        "App::new()\n.service(a)",
        "App::new()\n.configure(actix_web_sse::routes)\n.service(a)",
    ),
    (
        "App::new()  \r\n \n\n   .service(a)",
        "App::new()\n   .configure(actix_web_sse::routes)  \r\n \n\n   .service(a)",
    ),
    (
        "App::new() // mine\n        .service(a)",
        "App::new().configure(actix_web_sse::routes) // mine\n        .service(a)",
    ),
    (
        "App::new()\n        // mine\n        // too\n\n        .service(a)",
        "App::new()\n        .configure(actix_web_sse::routes)\n        // mine\n        // too\n\n        .service(a)",
    ),
    (
        "App::new()\n        /* mine */ .service(a)",
        "App::new().configure(actix_web_sse::routes)\n        /* mine */ .service(a)",
    ),
    (
        "App::new()\n    // no more\n",
        "App::new().configure(actix_web_sse::routes)\n    // no more\n",
    ),
    (
        "App::new()\n",
        "App::new().configure(actix_web_sse::routes)\n",
    ),
    (
        "App::new()\n    ..end",
        "App::new().configure(actix_web_sse::routes)\n    ..end",
    ),
    (
        "App::new()\n\u{2003}.service(a)",
        "App::new().configure(actix_web_sse::routes)\n\u{2003}.service(a)",
    ),
    (
        "App::new().service(\n    a\n    )",
        "App::new().configure(actix_web_sse::routes).service(\n    a\n    )",
    ),
];

#[test]
fn the_call_has_the_layout_of_its_chain() {
    for (app, expected) in LAYOUTS {
        assert_eq!(layout(app), *expected);
    }
}

/// The file formatted by rustfmt with its default settings, not the user's.
fn rustfmt(file: &str) -> String {
    let folder = tempfile::tempdir().expect("can create a temporary folder");
    let path = folder.path().join("main.rs");
    fs::write(folder.path().join("rustfmt.toml"), "").expect("can write the file");
    fs::write(&path, file).expect("can write the file");
    let output = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(&path)
        .output()
        .expect("rustfmt comes with Rust");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}{file}");
    fs::read_to_string(path).expect("the file exists")
}

const FORMATTED: [&str; 4] = [
    "use actix_web::{App, HttpServer, web};\n\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\n    HttpServer::new(move || {\n        App::new()\n            .app_data(web::Data::new(1))\n            .wrap(actix_web::middleware::Logger::default())\n            .service(index)\n    })\n    .bind((\"127.0.0.1\", 8080))?\n    .run()\n    .await\n}\n",
    "use actix_web::{App, HttpServer};\n\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\n    HttpServer::new(|| App::new().service(index))\n        .bind((\"127.0.0.1\", 8080))?\n        .run()\n        .await\n}\n",
    "fn main() {\n    let app = actix_web::App::new()\n        // The order matters.\n        .wrap(first)\n        .wrap(second); // é\n    run(app);\n}\n",
    "use actix_web::App;\r\n\r\nfn app() -> App {\r\n    App::new()\r\n        .service(a_rather_long_name_of_a_service)\r\n        .service(another_rather_long_name_of_a_service)\r\n}\r\n",
];

#[test]
fn a_formatted_file_stays_formatted() {
    for file in FORMATTED {
        assert_eq!(rustfmt(file), file, "it was formatted");
        let with_call = with_call(file);
        assert_eq!(rustfmt(&with_call), with_call);
    }
}

#[test]
fn the_call_is_removed_after_rustfmt_has_moved_it() {
    for file in FORMATTED {
        // rustfmt breaks the line, because it becomes too long.
        let file = file.replace(".service(index)", ".service(a_long_name_for_an_index_page)");
        let formatted = rustfmt(&with_call(&rustfmt(&file)));
        let RouteCallRemoval::Removed(without) = parse(&formatted).without_call() else {
            panic!("it was not found:\n{formatted}");
        };
        assert_eq!(rustfmt(&text(without)), rustfmt(&file));
    }
}
