//! Whole apps: `install` and `uninstall` together leave no trace, and what they
//! refuse they leave alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::{install, status, uninstall};
use crate::cli::{ChangeArgs, DependencyArgs, InstallArgs};
use crate::editing::plan::Plan;
use crate::exit::{self, Failure};
use crate::output::Output;
use crate::prompt::Prompt;

const MANIFEST: &str =
    "[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[dependencies]\nactix-web = \"4\"\n";

/// A program with one place for the stream.
const MAIN: &str = "use actix_web::App;\n\nfn main() {\n    App::new();\n}\n";

/// Everything below a folder: contents of files (none for a folder), mode, time.
type Tree = BTreeMap<PathBuf, (Option<Vec<u8>>, u32, Option<SystemTime>)>;

struct App {
    dir: TempDir,
}

impl App {
    fn new(files: &[(&str, &str)]) -> Self {
        let app = Self {
            dir: tempfile::tempdir().expect("a folder"),
        };
        app.write("Cargo.toml", MANIFEST);
        app.write("src/main.rs", MAIN);
        for (name, contents) in files {
            app.write(name, contents);
        }
        app
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the app")).expect("it can be made");
        fs::write(path, contents).expect("it can be written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it is there")
    }

    fn try_install(&self) -> Result<u8, Failure> {
        install::run(self.dir.path(), &args(), Output::new(true))
    }

    fn install(&self) {
        let code = self
            .try_install()
            .unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(code, exit::DONE);
    }

    fn uninstall(&self) {
        self.uninstall_with(&ChangeArgs::default());
    }

    fn uninstall_with(&self, args: &ChangeArgs) {
        let result = uninstall::run(self.dir.path(), args, Output::new(true));
        assert_eq!(
            result.unwrap_or_else(|failure| panic!("{failure}")),
            exit::DONE
        );
    }

    fn status(&self) -> u8 {
        let result = status::run(self.dir.path(), false, Output::new(true));
        result.unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(self.dir.path(), &mut tree);
        tree
    }
}

fn args() -> InstallArgs {
    with_version("0.1.0")
}

fn with_version(version: &str) -> InstallArgs {
    InstallArgs {
        dependency: DependencyArgs {
            dep_version: Some(version.to_owned()),
            ..DependencyArgs::default()
        },
        ..InstallArgs::default()
    }
}

fn nobody() -> Prompt {
    Prompt::new(&ChangeArgs::default())
}

fn walk(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        let contents = metadata
            .is_file()
            .then(|| fs::read(&path).expect("it can be read"));
        let time = metadata.modified().ok().filter(|_| metadata.is_file());
        tree.insert(path.clone(), (contents, mode(&metadata), time));
        if metadata.is_dir() {
            walk(&path, tree);
        }
    }
}

fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

fn install_plan(app: &App) -> Plan {
    install::prepare(app.dir.path(), &args(), nobody())
        .unwrap_or_else(|failure| panic!("{failure}"))
        .change
        .plan
}

fn without_times(tree: Tree) -> Tree {
    tree.into_iter()
        .map(|(path, (contents, mode, _))| (path, (contents, mode, None)))
        .collect()
}

fn shipped(name: &str) -> &'static str {
    let mut files = actix_web_sse::client_files();
    files
        .find(|file| file.name == name)
        .expect("it is shipped")
        .contents
}

#[test]
fn uninstall_leaves_the_app_as_it_was() {
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
            "a second run touches nothing: {files:?}"
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
    fs::create_dir_all(app.path("public/js")).expect("it can be made");
    app.install();
    app.uninstall();
    assert!(app.path("public/js").is_dir());
}

#[test]
fn modes_survive() {
    use std::os::unix::fs::PermissionsExt;

    let app = App::new(&[(".env", "SECRET=1\n")]);
    fs::set_permissions(app.path(".env"), fs::Permissions::from_mode(0o600)).expect("it is ours");
    let before = without_times(app.tree());
    app.install();
    let installed = fs::metadata(app.path(".env")).expect("it is there");
    assert_eq!(mode(&installed) & 0o777, 0o600);
    app.uninstall();
    assert_eq!(without_times(app.tree()), before);
}

#[test]
fn what_is_refused_is_left_alone() {
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
    use std::os::unix::fs::PermissionsExt;

    for name in ["Cargo.toml", ".env"] {
        let app = App::new(&[(".env", "A=1\n")]);
        fs::set_permissions(app.path(name), fs::Permissions::from_mode(0o444)).expect("it is ours");
        let before = app.tree();
        assert_eq!(
            app.try_install().expect_err("it is refused").code(),
            exit::CONFLICT
        );
        assert_eq!(app.tree(), before);
    }
}

#[test]
fn a_failed_write_takes_everything_back() {
    // The scripts' folder cannot be made below a file, which is found only when
    // `.env` is written already.
    let app = App::new(&[(".env", "A=1\n")]);
    let dangling = app.path("public");
    std::os::unix::fs::symlink("nowhere", &dangling).expect("it can be linked");
    let before = without_times(app.tree());
    let failure = app.try_install().expect_err("it cannot be done");
    assert_eq!(failure.code(), exit::ERROR, "{failure}");
    assert_eq!(without_times(app.tree()), before);
}

#[test]
fn work_of_the_owner_is_kept() {
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
fn an_edited_client_is_named_and_never_lost() {
    let app = App::new(&[]);
    app.install();
    app.write("public/js/sse.js", "edited");
    assert_eq!(app.status(), exit::DRIFT);
    assert_eq!(
        app.try_install().expect_err("it is refused").code(),
        exit::CONFLICT
    );
    app.uninstall();
    assert_eq!(app.read("public/js/sse.js"), "edited");
    assert!(!app.path(".env").exists());
}

#[test]
fn an_older_client_is_refreshed_and_older_listeners_are_not() {
    let app = App::new(&[]);
    app.install();
    let mut record = crate::editing::receipt::Receipt::default();
    for name in ["sse.js", "sse-client.js"] {
        let path = format!("public/js/{name}");
        app.write(&path, "from an older version");
        record.add_file(&path, b"from an older version");
    }
    let env = crate::editing::env::block::install(
        app.read(".env").as_bytes(),
        &record,
        &crate::editing::env::values::Values::default(),
    )
    .expect("it reads");
    fs::write(app.path(".env"), env).expect("it can be written");
    app.install();
    assert_eq!(app.read("public/js/sse.js"), shipped("sse.js"));
    assert_eq!(app.read("public/js/sse-client.js"), "from an older version");
    app.uninstall();
    assert!(!app.path("public").exists() && !app.path(".env").exists());
}

#[test]
fn status_tells_absent_from_partial() {
    let app = App::new(&[]);
    assert_eq!(app.status(), exit::DRIFT);
    app.install();
    assert_eq!(app.status(), exit::DONE);
    fs::remove_file(app.path("public/js/sse.js")).expect("it is there");
    assert_eq!(app.status(), exit::DRIFT);
}

#[test]
fn a_clone_without_its_env_file_can_be_uninstalled() {
    for installs_again in [false, true] {
        let app = App::new(&[]);
        app.install();
        fs::remove_file(app.path(".env")).expect("it is there");
        if installs_again {
            app.install();
        }
        app.uninstall();
        assert_eq!(app.read("Cargo.toml"), MANIFEST);
        assert!(!app.path(".env").exists() && !app.path("public/js/sse.js").exists());
    }
}

#[test]
fn another_source_than_the_installed_one_is_refused() {
    let app = App::new(&[]);
    app.install();
    app.install();
    let before = app.tree();
    let other = with_version("9");
    let failure = install::run(app.dir.path(), &other, Output::new(true)).expect_err("it differs");
    assert_eq!(failure.code(), exit::CONFLICT);
    assert!(
        failure.to_string().contains("actix-web-sse = \"9\""),
        "{failure}"
    );
    assert_eq!(app.tree(), before);
}

/// Apps in which the steps differ.
const TO_BE_KILLED_IN: [&[(&str, &str)]; 3] = [
    &[],
    &[(".env", "A=1")],
    &[
        (".env", "SSE_EVENTS=a:b\n"),
        ("public/js/sse-client.js", "mine"),
    ],
];

#[test]
fn a_killed_install_is_completed_and_undone() {
    for files in TO_BE_KILLED_IN {
        for steps in 0.. {
            let app = App::new(files);
            let before = without_times(app.tree());
            let plan = install_plan(&app);
            let all = plan.len();
            plan.write_until_killed(steps);
            let killed = without_times(app.tree());
            app.uninstall();
            assert_eq!(
                without_times(app.tree()),
                before,
                "{steps} steps, then uninstall"
            );

            let app = App::new(files);
            let before = without_times(app.tree());
            let plan = install_plan(&app);
            plan.write_until_killed(steps);
            assert_eq!(without_times(app.tree()).len(), killed.len());
            app.install();
            assert_eq!(app.status(), exit::DONE);
            app.uninstall();
            assert_eq!(
                without_times(app.tree()),
                before,
                "{steps} steps, install, uninstall"
            );
            if steps == all {
                break;
            }
        }
    }
}

#[test]
fn a_killed_uninstall_is_completed() {
    for files in TO_BE_KILLED_IN {
        for steps in 0.. {
            let app = App::new(files);
            let before = without_times(app.tree());
            app.install();
            let prepared = uninstall::prepare(app.dir.path(), nobody())
                .unwrap_or_else(|failure| panic!("{failure}"));
            let plan = prepared.expect("it is installed").change.plan;
            let all = plan.len();
            plan.write_until_killed(steps);
            app.uninstall();
            assert_eq!(without_times(app.tree()), before, "{steps} steps");
            if steps == all {
                break;
            }
        }
    }
}
