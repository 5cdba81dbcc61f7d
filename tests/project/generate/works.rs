//! Generated apps compile, pass their own tests, and run.

use std::{fs, process::Command};

use serde_json::json;
use support::{Stream, get, sse, workspace};

use super::{
    checkout::checkout,
    files::{assert_starter_manifest, assert_template_files},
    generated::Generated,
};

/// Runs `sse` in an app's folder, as a shell starts it.
#[track_caller]
fn run_sse(app: &Generated, arguments: &[&str]) {
    let mut command = Command::new(sse());
    command
        .args(arguments)
        .current_dir(app.path())
        .env_remove("CARGO_MANIFEST_DIR");
    let output = command.output().unwrap();
    let printed = super::checkout::printed(&output);
    assert!(output.status.success(), "sse {arguments:?}: {printed}");
}

#[test]
fn the_documented_command_generates_a_working_app_and_leaves_the_checkout_unchanged() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let line = readme
        .lines()
        .find_map(|line| line.strip_prefix("$ cargo generate "))
        .expect("README.md has no line that generates an app");
    // `--destination ..` is the folder that the checkout is in.
    let folder = checkout().destination("my-app");
    fs::remove_dir(&folder).unwrap();
    checkout().run_line(&format!("cargo generate {line}"));
    assert_eq!(checkout().git(&["status", "--porcelain", "--ignored"]), "");

    let app = Generated::new(folder);
    assert_template_files(&app);
    let library = format!("{{ path = '{}' }}", checkout().path().display());
    assert_starter_manifest(&app, "my-app", &library);
    app.passes_its_tests();
    assert_runs(&app);
}

fn assert_runs(app: &Generated) {
    let server = app.start();
    assert_eq!(
        get(server.address(), "/").body,
        app.read("public/index.html")
    );
    let stream = Stream::open(server.address(), "/sse/stream", None);
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    run_sse(app, &["save", "event_cache_key1", "{\"order\": 42}"]);
    let event = stream.next_event();
    assert_eq!(event.name(), "event_name1");
    assert_eq!(event.value(), json!({"order": 42}));
    assert!(app.path().join("writable/cache").is_dir());
}

#[test]
fn an_app_generated_from_git_with_the_library_from_git_works() {
    let folder = checkout().destination("git");
    let url = checkout().url();
    let address = format!("sse_git={url}");
    let output = checkout().try_generate(
        &folder,
        &[
            "--git",
            &url,
            "template",
            "--silent",
            "--name",
            "my-git-app",
            "-d",
            "sse_source=git",
            "-d",
            &address,
        ],
    );
    let printed = super::checkout::printed(&output);
    assert!(output.status.success(), "{printed}");
    let app = Generated::new(folder.join("my-git-app"));
    assert_template_files(&app);
    assert_starter_manifest(&app, "my-git-app", &format!("{{ git = '{url}' }}"));
    app.passes_its_tests();
}

/// Beside a checkout with the library's name, the default answers are right.
#[test]
fn an_app_with_default_answers_compiles() {
    let folder = checkout().destination("my-silent-app");
    fs::remove_dir(&folder).unwrap();
    let app = checkout().generate(folder.parent().unwrap(), "my-silent-app", &[]);
    assert_starter_manifest(&app, "my-silent-app", "{ path = '../actix-web-sse' }");
    app.cargo(&["check"]);
}

/// A generated app has its own stream controller, and needs nothing that `install` writes.
#[test]
fn sse_install_and_uninstall_leave_a_generated_app_unchanged() {
    let folder = checkout().destination("installed");
    let app = checkout().generate(&folder, "my-app", &["sse_source=registry"]);
    let files = app.files();
    for command in ["uninstall", "install", "uninstall"] {
        run_sse(&app, &[command]);
        let after = app.files();
        let changed: Vec<_> = files
            .keys()
            .chain(after.keys())
            .filter(|name| files.get(*name) != after.get(*name))
            .collect();
        assert!(changed.is_empty(), "`sse {command}` changes {changed:?}");
    }
}
