//! `sse install`.

mod options;
mod packages;
mod preview;

use std::{fs, time::SystemTime};

use crate::hello::Hello;

const KEYS: [&str; 3] = [
    "SSE_STREAM_DURATION=15",
    "SSE_POLL_INTERVAL=2",
    "SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2",
];

/// The lines of `.env` that say something to the app.
fn assignments(env: &str) -> Vec<&str> {
    env.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn the_summary_lists_what_was_done_and_what_remains() {
    let hello = Hello::new();
    let out = hello.sse_succeeds(&["install"]);
    let dependency = format!(
        "actix-web-sse = {{ path = \"{}\" }}",
        support::workspace().display()
    );
    for text in [
        &format!("Updated Cargo.toml (with `{dependency}`)\n"),
        "Created .env\n",
        "Created public/js/sse.js\n",
        "Created public/js/sse-client.js\n",
        "Created public/js/sse.d.ts\n",
        "Created public/js/sse-events.d.ts\n",
        "Updated src/main.rs (with `.configure(actix_web_sse::routes)`)\n",
        "Next steps:\n",
        " <script src=\"/js/sse-client.js\"></script>\n",
        "  2. Save a value. For a first test, at the beginning of a handler after which the browser stays on its page:\n",
        " if let Err(error) = actix_web_sse::cache().save(\"event_cache_key1\", \"Somebody pressed a button\").await {\n",
        "  3. Start the app, and open the page. To save a value from a terminal, too:\n",
        " sse save event_cache_key1 '{\"order\": 42}'\n",
        "The stream is public: every visitor can receive every value that is saved without an audience.\n",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    assert_eq!(hello.sse_succeeds(&["install", "--quiet"]), "");
}

#[test]
fn steps_that_are_done_are_not_listed_again() {
    let hello = Hello::new();
    hello.replace(
        "src/main.rs",
        "App::new()",
        "App::new().configure(actix_web_sse::routes)",
    );
    let main = hello.read("src/main.rs");
    let out = hello.sse_succeeds(&["install"]);
    assert!(out.contains("Kept src/main.rs:"), "{out}");
    assert!(out.contains("at the end of its <body>"), "{out}");
    assert_eq!(hello.read("src/main.rs"), main);
    hello.write(
        "templates/index.html",
        "<script src=\"/js/sse-client.js\"></script>",
    );
    let out = hello.sse_succeeds(&["install"]);
    assert!(!out.contains("at the end of its <body>"), "{out}");
    hello.replace(".env", "event_name1:", "other:");
    assert!(hello.sse_succeeds(&["install"]).contains("Save a value."));
    hello.write("src/order.rs", "cache().save(\"event_cache_key1\", 1);");
    let out = hello.sse_succeeds(&["install"]);
    assert!(
        out.contains("Next steps:") && !out.contains("Save a value."),
        "{out}"
    );
}

#[test]
fn the_likeliest_page_is_named_and_left_unchanged() {
    let hello = Hello::new();
    let out = hello.sse_succeeds(&["install"]);
    let step = "  1. The folders public, static, assets, templates, views, src contain no page. When the app has one, \
                add this line at the end of its <body> (until then, `sse listen` shows the events):\n";
    assert!(out.contains(step), "{out}");

    let page = "<html>\n<head></head>\n<body>\n</body>\n</html>\n";
    for (name, place) in [
        (
            "src/page.rs",
            "src/page.rs:4, before </body>:\n         <script src='/js/sse-client.js'></script>\n",
        ),
        (
            "public/about.html",
            "public/about.html:4, before </body>:\n         <script src=\"/js/sse-client.js\"></script>\n",
        ),
        (
            "public/index.html",
            "public/index.html:4, before </body> (and in 1 other page, if it shows events):\n",
        ),
        (
            "templates/base.html",
            "templates/base.html:4, before </body> (and in 2 other pages, if they show events):\n",
        ),
    ] {
        hello.write(name, page);
        let before = hello.tree();
        let out = hello.sse_succeeds(&["install"]);
        assert!(out.contains(&format!("  1. In {place}")), "{name}: {out}");
        assert_eq!(hello.tree(), before, "{name}");
    }
}

#[test]
fn the_dependency_the_keys_the_scripts_and_their_types_are_written() {
    let hello = Hello::new();
    let manifest = hello.read("Cargo.toml");
    hello.sse_succeeds(&["install"]);

    let new = hello.read("Cargo.toml");
    let line = new
        .strip_prefix(&manifest)
        .expect("the line is put behind the last dependency");
    assert!(line.starts_with("actix-web-sse = { path = "), "{line}");
    let env = hello.read(".env");
    assert_eq!(assignments(&env), KEYS);
    assert!(env.contains("Written by `sse install`"), "{env}");
    for script in ["sse.js", "sse-client.js", "sse.d.ts"] {
        let shipped = support::workspace().join("assets/js").join(script);
        assert_eq!(
            hello.read(&format!("public/js/{script}")),
            fs::read_to_string(shipped).unwrap()
        );
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    let (tree, written) = (hello.tree(), times(&hello));
    let out = hello.sse_succeeds(&["install"]);
    assert_eq!((hello.tree(), times(&hello)), (tree, written));
    for name in [
        "Cargo.toml",
        ".env",
        "public/js/sse.js",
        "public/js/sse-client.js",
        "public/js/sse.d.ts",
        "public/js/sse-events.d.ts",
        "src/main.rs",
    ] {
        assert!(
            out.contains(&format!("Unchanged {name}\n")),
            "{name}: {out}"
        );
    }
    assert!(
        !out.contains("Updated") && !out.contains("Created"),
        "{out}"
    );
}

fn times(hello: &Hello) -> Vec<SystemTime> {
    let files = hello.tree().into_keys();
    files
        .map(|path| fs::metadata(path).unwrap().modified().unwrap())
        .collect()
}

#[test]
fn no_call_is_added_if_another_file_makes_an_app_too() {
    let hello = Hello::with(&[(
        "src/pages.rs",
        "use actix_web::App;\npub fn app() { App::new(); }\n",
    )]);
    let main = hello.read("src/main.rs");
    let out = hello.sse_succeeds(&["install"]);
    assert!(out.contains("src/main.rs:6 or src/pages.rs:2"), "{out}");
    assert_eq!(hello.read("src/main.rs"), main);
}

#[test]
fn existing_values_are_kept() {
    let env = "SSE_EVENTS=order:orders\nexport SSE_POLL_INTERVAL = 5\n";
    let hello = Hello::with(&[(".env", env), ("public/js/sse-client.js", "// mine\n")]);
    let out = hello.sse_succeeds(&["install"]);
    let new = hello.read(".env");
    let block = new.strip_prefix(env).expect("the block is put behind");
    assert_eq!(assignments(block), ["SSE_STREAM_DURATION=15"]);
    assert_eq!(hello.read("public/js/sse-client.js"), "// mine\n");
    for text in [
        "Kept .env (SSE_EVENTS has your value)\n",
        "Kept .env (SSE_POLL_INTERVAL has your value)\n",
        "Kept public/js/sse-client.js (yours)\n",
        "In public/js/sse-client.js, a listener for order:\n",
        " sse.on('order', (value) => {\n",
        " sse save orders '",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
}

#[test]
fn a_conflict_exits_with_3_and_writes_nothing() {
    for (name, contents, what) in [
        (
            "public/js/sse.js",
            "// edited\n",
            "public/js/sse.js was modified",
        ),
        (
            "Cargo.toml",
            "[package]\nname = \"x\nversion = \"0.1.0\"\n",
            "Cargo.toml line 2",
        ),
        (
            "Cargo.toml",
            "dependencies = {}\n[package]\nname = \"x\"\n",
            "Cargo.toml line 1",
        ),
        (".env", "A=1\nTITLE='it\n", ".env line 2"),
        (".env", "A=1\n\n# >>> sse >>>\n", "(line 3)"),
        (".env/folder", "", ".env"),
        ("public", "", "public is not a folder"),
        ("public/js", "", "public/js is not a folder"),
    ] {
        let hello = Hello::with(&[(name, contents)]);
        let before = hello.tree();
        hello.sse(&["install"]).fails(3, what);
        assert_eq!(hello.tree(), before, "{name}");
    }
}
