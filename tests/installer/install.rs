//! `sse install`.

use std::{fs, time::SystemTime};

use crate::hello::{Hello, sse_in};

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
fn it_says_what_it_did_and_what_is_left_to_do() {
    let hello = Hello::new();
    let out = hello.sse_does(&["install"]);
    let dependency = format!(
        "actix-web-sse = {{ path = \"{}\" }}",
        support::workspace().display()
    );
    for said in [
        &format!("Updated Cargo.toml (with `{dependency}`)\n"),
        "Created .env\n",
        "Created public/js/sse.js\n",
        "Created public/js/sse-client.js\n",
        "Left to do by hand:\n",
        " .configure(actix_web_sse::routes)\n",
        " <script src=\"/js/sse-client.js\"></script>\n",
        " sse save event_cache_key1 '{\"order\": 42}'\n",
        "The stream is public: every visitor receives every value of every key in SSE_EVENTS.\n",
    ] {
        assert!(out.contains(said), "{said:?} is missing:\n{out}");
    }
    assert_eq!(hello.sse_does(&["install", "--quiet"]), "");
}

#[test]
fn it_does_not_ask_again_for_what_is_done() {
    let hello = Hello::new();
    hello.replace(
        "src/main.rs",
        "App::new()",
        "App::new().configure(actix_web_sse::routes)",
    );
    let out = hello.sse_does(&["install"]);
    assert!(!out.contains("In src/main.rs"), "{out}");
    assert!(out.contains("In your page"), "{out}");
}

#[test]
fn it_writes_the_dependency_the_three_keys_and_both_scripts() {
    let hello = Hello::new();
    let manifest = hello.read("Cargo.toml");
    hello.sse_does(&["install"]);

    let new = hello.read("Cargo.toml");
    let line = new
        .strip_prefix(&manifest)
        .expect("the line is put behind the last dependency");
    assert!(line.starts_with("actix-web-sse = { path = "), "{line}");
    let env = hello.read(".env");
    assert_eq!(assignments(&env), KEYS);
    assert!(env.contains("Written by `sse install`"), "{env}");
    for script in ["sse.js", "sse-client.js"] {
        let shipped = support::workspace().join("assets/js").join(script);
        assert_eq!(
            hello.read(&format!("public/js/{script}")),
            fs::read_to_string(shipped).unwrap()
        );
    }
}

#[test]
fn the_dependency_is_where_the_user_says() {
    let hello = Hello::new();
    hello.sse_does(&["install", "--dep-version", "0.1"]);
    assert!(
        hello
            .read("Cargo.toml")
            .contains("\nactix-web-sse = \"0.1\" #")
    );
    hello
        .sse(&["install", "--dep-version", "0.2"])
        .fails(3, "from another place");
    hello
        .sse(&["install", "--dep-path", "."])
        .fails(1, "no actix-web-sse in .");
    hello.sse_does(&["uninstall"]);
    let checkout = support::workspace().to_str().unwrap();
    hello.sse_does(&["install", "--dep-path", checkout]);
    assert!(
        hello
            .read("Cargo.toml")
            .contains(&format!("path = \"{checkout}\""))
    );
    assert_eq!(hello.sse(&["install", "--dep-version", "newest"]).code, 2);
}

#[test]
fn a_second_run_changes_nothing() {
    let hello = Hello::new();
    hello.sse_does(&["install"]);
    let (tree, written) = (hello.tree(), times(&hello));
    let out = hello.sse_does(&["install"]);
    assert_eq!((hello.tree(), times(&hello)), (tree, written));
    for name in [
        "Cargo.toml",
        ".env",
        "public/js/sse.js",
        "public/js/sse-client.js",
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
fn what_is_there_keeps_its_value() {
    let env = "SSE_EVENTS=order:orders\nexport SSE_POLL_INTERVAL = 5\n";
    let hello = Hello::with(&[(".env", env), ("public/js/sse-client.js", "// mine\n")]);
    let out = hello.sse_does(&["install"]);
    let new = hello.read(".env");
    let block = new.strip_prefix(env).expect("the block is put behind");
    assert_eq!(assignments(block), ["SSE_STREAM_DURATION=15"]);
    assert_eq!(hello.read("public/js/sse-client.js"), "// mine\n");
    for said in [
        "Kept .env (SSE_EVENTS has your value)\n",
        "Kept .env (SSE_POLL_INTERVAL has your value)\n",
        "Kept public/js/sse-client.js (yours)\n",
        " sse save orders '",
    ] {
        assert!(out.contains(said), "{said:?} is missing:\n{out}");
    }
}

#[test]
fn a_conflict_exits_with_3_and_writes_nothing() {
    for (name, contents, what) in [
        (
            "public/js/sse.js",
            "// edited\n",
            "public/js/sse.js has local changes",
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
        (
            "Cargo.toml",
            "[workspace]\n",
            "a workspace without a package",
        ),
        (".env", "A=1\nTITLE='it\n", ".env line 2"),
        (".env", "A=1\n\n# >>> sse >>>\n", "(line 3)"),
        (".env/folder", "", ".env"),
    ] {
        let hello = Hello::with(&[(name, contents)]);
        let before = hello.tree();
        hello.sse(&["install"]).fails(3, what);
        assert_eq!(hello.tree(), before, "{name}");
    }
}

#[test]
fn the_app_is_found_from_below_and_named_from_elsewhere() {
    let hello = Hello::new();
    sse_in(&hello.path().join("src"), &["install", "-q"]);
    assert!(hello.has("public/js/sse.js") && !hello.has("src/.env"));
    sse_in(&hello.path().join("src"), &["uninstall"]);
    assert!(!hello.has(".env"));

    let app = hello.path().to_str().unwrap();
    let ran = sse_in(hello.outside(), &["-C", app, "install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out
            .contains(&format!(" sse -C '{app}' save event_cache_key1 ")),
        "{}",
        ran.out
    );
    assert!(
        sse_in(hello.outside(), &["-C", "my wörld", "status"])
            .out
            .contains("installed")
    );
    let ran = sse_in(hello.outside(), &["uninstall", "-C", app]);
    assert!(ran.code == 0 && !hello.has(".env"), "{}", ran.err);
}

#[test]
fn a_folder_that_is_no_app_is_an_error() {
    let nothing = tempfile::tempdir().unwrap();
    for command in ["install", "uninstall", "status"] {
        sse_in(nothing.path(), &[command]).fails(1, "no Cargo.toml in ");
        sse_in(nothing.path(), &["-C", "missing", command]).fails(1, "no folder missing");
    }
    assert_eq!(fs::read_dir(nothing.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_command_line_exits_with_2_and_shows_the_way() {
    let nothing = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["instal"],
        &["save"],
        &["install", "--dep-version", "1", "--dep-path", "."],
        &["listen", "--count", "many"],
    ] {
        let ran = sse_in(nothing.path(), arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains("--help"), "{arguments:?}: {}", ran.err);
    }
    let help = sse_in(nothing.path(), &["--help"]);
    assert!(
        help.code == 0 && help.out.contains("Exit codes:\n"),
        "{}",
        help.out
    );
}
