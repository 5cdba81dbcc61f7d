//! `Cargo.toml`, and its workspace.

use std::fs;

use super::{assert_refused, install_and_uninstall, snapshot};
use crate::hello::{Hello, sse_in};

const PACKAGE: &str = "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn with_manifest(manifest: &str) -> Hello {
    Hello::with(&[("Cargo.toml", manifest)])
}

/// Installs and uninstalls. In between, cargo reads the dependency.
#[track_caller]
fn install_and_uninstall_manifest(manifest: &str) {
    let hello = with_manifest(manifest);
    let before = snapshot(hello.path());
    // From the registry, because cargo requires one source in all tables.
    let ran = hello.sse(&["install", "--dep-version", "0.1"]);
    assert_eq!(ran.code, 0, "{manifest:?}: {}", ran.err);
    assert!(
        dependencies(&hello).contains(&"actix-web-sse".to_owned()),
        "{manifest:?}"
    );
    let installed = hello.read("Cargo.toml");
    assert_eq!(
        line_endings(&installed),
        line_endings(manifest),
        "{installed:?}"
    );
    let ran = hello.sse(&["uninstall"]);
    assert_eq!(ran.code, 0, "{manifest:?}: {}", ran.err);
    assert_eq!(snapshot(hello.path()), before, "{manifest:?}");
}

/// Whether it contains Windows line endings, and whether it contains others.
fn line_endings(text: &str) -> (bool, bool) {
    let others = text.replace("\r\n", "");
    (text.contains("\r\n"), others.contains('\n'))
}

/// The names of the normal dependencies, as cargo reads them.
#[track_caller]
fn dependencies(hello: &Hello) -> Vec<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(hello.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let dependencies = metadata["packages"][0]["dependencies"].as_array().unwrap();
    let normal = dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null());
    normal
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn line_endings_a_byte_order_mark_and_a_missing_final_newline_are_kept() {
    let manifest = format!("{PACKAGE}\n[dependencies]\nactix-web = \"4\"\n");
    install_and_uninstall_manifest(&manifest.replace('\n', "\r\n"));
    install_and_uninstall_manifest(manifest.trim_end());
    install_and_uninstall_manifest(&format!("\u{feff}{manifest}"));
    install_and_uninstall_manifest(manifest.replace('\n', "\r\n").trim_end());
}

#[test]
fn the_dependency_is_added_to_every_kind_of_table_and_removed() {
    for dependencies in [
        "",
        "[dependencies]",
        "[dependencies]\n",
        "[dependencies] # mine\n\n# nothing yet\n\n",
        "[dependencies]\nserde = { version = \"1\", features = [\n  \"derive\", # x\n] }\n\n[profile.dev]\ndebug = 1\n",
        "[dependencies]\nserde.version = \"1\"\nserde.features = [\"derive\"]\n",
        "[dependencies.log]\nversion = \"0.4\"\n",
        "[dependencies.log]\nversion = \"0.4\"",
        "[dependencies]\nserde = \"1\"\n[dependencies.log]\nversion = \"0.4\"\n",
    ] {
        install_and_uninstall_manifest(&format!("{PACKAGE}{dependencies}"));
    }
    install_and_uninstall_manifest(&format!("dependencies.serde = \"1\"\n{PACKAGE}"));
    let hello = with_manifest(&format!("dependencies = {{ serde = \"1\" }}\n{PACKAGE}"));
    assert_refused(&hello, "Cargo.toml line 1");
}

#[test]
fn an_existing_dependency_is_kept() {
    for dependency in [
        "actix-web-sse = \"0.1\"",
        "actix-web-sse = { path = \"../nowhere\" }",
    ] {
        let manifest = format!("{PACKAGE}[dependencies]\nactix-web = \"4\"\n{dependency}\n");
        let hello = with_manifest(&manifest);
        install_and_uninstall(&hello);
        hello.sse_succeeds(&["install"]);
        assert_eq!(hello.read("Cargo.toml"), manifest);
    }
    // Tests and other systems may have the dependency while the app has not.
    for table in ["dev-dependencies", "target.'cfg(windows)'.dependencies"] {
        install_and_uninstall_manifest(&format!("{PACKAGE}[{table}]\nactix-web-sse = \"0.1\"\n"));
    }
}

#[test]
fn a_renamed_dependency_is_called_by_its_name() {
    let manifest = format!(
        "{PACKAGE}[dependencies]\nactix-web = \"4\"\nlive-news = {{ package = \"actix-web-sse\", version = \"0.1\" }}\n"
    );
    let hello = with_manifest(&manifest);
    let main = hello.read("src/main.rs");
    let before = snapshot(hello.path());
    let printed = hello.sse_succeeds(&["install"]);
    assert!(
        printed.contains(" .configure(live_news::routes)\n"),
        "{printed}"
    );
    assert_eq!(hello.read("src/main.rs"), main);
    assert_eq!(hello.read("Cargo.toml"), manifest);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(hello.path()), before);
}

#[test]
fn a_workspace_dependency_is_inherited() {
    let workspace = tempfile::tempdir().unwrap();
    let at = |name: &str| workspace.path().join(name);
    fs::create_dir_all(at("shop/src")).unwrap();
    let path = support::workspace().to_str().unwrap();
    let root = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"shop\"]\n\n[workspace.dependencies]\nactix-web-sse = {{ path = \"{path}\", default-features = false }}\n"
    );
    let manifest = format!("{PACKAGE}[dependencies]\nactix-web = \"4\"\n");
    fs::write(at("Cargo.toml"), &root).unwrap();
    fs::write(at("shop/Cargo.toml"), &manifest).unwrap();
    fs::write(at("shop/src/main.rs"), "fn main() {}\n").unwrap();
    let before = snapshot(workspace.path());
    assert_eq!(sse_in(&at("shop"), &["install"]).code, 0);
    let installed = fs::read_to_string(at("shop/Cargo.toml")).unwrap();
    assert!(
        installed.contains("actix-web-sse = { workspace = true, features = [\"actix\"] } #"),
        "{installed}"
    );
    assert_eq!(fs::read_to_string(at("Cargo.toml")).unwrap(), root);
    assert_eq!(sse_in(&at("shop"), &["uninstall"]).code, 0);
    assert_eq!(snapshot(workspace.path()), before);
}

#[test]
fn a_missing_or_invalid_manifest_and_a_bare_workspace_are_refused() {
    let nothing = tempfile::tempdir().unwrap();
    sse_in(nothing.path(), &["install"]).fails(1, "no app in ");
    assert_refused(
        &with_manifest("[package]\nname = \"x\nversion = 1\n"),
        "Cargo.toml line 2",
    );
    let hello = with_manifest("[workspace]\n");
    let before = snapshot(hello.path());
    hello
        .sse(&["install"])
        .fails(2, "a workspace without a package");
    assert_eq!(snapshot(hello.path()), before);
}

#[test]
fn paths_with_spaces_and_non_ascii_letters_work_from_a_subfolder() {
    // The app's folder is called `my wörld`.
    let hello = Hello::new();
    let before = snapshot(hello.path());
    let ran = sse_in(&hello.path().join("src"), &["install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(hello.has("public/js/sse.js") && !hello.has("src/.env"));
    assert_eq!(sse_in(&hello.path().join("src"), &["status"]).code, 0);
    assert_eq!(sse_in(&hello.path().join("src"), &["uninstall"]).code, 0);
    assert_eq!(snapshot(hello.path()), before);

    // The path of a program may contain spaces, too.
    let hello = with_manifest(&format!(
        "{PACKAGE}\n[[bin]]\nname = \"x\"\npath = \"src/my sörver = 1.rs\"\n\n[dependencies]\nactix-web = \"4\"\n"
    ));
    let main = hello.path().join("src/main.rs");
    fs::rename(main, hello.path().join("src/my sörver = 1.rs")).unwrap();
    install_and_uninstall(&hello);
    hello.sse_succeeds(&["install"]);
    assert!(
        hello
            .read("src/my sörver = 1.rs")
            .contains(".configure(actix_web_sse::routes)")
    );
}

#[test]
fn a_program_outside_of_the_app_is_not_edited() {
    let manifest = format!(
        "{PACKAGE}\n[[bin]]\nname = \"x\"\npath = \"../main.rs\"\n\n[dependencies]\nactix-web = \"4\"\n"
    );
    let hello = with_manifest(&manifest);
    let outside = hello.outside().join("main.rs");
    fs::rename(hello.path().join("src/main.rs"), &outside).unwrap();
    let code = fs::read(&outside).unwrap();
    let printed = hello.sse_succeeds(&["install"]);
    assert!(
        printed.contains(" .configure(actix_web_sse::routes)\n"),
        "{printed}"
    );
    assert_eq!(fs::read(&outside).unwrap(), code);
}
