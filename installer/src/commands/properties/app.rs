//! A random app that is installed into and uninstalled from.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::sample::select;
use tempfile::TempDir;

use crate::cli::{ChangeArgs, DependencyArgs, InstallArgs};
use crate::commands::planned_change::PlannedChange;
use crate::commands::{install, uninstall};
use crate::exit::{self, Failure};
use crate::output::Output;

pub(super) enum Outcome {
    Installed,
    Refused,
}

/// Everything below a folder: contents (`None` for folders) and mode.
type TreeSnapshot = BTreeMap<PathBuf, (Option<Vec<u8>>, u32)>;

pub(super) struct RandomApp {
    dir: TempDir,
}

#[derive(Clone)]
pub(super) struct InitialFile {
    pub(super) contents: Vec<u8>,
    pub(super) mode: u32,
}

impl InitialFile {
    pub(super) fn new(contents: impl Into<Vec<u8>>, mode: u32) -> Self {
        let contents = contents.into();
        Self { contents, mode }
    }
}

impl fmt::Debug for InitialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:o} \"{}\"", self.mode, self.contents.escape_ascii())
    }
}

/// The files below `public` before the installation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Public {
    Nothing,
    EmptyFolders,
    OtherFiles,
    Listeners,
    CurrentClient,
}

pub(super) fn publics() -> impl Strategy<Value = Public> {
    select(
        &[
            Public::Nothing,
            Public::EmptyFolders,
            Public::OtherFiles,
            Public::Listeners,
            Public::CurrentClient,
        ][..],
    )
}

/// Permission modes; one in ten is read-only.
pub(super) fn modes() -> impl Strategy<Value = u32> {
    select(
        &[
            0o644, 0o644, 0o644, 0o600, 0o600, 0o640, 0o664, 0o755, 0o600, 0o444,
        ][..],
    )
}

impl RandomApp {
    pub(super) fn new(manifest: &InitialFile, env: Option<&InitialFile>, public: Public) -> Self {
        let main = InitialFile::new(MAIN, 0o644);
        Self::with_files(
            &[("Cargo.toml", manifest), ("src/main.rs", &main)],
            env,
            public,
        )
    }

    pub(super) fn codeigniter(env: Option<&InitialFile>, public: Public) -> Self {
        let (file, code) = (
            InitialFile::new("", 0o755),
            InitialFile::new(CACHE_PHP, 0o644),
        );
        let files = [
            ("spark", &file),
            ("app/Config/Cache.php", &code),
            ("public/index.php", &code),
        ];
        Self::with_files(&files, env, public)
    }

    fn with_files(
        files: &[(&str, &InitialFile)],
        env: Option<&InitialFile>,
        public: Public,
    ) -> Self {
        // In memory if possible, because the files need not last.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let app = Self {
            dir: dir.expect("can create a temporary folder"),
        };
        for (name, file) in files {
            app.write(name, file);
        }
        if let Some(env) = env {
            app.write(".env", env);
        }
        match public {
            Public::Nothing => {}
            Public::EmptyFolders => {
                fs::create_dir_all(app.path().join("public/js")).expect("can create the folder");
            }
            Public::OtherFiles => app.write("public/index.html", &InitialFile::new(*b"<p>", 0o640)),
            Public::Listeners => app.write(
                "public/js/sse-client.js",
                &InitialFile::new(*b"mine", 0o600),
            ),
            Public::CurrentClient => {
                let mut files = actix_web_sse::client_files();
                let file = files
                    .find(|file| file.name == "sse.js")
                    .expect("the file is shipped");
                app.write("public/js/sse.js", &InitialFile::new(file.contents, 0o644));
            }
        }
        app
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).expect("the file exists")
    }

    fn write(&self, name: &str, file: &InitialFile) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it is below")).expect("can create the folder");
        fs::write(&path, &file.contents).expect("can write the file");
        fs::set_permissions(
            path,
            std::os::unix::fs::PermissionsExt::from_mode(file.mode),
        )
        .expect("can set the permissions");
    }

    /// Installs without output.
    fn install(&self) -> Result<(), Failure> {
        let args = InstallArgs {
            dependency: DependencyArgs {
                dep_version: self
                    .path()
                    .join("Cargo.toml")
                    .exists()
                    .then(|| "0.1.0".to_owned()),
                ..DependencyArgs::default()
            },
            ..InstallArgs::default()
        };
        let planned = install::plan(self.path(), &args)?;
        carry_out(planned.change)
    }

    fn uninstall(&self) -> Result<(), Failure> {
        let planned = uninstall::plan(self.path(), &ChangeArgs::default())?;
        planned.map_or(Ok(()), |planned| carry_out(planned.change))
    }

    /// Installs twice, calls `check_installed`, and uninstalls twice.
    pub(super) fn install_and_restore(
        &self,
        check_installed: impl FnOnce() -> Result<(), TestCaseError>,
    ) -> Result<Outcome, TestCaseError> {
        let (before, times) = (self.tree(), self.times());
        if let Err(failure) = self.install() {
            prop_assert_eq!(failure.code(), exit::CONFLICT, "{}", failure);
            prop_assert!(failure.to_string().contains("\nhelp: "), "{}", failure);
            assert_same(&self.tree(), &before)?;
            prop_assert_eq!(self.times(), times);
            return Ok(Outcome::Refused);
        }
        let (installed, times) = (self.tree(), self.times());
        test_result(self.install())?;
        assert_same(&self.tree(), &installed)?;
        prop_assert_eq!(self.times(), times);
        check_installed()?;

        test_result(self.uninstall())?;
        assert_same(&self.tree(), &before)?;
        test_result(self.uninstall())?;
        assert_same(&self.tree(), &before)?;
        Ok(Outcome::Installed)
    }

    fn tree(&self) -> TreeSnapshot {
        let mut tree = TreeSnapshot::new();
        self.walk(self.path(), &mut |path, metadata| {
            let contents = metadata
                .is_file()
                .then(|| fs::read(&path).expect("can read the file"));
            tree.insert(path, (contents, mode(metadata)));
        });
        tree
    }

    fn times(&self) -> BTreeMap<PathBuf, Option<SystemTime>> {
        let mut times = BTreeMap::new();
        self.walk(self.path(), &mut |path, metadata| {
            times.insert(path, metadata.modified().ok());
        });
        times
    }

    fn walk(&self, folder: &Path, visit: &mut dyn FnMut(PathBuf, &fs::Metadata)) {
        for entry in fs::read_dir(folder).expect("can list the folder") {
            let path = entry.expect("can list the folder").path();
            let metadata = fs::symlink_metadata(&path).expect("the file exists");
            if metadata.is_dir() {
                self.walk(&path, visit);
            }
            visit(path, &metadata);
        }
    }
}

const MAIN: &str = "use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new()).bind((\"127.0.0.1\", 8080))?.run().await
}
";

const CACHE_PHP: &str = "<?php
class Cache
{
    public string $prefix = 'shop_';
}
";

/// Fails with the first path that differs.
fn assert_same(found: &TreeSnapshot, expected: &TreeSnapshot) -> Result<(), TestCaseError> {
    for path in found.keys().chain(expected.keys()) {
        let shown = |tree: &TreeSnapshot| {
            let (contents, mode) = tree.get(path)?;
            let contents = contents
                .as_ref()
                .map(|bytes| String::from_utf8_lossy(bytes));
            Some(format!("{contents:?} {mode:o}"))
        };
        let (found, expected) = (shown(found), shown(expected));
        prop_assert_eq!(found, expected, "{}", path.display());
    }
    Ok(())
}

fn carry_out(change: PlannedChange) -> Result<(), Failure> {
    let result = change.carry_out(&ChangeArgs::default(), Output::new(true));
    result.map(|_| ())
}

fn test_result<T>(result: Result<T, Failure>) -> Result<T, TestCaseError> {
    result.map_err(|failure| TestCaseError::fail(failure.to_string()))
}

fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}
