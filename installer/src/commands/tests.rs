//! Tests of `install`, `uninstall` and `status` with complete apps.

mod beside_serve;
mod conflicts;
mod killed_runs;
mod round_trips;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use super::{install, status, uninstall};
use crate::cli::{ChangeArgs, DependencyArgs, InstallArgs};
use crate::editing::plan::Plan;
use crate::exit::{self, Failure};
use crate::output::Output;

const MANIFEST: &str =
    "[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[dependencies]\nactix-web = \"4\"\n";

/// A program with one `App::new()`.
const MAIN: &str = "use actix_web::App;\n\nfn main() {\n    App::new();\n}\n";

/// Everything below a folder: contents (`None` for folders), mode, and time of files.
type Tree = BTreeMap<PathBuf, (Option<Vec<u8>>, u32, Option<SystemTime>)>;

struct App {
    dir: TempDir,
    args: fn() -> InstallArgs,
}

/// The files of a CodeIgniter app, as far as they matter here.
const CODEIGNITER: &[(&str, &str)] = &[
    ("spark", "#!/usr/bin/env php\n"),
    ("app/Config/Cache.php", "<?php\nclass Cache\n{\n}\n"),
    ("public/index.php", "<?php\n"),
    ("writable/cache/index.html", ""),
];

impl App {
    fn new(files: &[(&str, &str)]) -> Self {
        let rust = [("Cargo.toml", MANIFEST), ("src/main.rs", MAIN)];
        Self::with(&[&rust, files].concat(), install_args)
    }

    fn codeigniter(files: &[(&str, &str)]) -> Self {
        Self::with(&[CODEIGNITER, files].concat(), InstallArgs::default)
    }

    /// An app in a language that is not known.
    fn other(files: &[(&str, &str)]) -> Self {
        Self::with(files, || InstallArgs {
            public: Some("web".to_owned()),
            ..InstallArgs::default()
        })
    }

    fn with(files: &[(&str, &str)], args: fn() -> InstallArgs) -> Self {
        let app = Self {
            dir: tempfile::tempdir().expect("can create a temporary folder"),
            args,
        };
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
        fs::create_dir_all(path.parent().expect("it is below the app"))
            .expect("can create the folder");
        fs::write(path, contents).expect("can write the file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file exists")
    }

    fn try_install(&self) -> Result<u8, Failure> {
        install::run(self.dir.path(), &(self.args)(), Output::new(true))
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

fn install_args() -> InstallArgs {
    args_with_version("0.1.0")
}

fn args_with_version(version: &str) -> InstallArgs {
    InstallArgs {
        dependency: DependencyArgs {
            dep_version: Some(version.to_owned()),
            ..DependencyArgs::default()
        },
        ..InstallArgs::default()
    }
}

fn walk(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).expect("can list the folder") {
        let path = entry.expect("can list the folder").path();
        let metadata = fs::symlink_metadata(&path).expect("the file exists");
        let contents = metadata
            .is_file()
            .then(|| fs::read(&path).expect("can read the file"));
        let time = metadata.modified().ok().filter(|_| metadata.is_file());
        tree.insert(path.clone(), (contents, mode(&metadata), time));
        if metadata.is_dir() {
            walk(&path, tree);
        }
    }
}

fn mode(metadata: &fs::Metadata) -> u32 {
    metadata.permissions().mode()
}

fn install_plan(app: &App) -> Plan {
    install::plan(app.dir.path(), &(app.args)())
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
        .expect("the file is shipped")
        .contents
}
