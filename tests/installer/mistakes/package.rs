//! Mistakes about the folder and the package.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::hello::{Hello, sse_in};

const COMMANDS: [&[&str]; 8] = [
    &["install"],
    &["uninstall"],
    &["status"],
    &["doctor"],
    &["save", "event_cache_key1"],
    &["get", "event_cache_key1"],
    &["delete", "event_cache_key1"],
    &["listen", "--timeout", "5"],
];

#[test]
fn outside_a_project_every_command_names_the_folder_and_says_how_to_name_another() {
    let nothing = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let ran = sse_in(nothing.path(), command);
        ran.fails(1, nothing.path().to_str().unwrap());
        assert!(ran.err.contains("-C DIR"), "{command:?}: {}", ran.err);
    }
    assert_eq!(fs::read_dir(nothing.path()).unwrap().count(), 0);
}

/// A workspace with the packages `admin` and `shop`.
fn workspace() -> TempDir {
    let workspace = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = workspace.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"apps/*\"]\n",
    );
    for name in ["admin", "shop"] {
        let hello = Hello::new();
        let manifest = hello.read("Cargo.toml").replace("sse-hello-world", name);
        write(&format!("apps/{name}/Cargo.toml"), &manifest);
        write(
            &format!("apps/{name}/src/main.rs"),
            &hello.read("src/main.rs"),
        );
    }
    workspace
}

#[track_caller]
fn assert_names_members(dir: &Path, command: &[&str]) {
    let ran = sse_in(dir, command);
    ran.fails(2, "is a workspace without a package of its own");
    assert!(
        ran.err.ends_with("help: name one with -p: admin, shop\n"),
        "{command:?}: {}",
        ran.err
    );
}

#[test]
fn in_the_root_of_a_workspace_every_command_names_the_packages() {
    let workspace = workspace();
    for command in COMMANDS {
        assert_names_members(workspace.path(), command);
    }
    // Below the root, beside the members.
    assert_names_members(
        &workspace.path().join("apps"),
        &["save", "event_cache_key1"],
    );
    let on_shop = |command: &[&str]| sse_in(workspace.path(), &[command, &["-p", "shop"]].concat());
    let ran = on_shop(&["install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(on_shop(&["status"]).code, 0);
    let saved = on_shop(&["save", "event_cache_key1"]);
    assert!(saved.err.contains("triggers event_name1"), "{}", saved.err);
    assert_eq!(on_shop(&["get", "event_cache_key1"]).out, "1\n");
    assert_eq!(on_shop(&["delete", "event_cache_key1"]).code, 0);
    assert!(
        on_shop(&["doctor"])
            .out
            .contains("SSE_EVENTS is event_name1:")
    );
    // The root still has no app of its own.
    assert_names_members(workspace.path(), &["get", "event_cache_key1"]);
}

#[test]
fn the_checkout_of_the_library_is_not_an_app() {
    let hello = Hello::new();
    hello.replace("Cargo.toml", "sse-hello-world", "actix-web-sse");
    for workspace in ["", "\n[workspace]\nmembers = []\n"] {
        let manifest = hello.read("Cargo.toml") + workspace;
        hello.write("Cargo.toml", &manifest);
        let before = hello.tree();
        for options in [
            &["install"][..],
            &["install", "--no-dep", "--force"],
            &["install", "--diff"],
        ] {
            let ran = hello.sse(options);
            ran.fails(1, "is the checkout of actix-web-sse, not an app");
            assert!(ran.err.contains("sse -C DIR install"), "{}", ran.err);
        }
        assert_eq!(hello.tree(), before);
    }
}

#[test]
fn a_package_without_actix_web_is_told_how_to_add_it() {
    let hello = Hello::with(&[("src/main.rs", "fn main() {}\n")]);
    hello.replace("Cargo.toml", "actix-web = {", "other = {");
    let ran = hello.sse(&["install", "--dry-run"]);
    let warning =
        "warning: Cargo.toml has no dependency actix-web; `cargo add actix-web` adds it\n";
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains(warning), "{}", ran.err);
}
