//! Files that are not edited, and why.

use super::*;

fn refused() -> Vec<(&'static str, &'static str, CallSite)> {
    let none = |lines: &[usize]| unclear(Reason::NoApp, lines);
    let several = |lines: &[usize]| unclear(Reason::SeveralApps, lines);
    let in_macro = |lines: &[usize]| unclear(Reason::InMacro, lines);
    let other = |lines: &[usize]| unclear(Reason::UnknownApp, lines);
    let not_called = |lines: &[usize]| unclear(Reason::NotCalled, lines);
    let there = |line| CallSite::Wired { line };
    vec![
        ("empty", "", none(&[])),
        ("only a byte order mark", "\u{feff}", none(&[])),
        ("only a line for the shell", "#!/bin/sh", none(&[])),
        ("no app", "fn main() {}", none(&[])),
        (
            "only in tests",
            "use actix_web::App;\n#[cfg(test)]\nmod t { fn f() { App::new(); } }",
            none(&[]),
        ),
        (
            "only in a file for tests",
            "#![cfg(test)]\nuse actix_web::App;\nfn f() { App::new(); }",
            none(&[]),
        ),
        (
            "only in text",
            "// App::new()\nconst A: &str = \"App::new()\";",
            none(&[]),
        ),
        (
            "two",
            "use actix_web::App;\nfn a() { App::new(); }\nfn b() { App::new(); }",
            several(&[2, 3]),
        ),
        (
            "two on a line",
            "use actix_web::App;\nfn a() { App::new(); App::new(); }",
            several(&[2]),
        ),
        (
            "two under different names",
            "use actix_web::{App, App as B};\nfn a() { App::new(); }\nfn b() { B::new(); }",
            several(&[2, 3]),
        ),
        (
            "one inside the other",
            "use actix_web::App;\nfn a() { App::new().b(App::new()); }",
            several(&[2]),
        ),
        (
            "one in a macro",
            "use actix_web::App;\nfn a() { App::new(); }\nfn b() { serve!(|| App::new()); }",
            in_macro(&[3]),
        ),
        (
            "one in a macro, full path",
            "fn b() {\n vec![1, { actix_web::App::new() }]; }",
            in_macro(&[2]),
        ),
        (
            "one in a macro, with spaces",
            "fn b() { m! { App ::  new () } }",
            in_macro(&[1]),
        ),
        (
            "one in a macro, under another name",
            "use actix_web::App as B;\nfn a() { B::new(); m!(B::new()); }",
            in_macro(&[2]),
        ),
        (
            "one in a macro, with generics",
            "fn b() { m!(App::<Vec<u8>>::new()); }",
            in_macro(&[1]),
        ),
        (
            "one in a macro, qualified",
            "fn b() { m!(<App>::new()); }",
            in_macro(&[1]),
        ),
        (
            "one in a macro's definition",
            "use actix_web::App;\nmacro_rules! app {\n () => { App::new() };\n}\nfn a() { App::new(); }",
            in_macro(&[3]),
        ),
        (
            "one in an attribute",
            "use actix_web::App;\n#[with(App::new())]\nfn a() { App::new(); }",
            in_macro(&[2]),
        ),
        (
            "the call in a macro",
            "use actix_web::App;\nfn a() { App::new(); }\nfn b() { m!(app.configure(actix_web_sse::routes)); }",
            in_macro(&[3]),
        ),
        ("nothing imported", "fn main() { App::new(); }", other(&[1])),
        (
            "from bevy",
            "use bevy::prelude::*;\nfn main() { App::new().run(); }",
            other(&[2]),
        ),
        (
            "from bevy, in the function",
            "use actix_web::App;\nfn main() { use bevy::prelude::*; App::new(); }",
            other(&[2]),
        ),
        (
            "from clap",
            "use clap::App;\nfn main() { App::new(\"a\"); }",
            other(&[2]),
        ),
        (
            "from another file",
            "use crate::prelude::App;\nfn main() { App::new(); }",
            other(&[2]),
        ),
        (
            "from a module in another file",
            "mod actix_web;\nuse actix_web::App;\nfn main() { App::new(); }",
            other(&[3]),
        ),
        (
            "from a module called actix_web",
            "mod actix_web { pub struct App; }\nuse actix_web::App;\nfn main() { App::new(); }",
            other(&[3]),
        ),
        (
            "imported for tests only",
            "#[cfg(test)]\nuse actix_web::App;\nfn main() { App::new(); }",
            other(&[3]),
        ),
        (
            "imported in another function",
            "fn a() { use actix_web::App; }\nfn main() { App::new(); }",
            other(&[2]),
        ),
        (
            "imported in the module above only",
            "use actix_web::App;\nmod m { fn f() { App::new(); } }",
            other(&[2]),
        ),
        (
            "a choice of two",
            "#[cfg(feature = \"a\")]\nuse actix_web::App;\n#[cfg(not(feature = \"a\"))]\nuse bevy::app::App;\nfn main() { App::new(); }",
            other(&[5]),
        ),
        (
            "hidden by a type parameter",
            "use actix_web::App;\nfn f<App: Make>() { App::new(); }",
            other(&[2]),
        ),
        (
            "hidden by a type parameter of an impl",
            "use actix_web::App;\nimpl<App: Make> A<App> { fn f() { App::new(); } }",
            other(&[2]),
        ),
        (
            "hidden by a struct",
            "use actix_web::*;\nstruct App;\nfn main() { App::new(); }",
            other(&[3]),
        ),
        (
            "hidden by a struct in the function",
            "use actix_web::App;\nfn main() { struct App; App::new(); }",
            other(&[2]),
        ),
        (
            "another that may be one as well",
            "fn a() { actix_web::App::new(); }\nfn b() { use crate::x::App; App::new(); }",
            other(&[2]),
        ),
        (
            "not called",
            "use actix_web::App;\nfn a() { App::new(); }\nfn b() { x.unwrap_or_else(App::new); }",
            not_called(&[3]),
        ),
        (
            "handed to the server",
            "use actix_web::App;\nfn main() {\n HttpServer::new(App::new); }",
            not_called(&[3]),
        ),
        (
            "what may be another's, not called",
            "use crate::x::*;\nfn b() { x.unwrap_or_else(App::new); }",
            other(&[2]),
        ),
        (
            "beside another actix_web_sse",
            "mod actix_web_sse;\nuse actix_web::App;\nfn main() { App::new(); }",
            unclear(Reason::Unverified, &[3]),
        ),
        (
            "beside a crate that is called actix_web_sse here",
            "use live as actix_web_sse;\nfn main() { actix_web::App::new(); }",
            unclear(Reason::Unverified, &[2]),
        ),
        (
            "imports in a circle",
            "use a::App; use b as a; use a as b;\nfn main() { App::new(); }",
            other(&[2]),
        ),
        (
            "modules in a circle",
            "mod a { pub use super::b::*; } mod b { pub use super::a::*; }\nuse a::*;\nfn main() { App::new(); }",
            other(&[3]),
        ),
        (
            "there",
            "use actix_web::App;\nfn main() {\n App::new()\n  .configure(actix_web_sse::routes); }",
            there(4),
        ),
        (
            "there, with a global path",
            "fn main() { actix_web::App::new().configure(::actix_web_sse::routes); }",
            there(1),
        ),
        (
            "there, imported",
            "use actix_web::App;\nuse actix_web_sse::{cache, routes};\nfn main() { App::new().configure(routes); }",
            there(3),
        ),
        (
            "there, imported by a glob",
            "use actix_web_sse::*;\nfn main() { actix_web::App::new().configure(routes); }",
            there(2),
        ),
        (
            "there, under another name",
            "use actix_web_sse::routes as live;\nfn main() { actix_web::App::new().configure(live); }",
            there(2),
        ),
        (
            "there, further along",
            "use actix_web::App;\nfn main() { App::new().wrap(a).service(b).configure(actix_web_sse::routes).c(); }",
            there(2),
        ),
        (
            "there, in a scope",
            "use actix_web::App;\nfn main() { App::new().service(web::scope(\"/a\").configure(actix_web_sse::routes)); }",
            there(2),
        ),
        (
            "there, in a function that configures",
            "fn c(cfg: &mut C) { cfg.configure(actix_web_sse::routes); }\nfn main() { actix_web::App::new().configure(c); }",
            there(1),
        ),
        (
            "there, in one of two",
            "use actix_web::App;\nfn main() { App::new(); App::new().configure(actix_web_sse::routes); }",
            there(2),
        ),
    ]
}

#[test]
fn an_uncertain_call_site_is_refused() {
    for (name, file, expected) in refused() {
        let source = parse(file);
        assert_eq!(source.call_site(), expected, "{name}");
        assert_eq!(source.wire(), None, "{name}");
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
        assert!(matches!(unclear.reason, Reason::Invalid(_)), "{unclear}");
        assert_eq!(unclear.lines, [line], "{unclear}");
    }
}

#[test]
fn a_reason_is_displayed_with_its_lines() {
    let reason = |file: &str| match parse(file).call_site() {
        CallSite::Unclear(unclear) => unclear.to_string(),
        clear => panic!("{clear:?}"),
    };
    assert_eq!(reason(""), "it has no `App::new()`");
    assert_eq!(
        reason("use actix_web::App;\nfn a() { App::new(); }\nfn b() { App::new(); }"),
        "it has several `App::new()` (lines 2, 3)"
    );
    assert_eq!(
        reason("fn a() { App::new(); }"),
        "its `App` may not be actix-web's (line 1)"
    );
}
