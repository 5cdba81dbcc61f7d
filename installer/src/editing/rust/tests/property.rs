//! Property tests with random files.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// Marks the call site in generated text.
const MARK: &str = "\u{1}";

/// An import of `App`, the name that `main` uses, and whether the call site is then certain.
const IMPORTS: &[(&str, &str, bool)] = &[
    ("use actix_web::App;\n", "App", true),
    ("use actix_web::{App, HttpServer, web};\n", "App", true),
    ("use {std::io, actix_web::{web, {App}}};\n", "App", true),
    ("use actix_web::{App as WebApp};\n", "WebApp", true),
    ("use actix_web::*; // glöbal\n", "App", false),
    ("use actix_web as ünï;\n", "ünï::App", true),
    ("", "actix_web::App", true),
    ("", "::actix_web::App", true),
    ("use bevy::prelude::*;\nuse actix_web::App;\n", "App", true),
    ("", "App", false),
    ("use bevy::prelude::*;\n", "App", false),
    ("use actix_web::App;\nuse actix_web::*;\n", "App", true),
    (
        "use made::App;\nmod made { pub use actix_web::App; }\n",
        "App",
        true,
    ),
    ("use clap::App;\n", "App", false),
    ("use crate::prelude::App;\n", "App", false),
    ("#[cfg(test)]\nuse actix_web::App;\n", "App", false),
];

/// Items that do not affect the call site.
const HARMLESS: &[&str] = &[
    "// App::new() in a comment, ünïcödé 𝄞\n",
    "/* App::new() /* App::new() */ \" ' */\n",
    "/// `App::new()`\n///\n/// r#\"\nfn documented() {}\n",
    "const RAW: &str = r##\"App::new() \"# .configure(actix_web_sse::routes)\"##;\n",
    "const LINES: &str = \"a\n    App::new()\\\n   \\\"é\";\nconst B: &[u8] = b\"\\xff App::new()\";\n",
    "fn says() { println!(\"App::new() {}\", \"日本\"); }\n",
    "fn asks<'a>(a: &'a str) -> char { '\"' }\n",
    "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[actix_web::test]\n    async fn works() {\n        init(actix_web::App::new()).await;\n    }\n}\n",
    "#[actix_web::test]\nasync fn é() { call(actix_web::App::new().configure(actix_web_sse::routes)); }\n",
    "#[tokio::test(flavor = \"multi_thread\")]\nasync fn t() { m!(App::new()); }\n",
    "#[cfg(any(test, feature = \"mock\"))]\nfn mock() { actix_web::App::new() }\n",
    "#[cfg(all(unix, test))]\nmod more { fn f() { actix_web::App::new(); } }\n",
    "impl Server { #[cfg(test)] fn app() { actix_web::App::new(); } fn é(&self) {} }\n",
    "mod tui { pub struct Screen; fn f() { Screen::new(); } }\n",
    "fn other() { clap::App::new(\"a\"); Vec::<u8>::new(); }\n",
    "macro_rules! names { ($($a:ident)*) => { $($a)* }; }\n",
    "fn colors() { use Color::*; }\nenum Color { Red }\n",
    "fn posts() { use self::schema::posts::dsl::*; }\n",
    "mod handlers { use actix_web::*; fn é() { web::get(); } }\n",
    "use diesel::prelude::*;\n",
    "mod cli { pub struct App; fn f() { App::new(); } }\n",
    "mod generated { include!(\"generated.rs\"); }\n",
    "fn named() { use clap::App; fn asks(app: App) {} }\n",
    "fn made<App: Make>() { App::new(); }\n",
    "thread_local! { static É: u8 = 1; }\n",
    "fn scoped(cfg: &mut C) { cfg.service(scope().configure(routes)); }\n",
    "#[get(\"/é\")]\nasync fn index() -> impl Responder { \"\" }\n\n\n",
];

/// Items that make the call site uncertain.
const HINDERING: &[&str] = &[
    "fn second() { actix_web::App::new(); }\n",
    "fn in_macro() { serve!(|| App::new()); }\n",
    "macro_rules! app { () => { actix_web::App::new() }; }\n",
    "fn passed() { make(actix_web::App::new) }\n",
    "mod outside { fn f() { App::new(); } }\n",
    "mod included { include!(\"app.rs\"); fn f() { App::new(); } }\n",
    "mod unknown { use crate::prelude::*; fn f() { App::new(); } }\n",
];

/// Code after `App::new()`.
const CHAINS: &[&str] = &[
    "",
    ".service(a).service(b)",
    "\n        .app_data(é)\n        .service(b)",
    "\n\t.wrap(a)\n\t.service(b)",
    "\n\n\n    .wrap(a)",
    "  \n   .wrap(\"é\")",
    " // App::new()\n        .wrap(a)",
    "\n        // é\n        .wrap(a)",
    " /* é */ .wrap(a)",
    ".wrap(a)\n        .configure(routes)\n        .service(scope(\"/\").service(b))",
    "\n        .default_service(to(|| async { \"App::new()\" }))",
    "\n",
];

/// Code around `App::new()`.
const MAINS: &[(&str, &str)] = &[
    ("fn main() {\n    let _ = ", ";\n}\n"),
    (
        "#[actix_web::main]\nasync fn main() -> R {\n    HttpServer::new(move || {\n        ",
        "\n    })\n    .run()\n    .await\n}\n",
    ),
    ("fn main() { serve(\"é\", || ", ") }\n"),
    ("fn main() { if let Some(é) = (", ") {} }\n"),
    (
        "mod inner { pub(super) fn unused() {} }\nfn main() { [(Ö { app: ",
        " })]; }\n",
    ),
    (
        "fn main() { match 1 { #[cfg(test)] 1 => actix_web::App::new(), _ => ",
        " } }\n",
    ),
];

#[derive(Clone, Debug)]
struct GeneratedFile {
    /// Contains the mark.
    marked: String,
    is_clear: bool,
}

fn items() -> impl Strategy<Value = (String, bool)> {
    let harmless = select(HARMLESS).prop_map(|item| (item, true));
    let hindering = select(HINDERING).prop_map(|item| (item, false));
    let item = prop_oneof![30 => harmless, 1 => hindering];
    prop::collection::vec(item, 0..5).prop_map(|items| {
        let is_clear = items.iter().all(|(_, is_clear)| *is_clear);
        (items.into_iter().map(|(item, _)| item).collect(), is_clear)
    })
}

fn files() -> impl Strategy<Value = GeneratedFile> {
    let first = select(
        &[
            "",
            "",
            "#!/usr/bin/env -S ünï\n",
            "#![allow(unused)]\n",
            "//! App::new()\n",
        ][..],
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let app = (select(IMPORTS), select(MAINS), select(CHAINS));
    (first, flags, items(), app, items()).prop_map(
        |(first, (bom, crlf, cut, inside), (before, clear_before), app, (after, clear_after))| {
            let ((import, name, is_known), (around, end), chain) = app;
            let is_inside = inside && around.starts_with("fn main() {\n");
            let main = if is_inside {
                format!("{}{import}{}", &around[..12], &around[12..])
            } else {
                format!("{import}{around}")
            };
            let mut marked = format!("{first}{before}{main}{name}::new(){MARK}{chain}{end}{after}");
            if cut {
                marked.truncate(marked.trim_end().len());
            }
            if crlf {
                marked = marked.replace('\n', "\r\n");
            }
            if bom {
                marked.insert(0, '\u{feff}');
            }
            GeneratedFile {
                marked,
                is_clear: is_known && clear_before && clear_after,
            }
        },
    )
}

/// `PROPTEST_CASES` sets the number of files.
#[test]
fn removing_the_call_restores_every_byte() {
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let wired_ones = std::cell::Cell::new(0);
    let outcome = runner.run(&files(), |generated| {
        let (before, after) = generated.marked.split_once(MARK).expect("it is marked");
        let file = [before, after].concat();
        let source = parse(&file);
        let CallSite::Insertable(with_call) = source.call_site() else {
            prop_assert!(!generated.is_clear, "{:?}", source.call_site());
            prop_assert!(matches!(source.call_site(), CallSite::Doubtful(_)));
            return Ok(());
        };
        wired_ones.set(wired_ones.get() + 1);
        prop_assert!(generated.is_clear);
        prop_assert!(
            with_call.starts_with(before.as_bytes()) && with_call.ends_with(after.as_bytes())
        );
        let again = parse(&with_call);
        let is_wired = matches!(again.call_site(), CallSite::Present(_));
        prop_assert!(is_wired);
        prop_assert_eq!(
            again.without_call(),
            RouteCallRemoval::Removed(file.into_bytes())
        );
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let share = f64::from(wired_ones.get()) / f64::from(cases);
    assert!(share > 0.3, "only {share} of the files take the call");
}
