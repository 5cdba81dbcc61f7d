//! A hello-world app without events, and runs of `sse` in it.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use support::Running;
use tempfile::TempDir;

const CARGO_TOML: &str = r#"[package]
name = "sse-hello-world"
version = "0.1.0"
edition = "2024"
publish = false

[dependencies]
actix-web = { version = "4", default-features = false, features = ["macros"] }
"#;

const MAIN_RS: &str = r#"use actix_web::{App, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let server = HttpServer::new(|| {
        App::new().route("/", web::get().to(|| async { "Hello, world!" }))
    })
    .workers(2)
    .bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs()[0]);
    server.run().await
}
"#;

/// Below an app's folder: every file with its bytes, every folder with none.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// The app, in a folder inside a temporary folder.
pub(crate) struct Hello {
    outside: TempDir,
    dir: PathBuf,
}

/// The exit code and output of a run of `sse`.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Hello {
    pub(crate) fn new() -> Self {
        let hello = Self::without_app();
        hello.write("Cargo.toml", CARGO_TOML);
        hello.write("src/main.rs", MAIN_RS);
        hello
    }

    /// An empty folder.
    pub(crate) fn without_app() -> Self {
        let outside = tempfile::tempdir().unwrap();
        // A path with a space and a special character, and canonical, because `sse` prints it so.
        let dir = outside.path().canonicalize().unwrap().join("my wörld");
        fs::create_dir(&dir).unwrap();
        Self { outside, dir }
    }

    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let hello = Self::new();
        for (name, contents) in files {
            hello.write(name, contents);
        }
        hello
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// A folder without an app.
    pub(crate) fn outside(&self) -> &Path {
        self.outside.path()
    }

    pub(crate) fn write(&self, name: &str, contents: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    pub(crate) fn replace(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{name} has no {old:?}: {text}");
        self.write(name, &text.replacen(old, new, 1));
    }

    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(&self.dir, &mut tree);
        tree
    }

    /// Runs `sse` in the app's folder.
    pub(crate) fn sse(&self, arguments: &[&str]) -> Ran {
        sse_in(&self.dir, arguments)
    }

    /// Runs `sse` in the app's folder, expects it to succeed without a warning and without output,
    /// and returns its summary.
    #[track_caller]
    pub(crate) fn sse_succeeds(&self, arguments: &[&str]) -> String {
        let ran = self.sse(arguments);
        assert!(
            ran.code == 0 && !ran.err.contains("warning: ") && ran.out.is_empty(),
            "sse {arguments:?}: {}: {}{}",
            ran.code,
            ran.err,
            ran.out
        );
        ran.err
    }
}

impl Ran {
    pub(crate) fn from_output(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Expects this exit code, and an error with what is wrong and a help.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, what: &str) {
        assert_eq!(self.code, code, "{}", self.err);
        let (error, help) = self.err.split_once("\nhelp: ").expect(&self.err);
        assert!(
            error.starts_with("error: ") && error.contains(what),
            "{what:?}: {error}"
        );
        assert!(
            !help.trim().is_empty() && self.out.is_empty(),
            "{help} {}",
            self.out
        );
    }
}

/// A server of the app in this folder with routes of this kind, and its URL.
pub(crate) fn serve(app: &Path, kind: &str) -> (Running, String) {
    let (server, address) = support::serve(env!("CARGO_BIN_EXE_test-helper"), app, kind);
    (server, format!("http://{address}"))
}

/// `sse` as a shell would start it in this folder, with nothing on standard input.
pub(crate) fn command(dir: &Path) -> Command {
    let mut command = support::sse_in(dir);
    command.stdin(Stdio::null());
    command
}

pub(crate) fn sse_in(dir: &Path, arguments: &[&str]) -> Ran {
    Ran::from_output(&command(dir).args(arguments).output().unwrap())
}

/// Runs `sse` with this input.
pub(crate) fn sse_reads(dir: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = command(dir);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Ran::from_output(&child.wait_with_output().unwrap())
}

fn walk(folder: &Path, tree: &mut Tree) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            walk(&path, tree);
            tree.insert(path, None);
        } else {
            let contents = fs::read(&path).unwrap();
            tree.insert(path, Some(contents));
        }
    }
}
