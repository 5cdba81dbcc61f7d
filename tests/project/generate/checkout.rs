//! A fresh clone of this repository, with all changes that are not committed yet.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use support::workspace;

use super::generated::Generated;

/// The folder with the clone, called `actix-web-sse`, and the generated apps.
///
/// It is outside the workspace, like users' apps, and the same in every run: cargo identifies compiled
/// packages by their path, so it compiles the library again only when it has changed.
pub(crate) struct Checkout {
    parent: PathBuf,
    /// Locked while this exists, so that one run at a time uses the folder.
    _lock: File,
}

/// The checkout that all tests share.
pub(crate) fn checkout() -> &'static Checkout {
    static CHECKOUT: OnceLock<Checkout> = OnceLock::new();
    CHECKOUT.get_or_init(Checkout::new)
}

impl Checkout {
    fn new() -> Self {
        let mut hasher = DefaultHasher::new();
        workspace().hash(&mut hasher);
        let temporary = std::env::temp_dir().canonicalize().unwrap();
        let parent = temporary.join(format!("sse-generate-{:016x}", hasher.finish()));
        fs::create_dir_all(&parent).unwrap();
        let lock = File::create(parent.join(".lock")).unwrap();
        lock.lock().unwrap();
        let checkout = Self {
            parent,
            _lock: lock,
        };
        checkout.update();
        checkout
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.parent.join("actix-web-sse")
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// An empty folder to generate into, beside the clone.
    pub(crate) fn destination(&self, name: &str) -> PathBuf {
        let folder = self.parent.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// Runs `cargo generate` in the clone, as a script does, into this folder.
    pub(crate) fn try_generate(&self, destination: &Path, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .arg("generate")
            .args(arguments)
            .args(["--no-workspace", "--destination"])
            .arg(destination);
        self.run(&mut cargo)
    }

    /// Generates an app from the clone's folder, with these values and without prompts.
    #[track_caller]
    pub(crate) fn generate(&self, destination: &Path, name: &str, values: &[&str]) -> Generated {
        let mut arguments = vec!["--path", ".", "template", "--silent", "--name", name];
        for value in values {
            arguments.extend(["-d", value]);
        }
        let output = self.try_generate(destination, &arguments);
        assert!(output.status.success(), "{}", printed(&output));
        Generated::new(destination.join(name))
    }

    /// Runs a line of a document in a shell, in the clone.
    #[track_caller]
    pub(crate) fn run_line(&self, line: &str) {
        let output = self.run(Command::new("bash").args(["-c", line]));
        assert!(output.status.success(), "{line}: {}", printed(&output));
    }

    fn run(&self, command: &mut Command) -> Output {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_GENERATE_") {
                command.env_remove(name);
            }
        }
        let output = command
            .current_dir(self.path())
            // Otherwise it needs an author, which test machines do not have.
            .env("CARGO_NAME", "tests")
            .output()
            .unwrap();
        assert!(
            !printed(&output).contains("no such command: `generate`"),
            "cargo-generate is missing: run `tests/setup`"
        );
        output
    }

    /// Runs git in the clone, and returns its output.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// Updates the clone to the state of the workspace. Unchanged files are not touched.
    fn update(&self) {
        let clone = self.path();
        if !clone.join(".git").exists() {
            fs::create_dir_all(&clone).unwrap();
            self.git(&["init", "--quiet", "--initial-branch", "main"]);
        }
        // Removes the leftovers of a failed run.
        self.git(&["clean", "-ffdxq"]);
        let listed = [
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        let files = git(workspace(), &listed);
        let files = || files.split_terminator('\0');
        for old in git(&clone, &listed).split_terminator('\0') {
            if !files().any(|file| file == old) {
                let _ = fs::remove_file(clone.join(old));
            }
        }
        for file in files() {
            let (from, to) = (workspace().join(file), clone.join(file));
            // A listed file may have been deleted.
            let Ok(new) = fs::read(&from) else {
                let _ = fs::remove_file(to);
                continue;
            };
            if fs::read(&to).ok().as_ref() != Some(&new) {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(from, to).unwrap();
            }
        }
        self.git(&["add", "--all"]);
        if !self.git(&["status", "--porcelain"]).is_empty() {
            self.git(&["commit", "--quiet", "--message", "As it is now"]);
        }
    }
}

#[track_caller]
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=tests", "-c", "user.email=tests@localhost"])
        .args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git is missing: run `tests/setup`");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        printed(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that a program has printed.
pub(crate) fn printed(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}
