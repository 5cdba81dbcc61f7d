//! A fresh clone of this repository, as a newcomer has it, with all that is not committed yet.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use support::workspace;

use super::generated::Generated;

/// The folder that has the clone, called `actix-web-sse`, and the apps that are generated.
///
/// It is outside of the workspace, as apps are, and the same in every run: cargo knows what it has
/// compiled by its path, and so compiles the library anew only when it has changed.
pub(crate) struct Checkout {
    parent: PathBuf,
    _for_one_run_at_a_time: File,
}

/// The same for all tests.
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
            _for_one_run_at_a_time: lock,
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

    /// `cargo generate` as a script runs it, in the clone, into this folder.
    pub(crate) fn try_generate(&self, destination: &Path, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .arg("generate")
            .args(arguments)
            .args(["--no-workspace", "--destination"])
            .arg(destination);
        self.run(&mut cargo)
    }

    /// The same, from the clone's folder, with these values and without a question.
    #[track_caller]
    pub(crate) fn generate(&self, destination: &Path, name: &str, values: &[&str]) -> Generated {
        let mut arguments = vec!["--path", ".", "template", "--silent", "--name", name];
        for value in values {
            arguments.extend(["-d", value]);
        }
        let output = self.try_generate(destination, &arguments);
        assert!(output.status.success(), "{}", said(&output));
        Generated::new(destination.join(name))
    }

    /// A line of a document, typed into a shell in the clone.
    #[track_caller]
    pub(crate) fn types(&self, line: &str) {
        let output = self.run(Command::new("bash").args(["-c", line]));
        assert!(output.status.success(), "{line}: {}", said(&output));
    }

    fn run(&self, command: &mut Command) -> Output {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_GENERATE_") {
                command.env_remove(name);
            }
        }
        let output = command
            .current_dir(self.path())
            // It asks who the author is, which machines that only test do not know.
            .env("CARGO_NAME", "tests")
            .output()
            .unwrap();
        assert!(
            !said(&output).contains("no such command: `generate`"),
            "cargo-generate is missing: `tests/run` installs it"
        );
        output
    }

    /// What git has to say about the clone.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// Makes it what the workspace is now. What has not changed is not touched.
    fn update(&self) {
        let clone = self.path();
        if !clone.join(".git").exists() {
            fs::create_dir_all(&clone).unwrap();
            self.git(&["init", "--quiet", "--initial-branch", "main"]);
        }
        // What a run that failed has left.
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
            // What git lists may have been deleted.
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
        .expect("git is missing: install the packages that `tests/run` names");
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// All that a program has said.
pub(crate) fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}
