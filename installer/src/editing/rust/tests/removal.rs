//! Removal of the call.

use super::*;

fn without_call(chain: &str) -> RouteCallRemoval {
    parse(format!("use actix_web::App;\nfn main() {{\n{chain}\n}}\n")).without_call()
}

/// A description, a chain, and the chain without the call.
const REMOVED: &[(&str, &str, &str)] = &[
    (
        "at the end",
        "App::new().a().configure(actix_web_sse::routes)",
        "App::new().a()",
    ),
    (
        "in the middle",
        "App::new().a().configure(actix_web_sse::routes).b()",
        "App::new().a().b()",
    ),
    (
        "on a line of its own",
        "App::new()\n  .a()\n  .configure(actix_web_sse::routes)\n  .b()",
        "App::new()\n  .a()\n  .b()",
    ),
    (
        "with a comment after it",
        "App::new()\n  .configure(actix_web_sse::routes) // mine\n  .b()",
        "App::new() // mine\n  .b()",
    ),
    (
        "with a line comment before it",
        "App::new() // mine\n  .configure(actix_web_sse::routes)\n  .b()",
        "App::new() // mine\n  .b()",
    ),
    (
        "with a line comment above it",
        "App::new()\n  // mine\n  .configure(actix_web_sse::routes)\n  .b()",
        "App::new()\n  // mine\n  .b()",
    ),
    (
        "with a line comment before it, and the statement's end after it",
        "App::new() // mine\n  .configure(actix_web_sse::routes);",
        "App::new() // mine\n  ;",
    ),
    (
        "with a comment right before it",
        "App::new() /* mine */.configure(actix_web_sse::routes).b()",
        "App::new() /* mine */.b()",
    ),
    (
        "with a comment before it on its line",
        "App::new()\n /* mine */ .configure(actix_web_sse::routes)\n .b()",
        "App::new()\n /* mine */ \n .b()",
    ),
    (
        "broken into several lines",
        "App::new()\n  .configure(\n    actix_web_sse::routes,\n  )\n  .b()",
        "App::new()\n  .b()",
    ),
    (
        "with spaces",
        "App::new() . configure ( actix_web_sse :: routes ) .b()",
        "App::new() .b()",
    ),
    (
        "after parentheses",
        "(App::new()).configure(actix_web_sse::routes).b()",
        "(App::new()).b()",
    ),
    (
        "after a fallible call",
        "App::new().a()?.configure(actix_web_sse::routes).await",
        "App::new().a()?.await",
    ),
    (
        "after a future",
        "App::new().a().await.configure(actix_web_sse::routes).b()",
        "App::new().a().await.b()",
    ),
    (
        "beside one in tests",
        "#[cfg(test)] App::new().configure(actix_web_sse::routes); App::new().configure(actix_web_sse::routes)",
        "#[cfg(test)] App::new().configure(actix_web_sse::routes); App::new()",
    ),
    (
        "beside one in a scope",
        "App::new().configure(actix_web_sse::routes).service(scope().configure(actix_web_sse::routes))",
        "App::new().service(scope().configure(actix_web_sse::routes))",
    ),
    (
        "beside a string that contains it",
        "App::new().configure(actix_web_sse::routes).a(\".configure(actix_web_sse::routes)\")",
        "App::new().a(\".configure(actix_web_sse::routes)\")",
    ),
    (
        "beside another call",
        "App::new().configure(routes).configure(actix_web_sse::routes)",
        "App::new().configure(routes)",
    ),
    (
        "an app that another crate's glob may hide",
        "use x::*; App::new().configure(actix_web_sse::routes)",
        "use x::*; App::new()",
    ),
    (
        "an app under a name that is another type in a module",
        "use actix_web::App as Web; mod gui { struct Web; } Web::new().configure(actix_web_sse::routes)",
        "use actix_web::App as Web; mod gui { struct Web; } Web::new()",
    ),
    (
        "an app that may not be actix-web's",
        "use x::App; App::new().configure(actix_web_sse::routes)",
        "use x::App; App::new()",
    ),
];

#[test]
fn only_the_call_is_removed() {
    for (name, chain, expected) in REMOVED {
        let RouteCallRemoval::Removed(without) = without_call(chain) else {
            panic!("{name}: {:?}", without_call(chain));
        };
        let expected = format!("use actix_web::App;\nfn main() {{\n{expected}\n}}\n");
        assert_eq!(text(without), expected, "{name}");
    }
}

/// A description, and a chain from which nothing is removed.
const NOT_OURS: &[(&str, &str)] = &[
    ("another argument", "App::new().configure(routes)"),
    (
        "another path to it",
        "App::new().configure(::actix_web_sse::routes)",
    ),
    (
        "another item",
        "App::new().configure(actix_web_sse::scripts)",
    ),
    (
        "more arguments",
        "App::new().configure(actix_web_sse::routes, 1)",
    ),
    (
        "another method",
        "App::new().service(actix_web_sse::routes)",
    ),
    (
        "a scope",
        "App::new().service(scope().configure(actix_web_sse::routes))",
    ),
    (
        "a variable",
        "let app = App::new(); app.configure(actix_web_sse::routes)",
    ),
    (
        "another type called `App`",
        "struct App; App::new().configure(actix_web_sse::routes)",
    ),
    ("a function's app", "app().configure(actix_web_sse::routes)"),
    (
        "a test",
        "#[cfg(test)] App::new().configure(actix_web_sse::routes);",
    ),
    (
        "a comment",
        "App::new() // .configure(actix_web_sse::routes)",
    ),
    (
        "a string in a macro",
        "m!(\".configure(actix_web_sse::routes)\")",
    ),
];

#[test]
fn calls_of_the_owner_stay() {
    for (name, chain) in NOT_OURS {
        assert_eq!(without_call(chain), RouteCallRemoval::Nothing, "{name}");
    }
}

/// A description, a chain, and the lines of the unclear calls.
const UNCLEAR: &[(&str, &str, &[usize])] = &[
    (
        "twice in a chain",
        "App::new().configure(actix_web_sse::routes)\n.configure(actix_web_sse::routes)",
        &[3, 4],
    ),
    (
        "in two apps",
        "App::new().configure(actix_web_sse::routes);\nApp::new().configure(actix_web_sse::routes)",
        &[3, 4],
    ),
    (
        "in a macro",
        "\nm!(App::new().configure(actix_web_sse::routes))",
        &[4],
    ),
    (
        "in code and in a macro",
        "App::new().configure(actix_web_sse::routes);\nm!(a.configure(actix_web_sse::routes,))",
        &[3, 4],
    ),
    (
        "a comment inside",
        "App::new().configure(/* mine */ actix_web_sse::routes)",
        &[3],
    ),
    (
        "a comment in the call",
        "App::new(). // mine\nconfigure(actix_web_sse::routes)",
        &[3],
    ),
    (
        "an attribute",
        "App::new().configure(#[mine] actix_web_sse::routes)",
        &[3],
    ),
    (
        "generics",
        "App::new().configure::<F>(actix_web_sse::routes)",
        &[3],
    ),
];

#[test]
fn unclear_calls_are_reported_with_their_lines() {
    for (name, chain, lines) in UNCLEAR {
        assert_eq!(
            without_call(chain),
            RouteCallRemoval::Uncertain(lines.to_vec()),
            "{name}"
        );
    }
}
