//! The options of `sse install` that choose what is written.

use super::assignments;
use crate::hello::Hello;

#[test]
fn the_user_chooses_where_the_dependency_is_from() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install", "--dep-version", "0.1"]);
    assert!(
        hello
            .read("Cargo.toml")
            .contains("\nactix-web-sse = \"0.1\" #")
    );
    hello
        .sse(&["install", "--dep-version", "0.2"])
        .fails(3, "from another source");
    hello
        .sse(&["install", "--dep-path", "."])
        .fails(1, "no actix-web-sse in .");
    hello.sse_succeeds(&["uninstall"]);
    let checkout = support::workspace().to_str().unwrap();
    hello.sse_succeeds(&["install", "--dep-path", checkout]);
    assert!(
        hello
            .read("Cargo.toml")
            .contains(&format!("path = \"{checkout}\""))
    );
    assert_eq!(hello.sse(&["install", "--dep-version", "newest"]).code, 2);
}

#[test]
fn options_set_the_events_and_times() {
    let hello = Hello::new();
    let arguments = [
        "install",
        "--events",
        "order:orders, bill:bills",
        "--duration",
        "300",
        "--interval",
        "0.5",
    ];
    hello.sse_succeeds(&arguments);
    assert_eq!(
        assignments(&hello.read(".env")),
        [
            "SSE_STREAM_DURATION=300",
            "SSE_POLL_INTERVAL=0.5",
            "SSE_EVENTS=order:orders,bill:bills"
        ]
    );
    let script = hello.read("public/js/sse-client.js");
    assert_eq!(script.matches("  sse.on('").count(), 2, "{script}");
    assert!(
        script.contains("'order'") && script.contains("'bill'"),
        "{script}"
    );
    assert_eq!(hello.sse(&["status"]).code, 0);
    hello.sse_succeeds(&arguments);
    hello
        .sse(&["install", "--events", "other:others"])
        .fails(3, "SSE_EVENTS already has another value");
    for wrong in [
        ["--events", "order"],
        ["--duration", "soon"],
        ["--interval", "0"],
    ] {
        assert_eq!(hello.sse(&[&["install"][..], &wrong].concat()).code, 2);
    }
    hello.sse_succeeds(&["uninstall"]);
    assert!(!hello.has(".env") && !hello.has("public"));
}

#[test]
fn listeners_for_later_events_are_printed_and_the_file_is_unchanged() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    let script = hello.read("public/js/sse-client.js");
    hello.replace(
        ".env",
        "SSE_EVENTS=event_name1:event_cache_key1",
        "SSE_EVENTS=order:orders",
    );
    let out = hello.sse_succeeds(&["install"]);
    assert!(out.contains("a listener for order:\n"), "{out}");
    assert!(out.contains(" sse.on('order', "), "{out}");
    assert!(!out.contains("'event_name2'"), "{out}");
    let line = 1 + script
        .lines()
        .position(|line| line.starts_with("  sse.on('event_name1', "))
        .unwrap();
    let orphaned = format!(
        "  2. In public/js/sse-client.js, rename or remove the listener for event_name1 (line {line}): SSE_EVENTS \
         has no such event\n  3. "
    );
    assert!(out.contains(&orphaned), "{out}");
    assert_eq!(hello.read("public/js/sse-client.js"), script);
    hello.write(
        "public/js/sse-client.js",
        &script.replace("'event_name1'", "'order'"),
    );
    let out = hello.sse_succeeds(&["install"]);
    assert!(!out.contains("In public/js/sse-client.js"), "{out}");
}

#[test]
fn options_leave_parts_out() {
    let hello = Hello::new();
    let manifest = hello.read("Cargo.toml");
    let main = hello.read("src/main.rs");
    let out = hello.sse_succeeds(&["install", "--no-dep", "--no-wire", "--no-js"]);
    assert_eq!(hello.read("Cargo.toml"), manifest);
    assert_eq!(hello.read("src/main.rs"), main);
    assert!(!hello.has("public") && hello.has(".env"));
    for text in [
        "In Cargo.toml, under [dependencies]:\n",
        " actix-web-sse = { path = ",
        "In src/main.rs, directly after `App::new()`:\n",
        " .configure(actix_web_sse::routes)\n",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    hello.sse_succeeds(&["uninstall"]);

    hello.sse_succeeds(&["install", "--no-env"]);
    assert!(!hello.has(".env") && hello.has("public/js/sse.js"));
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read("Cargo.toml"), manifest);
    assert_eq!(hello.read("src/main.rs"), main);
    assert!(!hello.has("public/js/sse.js"));
}

#[test]
fn the_warning_of_an_open_quote_does_not_show_the_lines_after_it() {
    let hello = Hello::new();
    hello.write(".env", "SSE_EVENTS='a:k\nPASSWORD=secret\nB='x\n");
    let ran = hello.sse(&["install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err
            .contains("the value of SSE_EVENTS spans several lines"),
        "{}",
        ran.err
    );
    assert!(!format!("{}{}", ran.out, ran.err).contains("secret"));
}
