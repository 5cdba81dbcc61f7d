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
        "Created public/js/sse.d.ts\n",
        "Created public/js/sse-events.d.ts\n",
        "Updated src/main.rs (with `.configure(actix_web_sse::routes)`)\n",
        "Next steps:\n",
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
    let main = hello.read("src/main.rs");
    let out = hello.sse_does(&["install"]);
    assert!(out.contains("Kept src/main.rs:"), "{out}");
    assert!(out.contains("In your page"), "{out}");
    assert_eq!(hello.read("src/main.rs"), main);
    hello.write(
        "templates/index.html",
        "<script src=\"/js/sse-client.js\"></script>",
    );
    let out = hello.sse_does(&["install"]);
    assert!(!out.contains("In your page"), "{out}");
}

#[test]
fn it_writes_the_dependency_the_three_keys_the_scripts_and_their_types() {
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
    for script in ["sse.js", "sse-client.js", "sse.d.ts"] {
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
        .fails(3, "from another source");
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
        "In public/js/sse-client.js, a listener for order:\n",
        " sse.addEventListener('order', (event) => {\n",
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
        ran.err
            .contains(&format!(" sse -C '{app}' save event_cache_key1 ")),
        "{}",
        ran.err
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

#[test]
fn a_dry_run_says_everything_and_touches_nothing() {
    let hello = Hello::with(&[(".env", "A=1\n")]);
    let (tree, written) = (hello.tree(), times(&hello));
    let ran = hello.sse(&["install", "--dry-run"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    for said in [
        "Updated Cargo.toml (with ",
        "Updated .env\n",
        "Created public/js/sse.js\n",
        "warning: aborting install due to dry run\n",
    ] {
        assert!(ran.err.contains(said), "{said:?} is missing:\n{}", ran.err);
    }
    assert_eq!((hello.tree(), times(&hello)), (tree, written));

    hello.sse_does(&["install"]);
    let (tree, written) = (hello.tree(), times(&hello));
    let ran = hello.sse(&["uninstall", "-n"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("Removed public/\n"), "{}", ran.err);
    assert!(
        ran.err
            .ends_with("warning: aborting uninstall due to dry run\n"),
        "{}",
        ran.err
    );
    assert_eq!((hello.tree(), times(&hello)), (tree, written));
}

#[cfg(feature = "tools")]
#[test]
fn an_env_file_that_git_would_take_is_warned_about_when_it_is_made() {
    const WARNING: &str = "git does not ignore .env";
    let warns = |hello: &Hello| hello.sse(&["install"]).err.contains(WARNING);
    let repository = || {
        let hello = Hello::new();
        let git = std::process::Command::new("git")
            .args(["init", "--quiet"])
            .current_dir(hello.path())
            .status();
        assert!(git.expect("git is missing").success());
        hello
    };
    let hello = repository();
    assert!(warns(&hello));
    assert!(!warns(&hello), "it is there now, and its owner knows");
    let ignored = repository();
    ignored.write(".gitignore", ".env\n");
    assert!(!warns(&ignored));
    let owners = repository();
    owners.write(".env", "A=1\n");
    assert!(!warns(&owners));
    assert!(!warns(&Hello::new()), "there is no repository");
}

#[cfg(feature = "tools")]
#[test]
fn the_diff_is_one_that_git_applies() {
    let hello = Hello::with(&[(".env", "A=1")]);
    let before = hello.tree();
    let install = hello.sse(&["install", "--diff"]);
    assert_eq!((install.code, install.err.as_str()), (0, ""));
    assert_eq!(hello.tree(), before);
    hello.sse_does(&["install"]);
    let installed = hello.tree();
    let uninstall = hello.sse(&["uninstall", "--diff"]);
    assert_eq!(hello.tree(), installed);

    apply(&hello, &uninstall.out);
    assert_eq!(files(hello.tree()), files(before));
    apply(&hello, &install.out);
    assert_eq!(files(hello.tree()), files(installed));
}

#[cfg(feature = "tools")]
fn files(tree: crate::hello::Tree) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = tree.into_iter();
    files
        .filter_map(|(path, contents)| Some((path, contents?)))
        .collect()
}

#[cfg(feature = "tools")]
fn apply(hello: &Hello, diff: &str) {
    use std::{io::Write, process::Stdio};

    let mut git = std::process::Command::new("git")
        .args(["apply", "-"])
        .current_dir(hello.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is missing");
    let mut input = git.stdin.take().unwrap();
    input.write_all(diff.as_bytes()).unwrap();
    drop(input);
    let output = git.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}{diff}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn an_edited_script_is_shown_and_overwritten_only_by_force() {
    let hello = Hello::with(&[("public/js/sse.js", "// edited\n")]);
    let before = hello.tree();
    for arguments in [&["install"][..], &["install", "--dry-run"]] {
        hello
            .sse(arguments)
            .fails(3, "public/js/sse.js has local changes");
    }
    let ran = hello.sse(&["install", "--diff"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("\n-// edited\n"), "{}", ran.out);
    assert_eq!(hello.tree(), before);
    hello.sse_does(&["install", "--force"]);
    assert!(hello.read("public/js/sse.js").contains("SseClient"));
    assert_eq!(hello.sse(&["status"]).code, 0);
}

#[test]
fn the_events_and_times_are_what_the_arguments_say() {
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
    hello.sse_does(&arguments);
    assert_eq!(
        assignments(&hello.read(".env")),
        [
            "SSE_STREAM_DURATION=300",
            "SSE_POLL_INTERVAL=0.5",
            "SSE_EVENTS=order:orders,bill:bills"
        ]
    );
    let script = hello.read("public/js/sse-client.js");
    assert_eq!(script.matches("addEventListener(").count(), 2, "{script}");
    assert!(
        script.contains("'order'") && script.contains("'bill'"),
        "{script}"
    );
    assert_eq!(hello.sse(&["status"]).code, 0);
    hello.sse_does(&arguments);
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
    hello.sse_does(&["uninstall"]);
    assert!(!hello.has(".env") && !hello.has("public"));
}

#[test]
fn listeners_that_a_later_event_needs_are_printed_and_the_file_is_left_alone() {
    let hello = Hello::new();
    hello.sse_does(&["install"]);
    let script = hello.read("public/js/sse-client.js");
    hello.replace(
        ".env",
        "SSE_EVENTS=event_name1:event_cache_key1",
        "SSE_EVENTS=order:orders",
    );
    let out = hello.sse_does(&["install"]);
    assert!(out.contains("a listener for order:\n"), "{out}");
    assert!(out.contains(" sse.addEventListener('order', "), "{out}");
    assert!(!out.contains("'event_name2'"), "{out}");
    assert_eq!(hello.read("public/js/sse-client.js"), script);
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let hello = Hello::new();
    let manifest = hello.read("Cargo.toml");
    let main = hello.read("src/main.rs");
    let out = hello.sse_does(&["install", "--no-dep", "--no-wire", "--no-js"]);
    assert_eq!(hello.read("Cargo.toml"), manifest);
    assert_eq!(hello.read("src/main.rs"), main);
    assert!(!hello.has("public") && hello.has(".env"));
    for said in [
        "In Cargo.toml, under [dependencies]:\n",
        " actix-web-sse = { path = ",
        "In src/main.rs, right behind `App::new()`:\n",
        " .configure(actix_web_sse::routes)\n",
    ] {
        assert!(out.contains(said), "{said:?} is missing:\n{out}");
    }
    hello.sse_does(&["uninstall"]);

    hello.sse_does(&["install", "--no-env"]);
    assert!(!hello.has(".env") && hello.has("public/js/sse.js"));
    hello.sse_does(&["uninstall"]);
    assert_eq!(hello.read("Cargo.toml"), manifest);
    assert_eq!(hello.read("src/main.rs"), main);
    assert!(!hello.has("public/js/sse.js"));
}

#[test]
fn a_member_of_a_workspace_is_named_by_its_package() {
    let workspace = tempfile::tempdir().unwrap();
    let at = |name: &str| workspace.path().join(name);
    fs::create_dir_all(at("apps/shop/src")).unwrap();
    fs::create_dir_all(at("apps/admin/src")).unwrap();
    fs::write(
        at("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"apps/*\"]\n",
    )
    .unwrap();
    for name in ["shop", "admin"] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\nactix-web = \"4\"\n"
        );
        fs::write(at(&format!("apps/{name}/Cargo.toml")), manifest).unwrap();
        fs::write(at(&format!("apps/{name}/src/main.rs")), "fn main() {}\n").unwrap();
    }
    let ran = sse_in(workspace.path(), &["install"]);
    ran.fails(2, "a workspace without a package");
    assert!(ran.err.contains("-p: admin, shop"), "{}", ran.err);
    sse_in(workspace.path(), &["install", "-p", "shup"]).fails(2, "no package `shup`");

    let root = fs::read(at("Cargo.toml")).unwrap();
    assert_eq!(sse_in(workspace.path(), &["install", "-p", "shop"]).code, 0);
    assert!(at("apps/shop/.env").exists() && !at("apps/admin/.env").exists());
    assert_eq!(fs::read(at("Cargo.toml")).unwrap(), root);
    let manifest = at("apps/shop/Cargo.toml");
    let arguments = ["--manifest-path", manifest.to_str().unwrap(), "uninstall"];
    assert_eq!(sse_in(workspace.path(), &arguments).code, 0);
    assert!(!at("apps/shop/.env").exists());
}

#[test]
fn a_package_without_a_program_is_told_where_the_call_belongs() {
    let hello = Hello::with(&[("src/lib.rs", "")]);
    fs::remove_file(hello.path().join("src/main.rs")).unwrap();
    let said = hello.sse_does(&["install"]);
    let step =
        "Right behind `App::new()` (this package has no binary, and its code no `App::new()`):";
    assert!(said.contains(step), "{said}");
}

#[test]
fn a_package_without_actix_web_is_warned_of() {
    let hello = Hello::with(&[("Cargo.toml", "[package]\nname = \"x\"\n")]);
    let ran = hello.sse(&["install"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err
            .contains("warning: Cargo.toml has no dependency actix-web;"),
        "{}",
        ran.err
    );
}

#[test]
fn shells_complete_the_command() {
    let hello = Hello::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = hello.sse(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(
            ran.out.contains("uninstall") && ran.out.contains("dep-git"),
            "{shell}"
        );
    }
}
