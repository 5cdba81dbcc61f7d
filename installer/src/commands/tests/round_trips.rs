//! `install` and `uninstall` together restore the app, and keep the owner's changes.

use super::*;
use crate::editing::env::block::EnvState;
use crate::editing::env::readers::EnvReaders;
use crate::editing::env::values::InstallValues;
use crate::editing::receipt::Receipt;

#[test]
fn uninstall_restores_the_app() {
    for files in [
        &[][..],
        &[(".env", "")],
        &[(".env", "SECRET=1")],
        &[
            (".env", "SSE_TTL=5\r\nSSE_EVENTS=a:b\r\n"),
            ("public/logo.svg", "<svg/>"),
        ],
        &[("public/js/app.js", "")],
        &[("public/js/sse-client.js", "mine")],
        &[("public/js/sse.js", shipped("sse.js"))],
        &[
            ("public/js/sse-client.js", shipped("sse-client.js")),
            (".env", "A=1\n"),
        ],
        &[(
            "Cargo.toml",
            "[package]\nname = \"a\"\n[dependencies]\nactix-web-sse = \"0.1\"",
        )],
        &[("Cargo.toml", "\u{feff}[package]\r\nname = \"a\"")],
    ] {
        let app = App::new(files);
        let before = without_times(app.tree());
        app.install();
        assert_eq!(app.status(), exit::DONE, "{files:?}");
        let installed = app.tree();
        app.install();
        assert_eq!(
            app.tree(),
            installed,
            "a second run changes nothing: {files:?}"
        );
        app.uninstall();
        assert_eq!(without_times(app.tree()), before, "{files:?}");
        let uninstalled = app.tree();
        app.uninstall();
        assert_eq!(app.tree(), uninstalled, "{files:?}");
    }
}

#[test]
fn an_empty_folder_of_the_owner_stays() {
    let app = App::new(&[]);
    fs::create_dir_all(app.path("public/js")).expect("can create the folder");
    app.install();
    app.uninstall();
    assert!(app.path("public/js").is_dir());
}

#[test]
fn file_modes_are_kept() {
    let app = App::new(&[(".env", "SECRET=1\n")]);
    fs::set_permissions(app.path(".env"), fs::Permissions::from_mode(0o600))
        .expect("can set the permissions");
    let before = without_times(app.tree());
    app.install();
    let installed = fs::metadata(app.path(".env")).expect("the file exists");
    assert_eq!(mode(&installed) & 0o777, 0o600);
    app.uninstall();
    assert_eq!(without_times(app.tree()), before);
}

#[test]
fn the_owners_changes_are_kept() {
    let app = App::new(&[]);
    app.install();
    app.write("public/js/sse-client.js", "my listeners");
    app.write("public/js/other.js", "");
    app.write(
        ".env",
        &app.read(".env")
            .replace("SSE_POLL_INTERVAL=2\n", "SECRET=1\n"),
    );
    app.install();
    assert_eq!(app.read("public/js/sse-client.js"), "my listeners");
    assert_eq!(app.status(), exit::DONE);
    app.uninstall();
    assert_eq!(app.read("public/js/sse-client.js"), "my listeners");
    assert_eq!(app.read(".env"), "SECRET=1\n");
    assert!(!app.path("public/js/sse.js").exists());
    assert_eq!(app.read("Cargo.toml"), MANIFEST);
}

#[test]
fn an_older_client_is_updated_and_older_listeners_are_kept() {
    let app = App::new(&[]);
    app.install();
    let mut receipt = Receipt::default();
    for name in ["sse.js", "sse-client.js"] {
        let path = format!("public/js/{name}");
        app.write(&path, "from an older version");
        receipt.add_with_hash(&path, b"from an older version");
    }
    let env = EnvState::new(app.read(".env").as_bytes()).expect("valid input");
    let env = env.install(&receipt, &InstallValues::default(), EnvReaders::Dotenvy);
    let env = env.expect("valid input");
    fs::write(app.path(".env"), env).expect("can write the file");
    app.install();
    assert_eq!(app.read("public/js/sse.js"), shipped("sse.js"));
    assert_eq!(app.read("public/js/sse-client.js"), "from an older version");
    app.uninstall();
    assert!(!app.path("public").exists() && !app.path(".env").exists());
}

#[test]
fn status_reports_drift_until_everything_is_installed() {
    let app = App::new(&[]);
    assert_eq!(app.status(), exit::FINDINGS);
    app.install();
    assert_eq!(app.status(), exit::DONE);
    fs::remove_file(app.path("public/js/sse.js")).expect("the file exists");
    assert_eq!(app.status(), exit::FINDINGS);
}

#[test]
fn a_clone_without_its_env_file_can_be_uninstalled() {
    for installs_again in [false, true] {
        let app = App::new(&[]);
        app.install();
        fs::remove_file(app.path(".env")).expect("the file exists");
        if installs_again {
            app.install();
        }
        app.uninstall();
        assert_eq!(app.read("Cargo.toml"), MANIFEST);
        assert!(!app.path(".env").exists() && !app.path("public/js/sse.js").exists());
    }
}
