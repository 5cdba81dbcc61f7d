//! `sse status`.

use std::fs;

use serde_json::Value;

use crate::hello::Hello;

/// The state of the installation, and of each item by its name.
fn states(hello: &Hello, code: i32) -> (String, Vec<(String, String)>) {
    let ran = hello.sse(&["status", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{}", ran.out);
    let status: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(status["app"], hello.path().to_str().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = status["items"].as_array().unwrap();
    let items = items
        .iter()
        .map(|item| (text(&item["item"]), text(&item["state"])));
    (text(&status["state"]), items.collect())
}

fn all(state: &str) -> Vec<(String, String)> {
    let names = [
        "dependency",
        "stream",
        "SSE_STREAM_DURATION",
        "SSE_POLL_INTERVAL",
        "SSE_EVENTS",
        "public/js/sse-client.js",
        "public/js/sse.d.ts",
        "public/js/sse.js",
        "public/js/sse-events.d.ts",
    ];
    names
        .iter()
        .map(|name| ((*name).to_owned(), state.to_owned()))
        .collect()
}

#[test]
fn status_exits_with_0_if_everything_is_installed_and_else_with_4() {
    let hello = Hello::new();
    assert_eq!(states(&hello, 4), ("absent".to_owned(), all("missing")));
    hello.sse_succeeds(&["install"]);
    assert_eq!(
        states(&hello, 0),
        ("installed".to_owned(), all("installed"))
    );
    fs::remove_file(hello.path().join("public/js/sse.js")).unwrap();
    let (state, items) = states(&hello, 4);
    assert_eq!(
        (state.as_str(), items[7].1.as_str()),
        ("partial", "missing")
    );
    hello.sse_succeeds(&["install"]);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(states(&hello, 4), ("absent".to_owned(), all("missing")));
}

#[test]
fn status_distinguishes_your_files_from_modified_ones() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "SSE_POLL_INTERVAL=2", "SSE_POLL_INTERVAL=1");
    hello.write("public/js/sse-client.js", "// mine\n");
    let (state, items) = states(&hello, 0);
    assert_eq!(state, "installed");
    assert_eq!(
        (items[3].1.as_str(), items[5].1.as_str()),
        ("yours", "yours")
    );

    hello.write("public/js/sse.js", "// edited\n");
    let ran = hello.sse(&["status"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.out
            .contains("modified   public/js/sse.js (put your code into sse-client.js"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("yours      SSE_POLL_INTERVAL in .env\n"),
        "{}",
        ran.out
    );
}

#[test]
fn the_exit_code_answers_in_quiet_mode() {
    let hello = Hello::new();
    let ran = hello.sse(&["status", "--quiet"]);
    assert_eq!((ran.code, ran.out.as_str()), (4, ""));
    assert!(
        hello
            .sse(&["status", "--quiet", "--json"])
            .out
            .contains("\"absent\"")
    );
}

#[test]
fn colours_are_for_terminals_and_on_request() {
    let app = support::App::new();
    for command in ["status", "doctor"] {
        let output = |color: &[&str]| {
            let output = app.sse().arg(command).args(color).output().unwrap();
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        assert!(!output(&[]).contains('\u{1b}'), "{command:?}");
        let coloured = output(&["--color", "always"]);
        assert!(coloured.contains("\u{1b}["), "{command:?}");
    }
    let server = app.start();
    app.save("event_cache_key1", "1");
    let url = server.url("");
    let listen = [
        "listen",
        &url,
        "--count",
        "1",
        "--timeout",
        "20",
        "--color",
        "always",
    ];
    let output = app.sse().args(listen).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("event_name1\u{1b}[0m  1\n"), "{text:?}");
}
