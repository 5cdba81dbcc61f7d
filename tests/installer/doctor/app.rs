//! `sse doctor` on an app's folder.

use std::{fs, path::Path};

use serde_json::Value;
use support::App;

use crate::{
    doctor::findings::{examine, findings, installed, of_check, only, problems},
    hello::{Hello, Ran, sse_in},
};

#[test]
fn an_installed_and_wired_app_has_no_findings_and_is_unchanged() {
    let hello = installed();
    let before = hello.tree();
    let ran = examine(&hello);
    assert_eq!(ran.err, "");
    assert_eq!(problems(&ran), []);
    let diagnosis: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(diagnosis["app"], hello.path().to_str().unwrap());
    assert_eq!(hello.tree(), before);

    // The same with a cache folder.
    fs::create_dir_all(hello.path().join("writable/cache")).unwrap();
    let before = hello.tree();
    assert_eq!(problems(&examine(&hello)), []);
    assert_eq!(hello.tree(), before);
}

#[test]
fn a_finding_is_one_line_and_its_help_another() {
    let hello = installed();
    let ran = hello.sse(&["doctor"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for line in [
        "ok       config: SSE_POLL_INTERVAL is 2 s (.env line ",
        "ok       config: SSE_TTL is 60 s (default)\n",
        "note     config: the server ends every stream after 15 s",
        "\n         help: in production, use longer streams, for example SSE_STREAM_DURATION=300\n",
        "ok       wiring: the code serves the stream: src/main.rs:6\n",
        "ok       page: templates/page.html loads sse-client.js\n",
    ] {
        assert!(ran.out.contains(line), "{line:?}: {}", ran.out);
    }
    let quiet = hello.sse(&["doctor", "--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (0, ""));
}

#[test]
fn remaining_steps_are_shown_with_the_lines_to_paste() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install", "--no-wire"]);
    let found = problems(&examine(&hello));
    assert_eq!(found.len(), 2, "{found:#?}");
    found[0].assert_is(
        "error",
        "wiring",
        "no code in src serves the stream",
        "`.configure(actix_web_sse::routes)` after `App::new()`, src/main.rs:6",
    );
    found[1].assert_is(
        "warning",
        "page",
        "no page",
        "<script src=\"/js/sse-client.js\"></script>",
    );
    let quiet = hello.sse(&["doctor", "--quiet"]);
    assert_eq!(quiet.code, 4);
    assert_eq!(quiet.out.lines().count(), 4, "{}", quiet.out);
    assert!(quiet.out.starts_with("error    wiring: "), "{}", quiet.out);
}

#[test]
fn an_app_without_an_installation_is_advised_to_install() {
    let found = problems(&examine(&Hello::new()));
    found[0].assert_is("error", "config", ".env does not exist", "sse install");
    found[1].assert_is(
        "error",
        "dependency",
        "actix-web-sse is not a dependency",
        "sse install",
    );
    let hello = Hello::new();
    let nowhere = sse_in(hello.outside(), &["doctor"]);
    nowhere.fails(1, "no app in");
}

#[test]
fn an_event_that_no_file_names_is_a_note() {
    let hello = installed();
    hello.replace(".env", "event_name2:event_cache_key2", "order:new_order");
    let ran = examine(&hello);
    assert_eq!(problems(&ran), []);
    let found = findings(&ran);
    of_check(&found, "listeners")[0].assert_is(
        "note",
        "listeners",
        "names the event `order`",
        "sse.on('order'",
    );
    hello.replace("public/js/sse-client.js", "'event_name2'", "'order'");
    let found = findings(&examine(&hello));
    of_check(&found, "listeners")[0].assert_is("ok", "listeners", "event_name1, order", "");
}

#[test]
fn an_unusable_cache_folder_is_an_error() {
    let level = |cache: &str| {
        let hello = installed();
        let env = hello.read(".env");
        hello.write(".env", &format!("{env}SSE_CACHE={cache}\n"));
        let found = problems(&examine(&hello));
        assert_eq!(found.len(), 1, "{cache}: {found:#?}");
        found[0].clone()
    };
    level("public/cache").assert_is(
        "error",
        "cache",
        "is inside public",
        "SSE_CACHE=writable/cache",
    );
    level("Cargo.toml").assert_is("error", "cache", "is not a folder", "SSE_CACHE");
    level("/none/such/folder").assert_is("error", "cache", "does not exist", "correct SSE_CACHE");
}

#[test]
fn a_world_writable_cache_folder_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let hello = installed();
    let cache = hello.path().join("writable/cache");
    fs::create_dir_all(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let found = problems(&examine(&hello));
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is("warning", "cache", "every user", "chmod o-w");
}

/// A folder as on a server: the program, its `.env` and its pages, without the code.
#[test]
fn an_app_without_its_code_is_examined_as_far_as_possible() {
    let app = App::new();
    fs::write(
        app.path().join(".env"),
        format!("{}SSE_TTL=1\n", template_env()),
    )
    .unwrap();
    let output = app.sse().args(["doctor", "--json"]).output().unwrap();
    let found = findings(&Ran::from_output(&output));
    let note = found
        .iter()
        .find(|found| found.check == "dependency")
        .unwrap();
    note.assert_is("note", "dependency", "no Cargo.toml", "");
    assert!(
        found
            .iter()
            .all(|found| !found.is_problem() && found.check != "wiring"),
        "{found:#?}"
    );
}

fn template_env() -> String {
    fs::read_to_string(support::workspace().join("template/.env")).unwrap()
}

#[test]
fn wiring_that_delays_shutdown_is_a_warning() {
    let hello = installed();
    let shutdown = |hello: &Hello| -> Vec<_> {
        let found = findings(&examine(hello));
        let shutdown = found.into_iter().filter(|found| found.check == "shutdown");
        shutdown.collect()
    };
    only(&shutdown(&hello)).assert_is(
        "note",
        "shutdown",
        "Ctrl-C cuts them off: src/main.rs:5",
        ".shutdown_signal(actix_web_sse::shutdown_signal())",
    );

    hello.replace(
        "src/main.rs",
        ".bind((\"127.0.0.1\", 0))",
        ".bind_uds(\"s\")",
    );
    only(&problems(&examine(&hello))).assert_is(
        "warning",
        "shutdown",
        "src/main.rs:9 serves a Unix socket",
        ".shutdown_timeout(1)",
    );
    hello.replace("src/main.rs", ".workers(2)", ".shutdown_timeout(1)");
    assert_eq!(problems(&examine(&hello)), []);

    hello.replace(
        "src/main.rs",
        ".shutdown_timeout(1)",
        ".shutdown_signal(actix_web_sse::shutdown_signal())",
    );
    hello.replace("src/main.rs", ".bind_uds(\"s\")", ".bind((\"::1\", 0))");
    only(&shutdown(&hello)).assert_is("ok", "shutdown", "src/main.rs:8", "");

    // Without streams nothing delays shutdown.
    let hello = Hello::new();
    hello.sse_succeeds(&["install", "--no-wire"]);
    assert_eq!(shutdown(&hello), []);
}

/// The starter is wired as the documentation shows.
#[test]
fn the_starter_app_has_no_findings() {
    let template: &Path = &support::workspace().join("template");
    let found = problems(&sse_in(template, &["doctor", "--json"]));
    assert_eq!(found, []);
}
