//! A generated app.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{Server, sse, workspace};

/// Every file below a folder, named from there with `/`, and its bytes.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) struct Generated {
    dir: PathBuf,
}

impl Generated {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn name(&self) -> &str {
        self.dir.file_name().unwrap().to_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.dir.join(file)).unwrap()
    }

    /// All files except git's.
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        walk(&self.dir, "", &mut files);
        files
    }

    /// Runs cargo in the app's folder. It uses this workspace's target folder and lock file, so that little
    /// is compiled or downloaded.
    #[track_caller]
    pub(crate) fn cargo(&self, arguments: &[&str]) -> String {
        if !self.dir.join("Cargo.lock").exists() {
            fs::copy(workspace().join("Cargo.lock"), self.dir.join("Cargo.lock")).unwrap();
        }
        let (command, rest) = arguments.split_first().unwrap();
        let mut cargo = support::cargo();
        cargo
            .arg(command)
            .args(rest.iter().take_while(|argument| **argument != "--"))
            .env("CARGO_TARGET_DIR", target())
            .args(rest.iter().skip_while(|argument| **argument != "--"))
            .current_dir(&self.dir);
        for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"] {
            cargo.env_remove(name);
        }
        let output = cargo.output().unwrap();
        assert!(
            output.status.success(),
            "cargo {arguments:?} in {}: {}",
            self.dir.display(),
            super::checkout::printed(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Its manifest, as cargo reads it.
    #[track_caller]
    pub(crate) fn package(&self) -> Value {
        let metadata = self.cargo(&["metadata", "--no-deps", "--offline", "--format-version=1"]);
        let metadata: Value = serde_json::from_str(&metadata).unwrap();
        metadata["packages"][0].clone()
    }

    /// Lints, tests and builds it.
    #[track_caller]
    pub(crate) fn passes_its_tests(&self) {
        self.cargo(&["clippy", "--all-targets", "--", "--deny", "warnings"]);
        let printed = self.cargo(&["test"]);
        assert!(
            printed.contains("a_saved_value_arrives_as_an_event ... ok"),
            "{printed}"
        );
    }

    /// The path of its program.
    pub(crate) fn program(&self) -> PathBuf {
        target().join("debug").join(self.name())
    }

    pub(crate) fn start(&self) -> Server {
        Server::start_program(&self.program(), &self.dir, &[])
    }
}

/// The workspace's target folder.
fn target() -> PathBuf {
    sse().parent().and_then(Path::parent).unwrap().to_owned()
}

fn walk(folder: &Path, prefix: &str, files: &mut Files) {
    for item in fs::read_dir(folder).unwrap() {
        let item = item.unwrap();
        let name = format!("{prefix}{}", item.file_name().to_str().unwrap());
        if name == ".git" {
            continue;
        }
        if item.file_type().unwrap().is_dir() {
            walk(&item.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(item.path()).unwrap());
        }
    }
}
