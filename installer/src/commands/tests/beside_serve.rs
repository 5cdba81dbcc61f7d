//! Apps beside `sse serve`: CodeIgniter's, and those in other languages.

use actix_web_sse::cli_support::EnvFile;

use super::*;
use crate::app::codeigniter::module::TEST_CLIENT;
use crate::app::kind::AppKind;
use crate::app::layout::AppLayout;

const COPY: &str = "public/js/sse-client.js.codeigniter4-sse";

/// What the original module adds to `.env`.
const MODULE_ENV: &str = "A=1\n\n# mine\n\nSSE_STREAM_DURATION=15\nSSE_POLL_INTERVAL=2\nSSE_EVENTS=event_name1:event_cache_key1\n";

#[test]
fn uninstall_restores_the_app() {
    for new_app in [
        || App::codeigniter(&[]),
        || {
            App::codeigniter(&[(
                ".env",
                "app.baseURL = 'http://a.example/'\nsession.driver = A\\B\\C",
            )])
        },
        || {
            App::codeigniter(&[
                (".env", MODULE_ENV),
                ("public/js/sse-client.js", TEST_CLIENT),
            ])
        },
        || App::codeigniter(&[("public/js/sse-client.js", "mine")]),
        || {
            App::codeigniter(&[(
                "app/Config/Cache.php",
                "<?php class Cache { public $prefix = 'shop_'; }",
            )])
        },
        || App::other(&[(".env", "A=1\n")]),
        || {
            App::other(&[
                (".env", "APP_NAME=my app\r\nAPP_KEY=base64:x=\r\n"),
                ("web/index.php", "<?php"),
            ])
        },
    ] {
        let app = new_app();
        let before = without_times(app.tree());
        app.install();
        assert_eq!(app.status(), exit::DONE);
        let installed = app.tree();
        app.install();
        assert_eq!(app.tree(), installed, "a second run changes nothing");
        app.uninstall();
        assert_eq!(without_times(app.tree()), before);
        app.uninstall();
        assert_eq!(without_times(app.tree()), before);
    }
}

#[test]
fn the_listeners_of_the_module_are_replaced_and_restored() {
    for module in [TEST_CLIENT.to_owned(), TEST_CLIENT.replace('\n', "\r\n")] {
        let app = App::codeigniter(&[(".env", MODULE_ENV), ("public/js/sse-client.js", &module)]);
        app.install();
        assert!(
            app.read("public/js/sse-client.js")
                .contains("sse.on('event_name1', ")
        );
        assert_eq!(app.read(COPY), module);
        let env = app.read(".env");
        assert!(env.starts_with(MODULE_ENV), "{env}");
        assert_eq!(env.matches("SSE_EVENTS=").count(), 1, "{env}");
        app.uninstall();
        assert_eq!(app.read("public/js/sse-client.js"), module);
        assert!(!app.path(COPY).exists());
    }
}

#[test]
fn edited_listeners_stay_with_the_copy_of_the_modules_until_force_is_used() {
    let app = App::codeigniter(&[("public/js/sse-client.js", TEST_CLIENT)]);
    app.install();
    app.write("public/js/sse-client.js", "my listeners");
    app.install();
    assert_eq!(app.status(), exit::DONE);
    let installed = app.tree();
    app.uninstall();
    assert_eq!(app.read("public/js/sse-client.js"), "my listeners");
    assert_eq!(app.read(COPY), TEST_CLIENT);
    assert!(!app.path("public/js/sse.js").exists());

    let app = App::codeigniter(&[("public/js/sse-client.js", TEST_CLIENT)]);
    app.install();
    assert_eq!(app.tree().len(), installed.len());
    app.write("public/js/sse-client.js", "my listeners");
    app.uninstall_with(&ChangeArgs {
        force: true,
        ..ChangeArgs::default()
    });
    assert_eq!(app.read("public/js/sse-client.js"), TEST_CLIENT);
    assert!(!app.path(COPY).exists());
}

#[test]
fn a_copy_that_is_lost_or_edited_is_reported_because_nothing_is_restored() {
    let warnings = |app: &App| {
        let planned = uninstall::plan(app.dir.path(), &ChangeArgs::default());
        let planned = planned.unwrap_or_else(|failure| panic!("{failure}"));
        planned.expect("it is installed").warnings.join("\n")
    };
    let app = App::codeigniter(&[("public/js/sse-client.js", TEST_CLIENT)]);
    app.install();
    assert_eq!(warnings(&app), "");
    app.write(COPY, "edited");
    assert!(warnings(&app).contains(COPY), "{}", warnings(&app));
    fs::remove_file(app.path(COPY)).expect("it exists");
    assert!(warnings(&app).contains(COPY), "{}", warnings(&app));
    // As after a run that was killed.
    app.write("public/js/sse-client.js", TEST_CLIENT);
    assert_eq!(warnings(&app), "");
}

#[test]
fn a_cache_folder_that_only_the_code_names_is_not_taken_for_an_option() {
    let code = "<?php class Cache { public $file = ['storePath' => \"/nothing\nhere\"]; }";
    let app = App::codeigniter(&[("app/Config/Cache.php", code)]);
    let failure = app
        .try_install()
        .expect_err("it does not exist")
        .to_string();
    assert!(
        failure.contains("app/Config/Cache.php /nothing\\nhere: "),
        "{failure}"
    );
    assert!(!failure.contains("--cache"), "{failure}");
}

#[test]
fn listeners_of_the_module_that_were_edited_are_the_owners() {
    let edited = format!("{TEST_CLIENT}// edited\n");
    let app = App::codeigniter(&[("public/js/sse-client.js", &edited)]);
    app.install();
    assert_eq!(app.read("public/js/sse-client.js"), edited);
    assert!(!app.path(COPY).exists());
    assert_eq!(app.status(), exit::DONE);
}

#[test]
fn another_file_in_place_of_the_copy_is_a_conflict() {
    let app = App::codeigniter(&[("public/js/sse-client.js", TEST_CLIENT), (COPY, "mine")]);
    let before = app.tree();
    let failure = app.try_install().expect_err("it is refused");
    assert_eq!(failure.code(), exit::CONFLICT);
    assert!(failure.to_string().contains(COPY), "{failure}");
    assert_eq!(app.tree(), before);
}

#[test]
fn the_module_is_not_replaced_if_nothing_could_restore_it() {
    let app = App::codeigniter(&[("public/js/sse-client.js", TEST_CLIENT)]);
    let args = InstallArgs {
        no_env: true,
        ..InstallArgs::default()
    };
    let ran = install::run(app.dir.path(), &args, Output::new(true));
    assert!(ran.is_ok_and(|code| code == exit::DONE));
    assert_eq!(app.read("public/js/sse-client.js"), TEST_CLIENT);
    // A Rust app's own file is never that of the module.
    let app = App::new(&[("public/js/sse-client.js", TEST_CLIENT)]);
    app.install();
    assert_eq!(app.read("public/js/sse-client.js"), TEST_CLIENT);
}

#[test]
fn the_configuration_of_codeigniter_is_written_into_the_block() {
    let cache = "<?php class Cache { public string $prefix = 'shop_';\n\
                 public array $file = ['storePath' => WRITEPATH . 'data/']; }";
    let app = App::codeigniter(&[("app/Config/Cache.php", cache)]);
    app.install();
    let env = app.read(".env");
    for line in ["SSE_CACHE=writable/data\n", "SSE_DROP_IN_PREFIX=shop_\n"] {
        assert!(env.contains(line), "{env}");
    }
    let config = actix_web_sse::Config::from_dir(app.dir.path()).expect("it is valid");
    assert_eq!(
        config.drop_in_path("orders"),
        Some(app.path("writable/data/shop_orders"))
    );
}

#[test]
fn scripts_follow_the_folder_of_public_files() {
    let app = App::other(&[]);
    app.install();
    assert!(app.path("web/js/sse.js").exists() && !app.path("public").exists());
    let env = app.read(".env");
    assert!(env.contains("SSE_PUBLIC=web\n"), "{env}");
    // The next run needs no arguments.
    let ran = install::run(app.dir.path(), &InstallArgs::default(), Output::new(true));
    assert!(ran.is_ok_and(|code| code == exit::DONE));
    assert_eq!(app.read(".env"), env);
    assert_eq!(app_kind(&app), AppKind::Other);
}

#[test]
fn scripts_in_a_folder_that_the_setting_named_before_are_removed() {
    let app = App::other(&[(".env", "A=1\n")]);
    let before = without_times(app.tree());
    app.install();
    app.write(
        ".env",
        &app.read(".env").replace("SSE_PUBLIC=web", "SSE_PUBLIC=www"),
    );
    assert_eq!(app.status(), exit::FINDINGS);
    let ran = install::run(app.dir.path(), &InstallArgs::default(), Output::new(true));
    assert!(ran.is_ok_and(|code| code == exit::DONE));
    assert!(app.path("www/js/sse.js").exists());
    assert_eq!(app.status(), exit::DONE);
    app.uninstall_with(&ChangeArgs {
        force: true,
        ..ChangeArgs::default()
    });
    assert_eq!(without_times(app.tree()), before);
}

#[test]
fn a_public_folder_elsewhere_is_restored_too() {
    let web = tempfile::tempdir().expect("can create a temporary folder");
    fs::write(web.path().join("index.php"), "<?php").expect("can write the file");
    let app = App::other(&[]);
    let args = InstallArgs {
        public: Some(web.path().display().to_string()),
        ..InstallArgs::default()
    };
    let ran = install::run(app.dir.path(), &args, Output::new(true));
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(web.path().join("js/sse.js").exists());
    assert_eq!(app.status(), exit::DONE);
    app.uninstall();
    assert_eq!(app.tree(), Tree::new());
    let entries = fs::read_dir(web.path()).expect("can list the folder");
    assert_eq!(entries.count(), 1);
}

#[test]
fn folders_that_cannot_be_used_are_refused() {
    let other = || App::other(&[("file", ""), ("public/a", "")]);
    let refused = |app: &App, public: Option<&str>, cache: Option<&str>, what: &str| {
        let before = app.tree();
        let args = InstallArgs {
            public: public.map(str::to_owned),
            cache: cache.map(str::to_owned),
            ..InstallArgs::default()
        };
        let failure = install::run(app.dir.path(), &args, Output::new(true));
        let failure = failure.expect_err(what).to_string();
        assert!(
            failure.contains(what) && failure.contains("\nhelp: "),
            "{what}: {failure}"
        );
        assert_eq!(app.tree(), before, "{what}");
    };
    refused(&other(), Some("file"), None, "file is not a folder");
    refused(&other(), Some("file/web"), None, "file is not a folder");
    refused(&other(), Some("/nothing/here"), None, "does not exist");
    refused(&other(), None, Some("/nothing/here"), "does not exist");
    refused(&other(), Some("public"), Some("public/cache"), "is inside");
    refused(&other(), Some("."), None, "is inside");
    let linked = other();
    std::os::unix::fs::symlink("nowhere", linked.path("link")).expect("can create the link");
    refused(&linked, Some("link"), None, "link is not a folder");
    let renamed = App::codeigniter(&[]);
    fs::rename(renamed.path("public"), renamed.path("html")).expect("it exists");
    refused(&renamed, None, None, "no folder public");
    let set = App::other(&[(".env", "SSE_PUBLIC=html\n")]);
    refused(
        &set,
        Some("web"),
        None,
        "SSE_PUBLIC already has another value: html",
    );
}

#[test]
fn sources_of_the_library_are_for_rust_apps() {
    let app = App::codeigniter(&[]);
    let before = app.tree();
    let failure = install::run(app.dir.path(), &install_args(), Output::new(true));
    let failure = failure.expect_err("it is refused");
    assert_eq!(failure.code(), exit::USAGE, "{failure}");
    assert_eq!(app.tree(), before);
}

fn app_kind(app: &App) -> AppKind {
    let env = EnvFile::new(app.read(".env").into_bytes());
    AppLayout::of(app.dir.path(), Some(&env)).kind
}
