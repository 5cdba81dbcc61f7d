//! Files whose call site is certain.

use super::*;

/// Each file has `|` where the call belongs.
const CLEAR: &[(&str, &str)] = &[
    (
        "imported",
        "use actix_web::App;\nfn main() { App::new()|; }\n",
    ),
    (
        "in a group",
        "use actix_web::{App, HttpServer};\nfn main() { HttpServer::new(|| App::new()|.service(a)); }",
    ),
    (
        "in a nested group",
        "use {std::io, actix_web::{web, {App}}};\nfn main() { App::new()|; }",
    ),
    (
        "under another name",
        "use actix_web::{App as WebApp};\nfn main() { WebApp::new()|; }",
    ),
    ("by its full path", "fn main() { actix_web::App::new()|; }"),
    (
        "by its global path",
        "fn main() { ::actix_web::App::new()|; }",
    ),
    (
        "by the crate's other name",
        "use actix_web as web_crate;\nfn main() { web_crate::App::new()|; }",
    ),
    (
        "by the crate's own name in a group",
        "use actix_web::{self as aw, web};\nfn main() { aw::App::new()|; }",
    ),
    (
        "by extern crate",
        "extern crate actix_web as aw;\nuse aw::App;\nfn main() { App::new()|; }",
    ),
    (
        "by a crate imported by its name",
        "use actix_web;\nuse actix_web::App;\nfn main() { App::new()|; }",
    ),
    (
        "imported in the function",
        "fn main() { use actix_web::App; App::new()|; }",
    ),
    (
        "imported in a block around it",
        "fn main() { { use actix_web::App; || { App::new()| }; } }",
    ),
    (
        "imported after its use",
        "fn main() { App::new()|; }\nuse actix_web::App;",
    ),
    (
        "in a module with an import of its own",
        "mod server { use actix_web::App; fn f() { App::new()|; } }\nfn main() {}",
    ),
    (
        "in a module with the imports of the one above",
        "use actix_web::App;\nmod server { use super::*; fn f() { App::new()|; } }\nfn main() {}",
    ),
    (
        "in a module that imports it from the one above",
        "use actix_web::App;\nmod server { use super::App; fn f() { App::new()|; } }\nfn main() {}",
    ),
    (
        "beside a module that imports it from the file",
        "use actix_web::App;\nmod server { use crate::App; fn f(app: App) {} }\nfn main() { App::new()|; }",
    ),
    (
        "under an alias of the type",
        "type App = actix_web::App<Entry>;\nfn main() { App::new()|; }",
    ),
    (
        "with spaces inside",
        "use actix_web::App;\nfn main() { App :: new ( )| . service(a); }",
    ),
    (
        "with a comment inside",
        "use actix_web::App;\nfn main() { App::new(/* none */)| /* no more */; }",
    ),
    (
        "with a generic argument",
        "use actix_web::App;\nfn main() { App::<Entry>::new()|; }",
    ),
    (
        "as a qualified path",
        "use actix_web::App;\nfn main() { <App>::new()|; }",
    ),
    (
        "in parentheses",
        "use actix_web::App;\nfn main() { (App::new()|).service(a); }",
    ),
    (
        "in a raw identifier",
        "use actix_web::App;\nfn main() { r#App::new()|; }",
    ),
    (
        "the last bytes of the file",
        "use actix_web::App;\nfn app() -> T { App::new()|}",
    ),
    (
        "beside tests",
        "use actix_web::App;\nfn main() { App::new()|; }\n#[cfg(test)]\nmod tests { use super::*; #[actix_web::test] async fn a() { App::new(); } }",
    ),
    (
        "beside a test function",
        "use actix_web::App;\nfn main() { App::new()|; }\n#[actix_web::test]\nasync fn a() { App::new(); }\n#[tokio::test(flavor = \"x\")]\nasync fn b() { App::new(); }\n#[test]\nfn c() { App::new(); }\n#[actix_rt::test] async fn d() { App::new(); }",
    ),
    (
        "beside code for tests and a feature",
        "use actix_web::App;\nfn main() { App::new()|; }\n#[cfg(any(test, feature = \"mock\"))]\nfn mock() { App::new(); }\n#[cfg(all(unix, any(windows, all(test))))]\nfn more() { App::new(); }",
    ),
    (
        "in code that is not for tests",
        "use actix_web::App;\n#[cfg(not(test))]\nfn main() { App::new()|; }",
    ),
    (
        "beside a test method",
        "use actix_web::App;\nfn main() { App::new()|; }\nimpl A { #[cfg(test)] fn app() { App::new(); } }\ntrait B { #[cfg(test)] fn app() { App::new(); } }",
    ),
    (
        "beside a test statement",
        "use actix_web::App;\nfn main() { #[cfg(test)] let a = App::new(); #[cfg(test)] { App::new(); } #[cfg(test)] a = App::new(); #[cfg(test)] mac!(App::new()); App::new()|; }",
    ),
    (
        "beside a test arm and a test field",
        "use actix_web::App;\nfn main() { match 1 { #[cfg(test)] 1 => App::new(), _ => App::new()| }; A { #[cfg(test)] a: App::new() }; }",
    ),
    (
        "beside a module with tests for itself",
        "use actix_web::App;\nfn main() { App::new()|; }\nmod t { #![cfg(test)] use super::*; fn a() { App::new(); } }",
    ),
    (
        "beside text about it",
        "//! App::new()\nuse actix_web::App;\n/* App::new() /* nested App::new() */ */\nconst A: &str = \"App::new()\"; // App::new()\nconst B: &str = r##\"App::new() \"# \"##;\n/// App::new()\nfn main() { println!(\"App::new() {}\", r#\"App::new()\"#); App::new()|; }",
    ),
    (
        "beside a lifetime and a character that look like strings",
        "use actix_web::App;\nfn f<'a>(a: &'a str) -> char { '\"' }\nfn main() { b'\\''; App::new()|; \"\"; }",
    ),
    (
        "after letters of several bytes",
        "// é ü ✓ 𝄞\nuse actix_web::App;\nfn main() { let ü = \"日本語𝄞\"; App::new()|; }",
    ),
    (
        "after a byte order mark",
        "\u{feff}use actix_web::App;\nfn main() { App::new()|; }",
    ),
    (
        "after a shebang",
        "#!/usr/bin/env run-cargo-script é\nuse actix_web::App;\nfn main() { App::new()|; }",
    ),
    (
        "after both",
        "\u{feff}#!/usr/bin/env -S é\r\nuse actix_web::App;\r\nfn main() { App::new()|; }",
    ),
    (
        "after an attribute that looks like a shebang",
        "#! [allow(unused)]\nuse actix_web::App;\nfn main() { App::new()|; }",
    ),
    (
        "with returns at the ends of lines",
        "use actix_web::App;\r\n/// A\r\n/// b\r\nfn main() {\r\n    let a = \"x\r\n\";\r\n    App::new()|;\r\n}\r\n",
    ),
    (
        "beside an App of the file",
        "mod tui { pub struct App; impl App { fn new() {} } fn f() { App::new(); } }\nfn main() { actix_web::App::new()|; }",
    ),
    (
        "beside an App with arguments",
        "use clap::App;\nfn main() { App::new(\"a\"); actix_web::App::new()|; }",
    ),
    (
        "under a name that a glob may bring as well",
        "use actix_web::App;\nuse bevy::prelude::*;\nfn main() { App::new()|; }",
    ),
    (
        "in an async block in a closure in a loop",
        "use actix_web::App;\nfn main() { loop { run(async move || async { App::new()|.wrap(a).await }); } }",
    ),
    (
        "beside a constructor of something else",
        "use actix_web::App;\nfn main() { Vec::new(); web::App2::new(); App::build(); App::new()|; }",
    ),
    (
        "with a fallible chain",
        "use actix_web::App;\nfn main() -> R { run(|| App::new()|.a()?.b().await).c() }",
    ),
    (
        "beside a glob of an enum of the file",
        "use actix_web::App;\nenum Color { Red }\nfn a() { use Color::*; }\nfn main() { App::new()|; }",
    ),
    (
        "in a function with a glob of an enum of the file",
        "use actix_web::App;\nenum Color { Red }\nfn main() { use Color::*; App::new()|; }",
    ),
    (
        "in a module with a glob of an enum of the one above",
        "use actix_web::App;\nenum Color { Red }\nmod a { use super::*; fn f() { use Color::*; App::new()|; } }",
    ),
    (
        "beside a function with a glob of a table",
        "use actix_web::App;\nmod schema;\nfn a() { use self::schema::posts::dsl::*; }\nfn main() { App::new()|; }",
    ),
    (
        "beside a function with a glob of a table of the file",
        "use actix_web::App;\nmod schema { diesel::table! { posts (id) { id -> Integer } } }\nfn a() { use self::schema::posts::dsl::*; }\nfn main() { App::new()|; }",
    ),
    (
        "beside a module with a glob of actix-web",
        "use actix_web::{App, web};\nmod handlers { use actix_web::*; }\nfn main() { App::new()|; }",
    ),
    (
        "in a function with a glob of actix-web",
        "use actix_web::App;\nfn main() { use actix_web::*; App::new()|; }",
    ),
    (
        "imported in a function, beside a glob of the file",
        "use diesel::prelude::*;\nfn main() { use actix_web::App; App::new()|; }",
    ),
    (
        "imported in a function with a glob",
        "fn main() { use actix_web::App; use diesel::prelude::*; App::new()|; }",
    ),
    (
        "imported in a function, beside another import of the file",
        "use gui::App;\nfn main() { use actix_web::App; App::new()|; }",
    ),
    (
        "beside a module with an App of its own",
        "use actix_web::App;\nmod cli { pub struct App; impl App { fn new() {} } fn f() { App::new(); } }\nfn main() { App::new()|; }",
    ),
    (
        "beside a function with an App of its own",
        "use actix_web::App;\nfn a() { struct App; App::new(); }\nfn main() { App::new()|; }",
    ),
    (
        "beside a function with a type parameter of this name",
        "use actix_web::App;\nfn a<App: Make>() { App::new(); }\nfn main() { App::new()|; }",
    ),
    (
        "beside methods with a type parameter of this name",
        "use actix_web::App;\nimpl A { fn a<App: Make>() { App::new(); } fn b() { App::new()|; } }",
    ),
    (
        "from a module of this file",
        "mod web { pub use actix_web::App; }\nfn main() { web::App::new()|; }",
    ),
    (
        "by a glob of a module of this file",
        "mod web { pub use actix_web::App; }\nuse web::*;\nfn main() { App::new()|; }",
    ),
    (
        "in a module with the imports of a module around the one above",
        "use actix_web::App;\nmod a { mod b { use super::super::*; fn f() { App::new()|; } } }",
    ),
    (
        "in a module in a function",
        "use actix_web::App;\nfn main() { use gui::App; mod a { use super::App; fn f() { App::new()|; } } }",
    ),
    (
        "in a module, by its full path beside a module `actix_web`",
        "mod actix_web {}\nmod a { fn f() { actix_web::App::new()|; } }",
    ),
    (
        "beside macros that bind other names",
        "use actix_web::App;\nthread_local! { static A: u8 = 1; }\nmacro_rules! log { ($a:expr) => {{ use std::fmt::Write; $a }} }\nmod a { lazy_static! {} }\nfn main() { log!(1); env_logger!(); App::new()|; }",
    ),
    (
        "behind a feature, as its import",
        "#[cfg(feature = \"ssr\")]\nuse actix_web::App;\nuse leptos::prelude::*;\nfn main() { App::new()|; }",
    ),
    (
        "beside an import for tests",
        "#[cfg(not(test))]\nuse actix_web::App;\n#[cfg(all(test, feature = \"mock\"))]\nuse mock::App;\n#[cfg(any(test, all(test, unix)))]\nuse mock::App;\nfn main() { App::new()|; }",
    ),
    (
        "beside cyclic globs",
        "use actix_web::App;\nuse handlers::*;\nmod handlers { use super::*; fn f(app: App) { actix_web::web::get(); } }\nfn main() { App::new()|; }",
    ),
];

#[test]
fn the_only_app_is_wired() {
    for (name, marked) in CLEAR {
        // The mark is the last `|` that belongs to no closure or pattern.
        let at = marked
            .rfind(")|")
            .unwrap_or_else(|| panic!("{name}: no mark"))
            + 1;
        let file = format!("{}{}", &marked[..at], &marked[at + 1..]);
        let with_call = with_call(&file);
        let inserted = &with_call[at..with_call.len() - (file.len() - at)];
        assert_eq!(inserted.trim_start(), ROUTES_CALL, "{name}");
        assert_eq!(
            parse(&file).without_call(),
            RouteCallRemoval::Nothing,
            "{name}"
        );
    }
}

#[test]
fn only_a_configure_call_with_routes_counts() {
    for argument in [
        "routes",
        "other::routes",
        "actix_web_sse::scripts",
        "actix_web_sse::routes::all",
    ] {
        with_call(&format!(
            "use actix_web::App;\nfn main() {{ App::new().configure({argument}); }}"
        ));
    }
    with_call(
        "use actix_web::App;\nfn main() { App::new(); }\n\
         #[test]\nfn a() { App::new().configure(actix_web_sse::routes); }",
    );
}

#[test]
fn deeply_nested_code_does_not_overflow_the_stack() {
    let calls = "\n        .route(\"/\", get())".repeat(2_000);
    let (open, close) = ("{".repeat(500), "}".repeat(500));
    with_call(&format!(
        "use actix_web::App;\nfn main() {{ {open}App::new(){calls}{close} }}\n"
    ));
}
