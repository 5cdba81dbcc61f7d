//! Files that are not edited, and why.

use super::unknown_apps::UNKNOWN_APP;
use super::*;

/// A description, a file, and the lines that its verdict names.
pub(super) type Case = (&'static str, &'static str, &'static [usize]);

const NO_APP: &[Case] = &[
    ("empty", "", &[]),
    ("only a byte order mark", "\u{feff}", &[]),
    ("only a shebang", "#!/bin/sh", &[]),
    ("no app", "fn main() {}", &[]),
    (
        "only in tests",
        "use actix_web::App;\n#[cfg(test)]\nmod t { fn f() { App::new(); } }",
        &[],
    ),
    (
        "only in a file for tests",
        "#![cfg(test)]\nuse actix_web::App;\nfn f() { App::new(); }",
        &[],
    ),
    (
        "only in comments and strings",
        "// App::new()\nconst A: &str = \"App::new()\";",
        &[],
    ),
    (
        "imported in another function under this name, and by a glob",
        "use gui::*;\nfn a() { use actix_web::App as Web; }\nfn main() { Web::new(); }",
        &[],
    ),
];

const SEVERAL_APPS: &[Case] = &[
    (
        "two",
        "use actix_web::App;\nfn a() { App::new(); }\nfn b() { App::new(); }",
        &[2, 3],
    ),
    (
        "two on a line",
        "use actix_web::App;\nfn a() { App::new(); App::new(); }",
        &[2],
    ),
    (
        "two under different names",
        "use actix_web::{App, App as B};\nfn a() { App::new(); }\nfn b() { B::new(); }",
        &[2, 3],
    ),
    (
        "one under an alias of the type",
        "use actix_web::App;\ntype Web = App<X>;\nfn a() { Web::new(); }\nfn b() { App::new(); }",
        &[3, 4],
    ),
    (
        "one under another name of the file's",
        "use actix_web::App;\nmod a { use super::App as Web; fn a() { Web::new(); } }\nfn b() { App::new(); }",
        &[2, 3],
    ),
    (
        "one inside the other",
        "use actix_web::App;\nfn a() { App::new().b(App::new()); }",
        &[2],
    ),
    (
        "two under names of which one is another type in a module",
        "use actix_web::{App, App as Web};\nmod x { struct Web; }\nfn a() { Web::new(); }\nfn b() { App::new(); }",
        &[3, 4],
    ),
    (
        "one through a module of the file",
        "mod web { pub use actix_web::App; }\nfn a() { web::App::new(); }\nfn b() { actix_web::App::new(); }",
        &[2, 3],
    ),
    (
        "one by a glob of a module of the file",
        "mod web { pub use actix_web::App; }\nfn a() { use web::*; App::new(); }\nfn b() { actix_web::App::new(); }",
        &[2, 3],
    ),
    (
        "one in a module with the imports of a module around the one above",
        "use actix_web::App;\nmod a { mod b { use super::super::*; fn f() { App::new(); } } }\nfn b() { App::new(); }",
        &[2, 3],
    ),
];

const IN_MACRO: &[Case] = &[
    (
        "one in a macro",
        "use actix_web::App;\nfn a() { App::new(); }\nfn b() { serve!(|| App::new()); }",
        &[3],
    ),
    (
        "one in a macro, full path",
        "fn b() {\n vec![1, { actix_web::App::new() }]; }",
        &[2],
    ),
    (
        "one in a macro, with spaces",
        "fn b() { m! { App ::  new () } }",
        &[1],
    ),
    (
        "one in a macro, under another name",
        "use actix_web::App as B;\nfn a() { B::new(); m!(B::new()); }",
        &[2],
    ),
    (
        "one in a macro, with generics",
        "fn b() { m!(App::<Vec<u8>>::new()); }",
        &[1],
    ),
    (
        "one in a macro, qualified",
        "fn b() { m!(<App>::new()); }",
        &[1],
    ),
    (
        "one in a macro's definition",
        "use actix_web::App;\nmacro_rules! app {\n () => { App::new() };\n}\nfn a() { App::new(); }",
        &[3],
    ),
    (
        "one in an attribute",
        "use actix_web::App;\n#[with(App::new())]\nfn a() { App::new(); }",
        &[2],
    ),
    (
        "the call in a macro",
        "use actix_web::App;\nfn a() { App::new(); }\nfn b() { m!(app.configure(actix_web_sse::routes)); }",
        &[3],
    ),
    (
        "one in a macro's definition, under another name of a function",
        "macro_rules! app {\n () => { Web::new() };\n}\nfn a() { use actix_web::App as Web; app!(); }\nfn main() { actix_web::App::new(); }",
        &[2],
    ),
];

const NOT_CALLED: &[Case] = &[
    (
        "not called",
        "use actix_web::App;\nfn a() { App::new(); }\nfn b() { x.unwrap_or_else(App::new); }",
        &[3],
    ),
    (
        "passed to the server",
        "use actix_web::App;\nfn main() {\n HttpServer::new(App::new); }",
        &[3],
    ),
];

const UNVERIFIED: &[Case] = &[
    (
        "beside another actix_web_sse",
        "mod actix_web_sse;\nuse actix_web::App;\nfn main() { App::new(); }",
        &[3],
    ),
    (
        "beside a crate that is renamed to actix_web_sse",
        "use live as actix_web_sse;\nfn main() { actix_web::App::new(); }",
        &[2],
    ),
];

/// A description, a file that has the call, and the line of the call.
const WIRED: &[(&str, &str, usize)] = &[
    (
        "after `App::new()`",
        "use actix_web::App;\nfn main() {\n App::new()\n  .configure(actix_web_sse::routes); }",
        4,
    ),
    (
        "with a global path",
        "fn main() { actix_web::App::new().configure(::actix_web_sse::routes); }",
        1,
    ),
    (
        "imported",
        "use actix_web::App;\nuse actix_web_sse::{cache, routes};\nfn main() { App::new().configure(routes); }",
        3,
    ),
    (
        "under another name",
        "use actix_web_sse::routes as live;\nfn main() { actix_web::App::new().configure(live); }",
        2,
    ),
    (
        "further along",
        "use actix_web::App;\nfn main() { App::new().wrap(a).service(b).configure(actix_web_sse::routes).c(); }",
        2,
    ),
    (
        "in a scope",
        "use actix_web::App;\nfn main() { App::new().service(web::scope(\"/a\").configure(actix_web_sse::routes)); }",
        2,
    ),
    (
        "in a function that configures",
        "fn c(cfg: &mut C) { cfg.configure(actix_web_sse::routes); }\nfn main() { actix_web::App::new().configure(c); }",
        1,
    ),
    (
        "in one of two",
        "use actix_web::App;\nfn main() { App::new(); App::new().configure(actix_web_sse::routes); }",
        2,
    ),
];

fn assert_refused(name: &str, file: &str, expected: &CallSite) {
    let source = parse(file);
    assert_eq!(source.call_site(), *expected, "{name}");
}

#[test]
fn an_uncertain_call_site_is_refused() {
    let tables = [
        (DoubtReason::NoApp, NO_APP),
        (DoubtReason::SeveralApps, SEVERAL_APPS),
        (DoubtReason::InMacro, IN_MACRO),
        (DoubtReason::UnknownApp, UNKNOWN_APP),
        (DoubtReason::NotCalled, NOT_CALLED),
        (DoubtReason::Unverified, UNVERIFIED),
    ];
    for (reason, cases) in tables {
        for (name, file, lines) in cases {
            assert_refused(name, file, &unclear(reason.clone(), lines));
        }
    }
}

#[test]
fn a_file_that_has_the_call_is_not_edited() {
    for (name, file, line) in WIRED {
        assert_refused(name, file, &CallSite::Present(*line));
    }
}

#[test]
fn a_parse_error_has_its_line_number() {
    for (file, line) in [
        (&b"fn main() {\n    let = ;\n}"[..], 2),
        (b"\xef\xbb\xbf#!/bin/sh\nfn main() {\n    let = ;\n}", 3),
        (b"fn main() {\n\xff}", 2),
        (b"fn main() {\n    \"", 2),
    ] {
        let unclear = RustFile::parse(file).expect_err("it is not Rust");
        assert!(
            matches!(unclear.reason, DoubtReason::Invalid(_)),
            "{unclear}"
        );
        assert_eq!(unclear.lines, [line], "{unclear}");
    }
}

#[test]
fn a_reason_is_displayed_with_its_lines() {
    let reason = |file: &str| match parse(file).call_site() {
        CallSite::Doubtful(unclear) => unclear.to_string(),
        clear => panic!("{clear:?}"),
    };
    assert_eq!(reason(""), "it has no `App::new()`");
    assert_eq!(
        reason("use actix_web::App;\nfn a() { App::new(); }\nfn b() { App::new(); }"),
        "it has more than one `App::new()` (lines 2, 3)"
    );
    assert_eq!(
        reason("fn a() { App::new(); }"),
        "its `App` may not be actix-web's (line 1)"
    );
}

#[test]
fn a_file_that_is_nested_too_deeply_is_not_parsed() {
    let (open, close) = ("[".repeat(6_000), "]".repeat(6_000));
    for text in [
        format!("const A: u8 =\n{open}{close};"),
        format!("#! /bin/it's\nconst A: u8 = {open}{close};"),
        format!("m! {{\n{open}{close} }}"),
    ] {
        let Err(unclear) = RustFile::parse(text.as_bytes()) else {
            panic!("it parses");
        };
        assert_eq!(unclear.lines, [2]);
        let reason = unclear.to_string();
        assert!(
            reason.contains("does not parse: more than 512 brackets"),
            "{reason}"
        );
    }
}
