//! Conflicts and errors change nothing.

use super::*;

#[test]
fn a_conflict_changes_nothing() {
    for files in [
        &[(".env", "A='open\n")][..],
        &[(".env", "two words\n")],
        &[(".env", "# >>> sse >>>\n")],
        &[(".env/folder", "")],
        &[("public/js/sse.js", "edited")],
        &[("Cargo.toml", "[package\n")],
        &[("Cargo.toml", "dependencies = {}\n[package]\nname = \"a\"\n")],
    ] {
        let app = App::new(files);
        let before = app.tree();
        let failure = app.try_install().expect_err("it is refused");
        assert_eq!(failure.code(), exit::CONFLICT, "{files:?}: {failure}");
        assert!(failure.to_string().contains("\nhelp: "), "{failure}");
        assert_eq!(app.tree(), before, "{files:?}");
    }
}

#[test]
fn a_read_only_file_is_refused() {
    for name in ["Cargo.toml", ".env"] {
        let app = App::new(&[(".env", "A=1\n")]);
        fs::set_permissions(app.path(name), fs::Permissions::from_mode(0o444))
            .expect("can set the permissions");
        let before = app.tree();
        assert_eq!(
            app.try_install().expect_err("it is refused").code(),
            exit::CONFLICT
        );
        assert_eq!(app.tree(), before);
    }
}

#[test]
fn a_failed_write_is_rolled_back() {
    // `public` is a dangling link, so creating the folder fails after `.env` was written.
    let app = App::new(&[(".env", "A=1\n")]);
    let dangling = app.path("public");
    std::os::unix::fs::symlink("nowhere", &dangling).expect("can create the link");
    let before = without_times(app.tree());
    let failure = app.try_install().expect_err("it cannot be done");
    assert_eq!(failure.code(), exit::ERROR, "{failure}");
    assert_eq!(without_times(app.tree()), before);
}

#[test]
fn an_edited_client_is_a_conflict_and_stays() {
    let app = App::new(&[]);
    app.install();
    app.write("public/js/sse.js", "edited");
    assert_eq!(app.status(), exit::FINDINGS);
    assert_eq!(
        app.try_install().expect_err("it is refused").code(),
        exit::CONFLICT
    );
    app.uninstall();
    assert_eq!(app.read("public/js/sse.js"), "edited");
    assert!(!app.path(".env").exists());
}

#[test]
fn another_source_than_the_installed_one_is_a_conflict() {
    let app = App::new(&[]);
    app.install();
    app.install();
    let before = app.tree();
    let other = args_with_version("9");
    let failure = install::run(app.dir.path(), &other, Output::new(true)).expect_err("it differs");
    assert_eq!(failure.code(), exit::CONFLICT);
    assert!(
        failure.to_string().contains("actix-web-sse = \"9\""),
        "{failure}"
    );
    assert_eq!(app.tree(), before);
}

#[test]
fn only_one_run_at_a_time_changes_an_app() {
    let app = App::new(&[]);
    let before = app.tree();
    let other_run = fs::File::open(app.dir.path()).expect("can open the folder");
    other_run.lock().expect("the file system has locks");
    let uninstalled = uninstall::run(app.dir.path(), &ChangeArgs::default(), Output::new(true));
    for result in [app.try_install(), uninstalled] {
        let failure = result.expect_err("another run is changing the app");
        assert_eq!(failure.code(), exit::ERROR);
        assert!(
            failure.to_string().contains("another `sse install`"),
            "{failure}"
        );
    }
    let mut preview = install_args();
    preview.change.dry_run = true;
    let shown = install::run(app.dir.path(), &preview, Output::new(true));
    assert!(shown.is_ok_and(|code| code == exit::DONE));
    assert_eq!(app.tree(), before);
    drop(other_run);
    app.install();
    app.uninstall();
}
