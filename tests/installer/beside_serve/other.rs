//! An app in a language that `sse` does not know, and a folder with an `.env` alone.

use std::fs;

use crate::{
    cases::snapshot,
    doctor::findings::{examine, findings, problems},
    hello::{Hello, sse_in},
};

/// An app with its own folder of public files.
fn app() -> Hello {
    let app = Hello::without_app();
    app.write(".env", "APP_NAME=my shop\nAPP_URL=https://shop.example\n");
    app.write("web/index.html", "<!doctype html>\n<body>\n</body>\n");
    app
}

#[test]
fn arguments_say_where_things_go_and_later_runs_know_it() {
    let app = app();
    let before = snapshot(app.path());
    app.sse(&["install"]).fails(1, "no app in ");
    assert_eq!(snapshot(app.path()), before);
    let out = app.sse_succeeds(&["install", "--public", "web", "--cache", "var/cache"]);
    let folder = app.path().display();
    for text in [
        "Created web/js/sse.js\n",
        "In web/index.html:3, before </body>:\n",
        &format!("> '{folder}/var/cache/event_cache_key1'\n"),
        "forward the stream, and /js/sse.js and /js/sse-client.js in the same way unless it serves web/js/ at /js/. In nginx",
        "SSE_ALLOWED_HOSTS=shop.example\n",
        "sse serve -C ",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    let env = app.read(".env");
    assert!(
        env.contains("SSE_CACHE=var/cache\nSSE_PUBLIC=web\n"),
        "{env}"
    );

    let ran = app.sse(&["status"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    for line in [
        "installed  SSE_CACHE in .env\n",
        "installed  SSE_PUBLIC in .env\n",
        "installed  web/js/sse.js\n",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    app.write(
        "web/index.html",
        "<body>\n<script src=\"js/sse-client.js\"></script>\n</body>\n",
    );
    let ran = examine(&app);
    assert_eq!(problems(&ran), []);
    assert!(
        findings(&ran)
            .iter()
            .all(|found| found.check != "dependency")
    );
    app.write("web/index.html", "<!doctype html>\n<body>\n</body>\n");
    app.sse_succeeds(&["install"]);
    assert_eq!(app.read(".env"), env);
    app.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(app.path()), before);
}

#[test]
fn a_cache_folder_alone_says_that_the_app_is_in_another_language() {
    let app = app();
    let before = snapshot(app.path());
    app.sse_succeeds(&["install", "--cache", "var/cache"]);
    assert!(app.has("public/js/sse.js"));
    app.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(app.path()), before);
}

#[test]
fn bad_folders_are_usage_errors_or_conflicts() {
    let app = app();
    let before = snapshot(app.path());
    for (arguments, code, what) in [
        (["--public", ""], 2, "--public"),
        (["--public", "../web"], 2, "--public"),
        (["--public", "https://shop.example"], 2, "--public"),
        (
            ["--cache", "redis://:secret@host"],
            2,
            "a URL instead of a folder",
        ),
        (["--public", "/none/such"], 1, "does not exist"),
        (["--cache", ".env"], 3, "is not a folder"),
        (["--public", "web/index.html"], 3, "is not a folder"),
        (["--cache", "public/cache"], 3, "is inside"),
    ] {
        let ran = app.sse(&[&["install"], &arguments[..]].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(
            ran.err.contains(what) && !ran.err.contains("secret@host"),
            "{arguments:?}: {}",
            ran.err
        );
    }
    assert_eq!(snapshot(app.path()), before);
}

/// On a server, there may be the program and its `.env` alone.
#[test]
fn a_deployed_folder_is_shown_and_examined_and_not_changed() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    fs::remove_dir_all(hello.path().join("src")).unwrap();
    fs::remove_file(hello.path().join("Cargo.toml")).unwrap();
    let before = snapshot(hello.path());
    let ran = hello.sse(&["status"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(
        ran.out.contains("installed  SSE_EVENTS in .env\n"),
        "{}",
        ran.out
    );
    let found = findings(&examine(&hello));
    assert!(
        found.iter().all(|found| found.level != "error"),
        "{found:#?}"
    );
    for command in ["install", "uninstall"] {
        hello.sse(&[command]).fails(1, "no Cargo.toml in ");
    }
    assert_eq!(snapshot(hello.path()), before);

    let only_env = Hello::without_app();
    only_env.write(".env", "SSE_EVENTS=a:k\n");
    let ran = only_env.sse(&["status"]);
    assert_eq!((ran.code, ran.err.as_str()), (4, ""), "{}", ran.out);
    assert!(
        ran.out.contains("yours      SSE_EVENTS in .env\n"),
        "{}",
        ran.out
    );
    let ran = sse_in(only_env.outside(), &["status"]);
    ran.fails(1, "no app in ");
}
