//! Terminals, closed streams and redirected output.

#[cfg(feature = "tools")]
use std::{
    ffi::OsStr,
    io::{Read, Write},
    path::Path,
};
use std::{fs, process::Stdio, time::SystemTime};

use serde_json::Value;

use super::snapshot;
use crate::hello::{Hello, Ran, command};

/// Without a terminal the answer is no, and the owner's file is kept.
#[test]
fn without_a_terminal_the_answer_is_no() {
    let hello = Hello::with(&[("public/js/sse.js", "// edited\n")]);
    let before = snapshot(hello.path());
    hello.sse(&["install"]).fails(3, "was modified");
    assert_eq!(snapshot(hello.path()), before);
    {
        let closed = |streams: &str| {
            let mut shell = std::process::Command::new("sh");
            let line = format!("exec \"$0\" install {streams}");
            let shell = shell.arg("-c").arg(line).arg(support::sse());
            shell
                .current_dir(hello.path())
                .env_remove("CARGO_MANIFEST_DIR");
            Ran::from_output(&shell.output().unwrap())
        };
        closed("<&-").fails(3, "was modified");
        assert_eq!(closed("<&- >&- 2>&-").code, 3);
        assert_eq!(snapshot(hello.path()), before);
    }
    assert_eq!(hello.sse(&["install", "--yes"]).code, 0);
}

#[cfg(feature = "tools")]
#[test]
fn a_terminal_prompts_and_the_default_answer_is_no() {
    for (answer, code) in [("\n", 3), ("n\n", 3), ("y\n", 0)] {
        let hello = Hello::with(&[("public/js/sse.js", "// edited\n")]);
        let before = snapshot(hello.path());
        let (ended, shown) = on_terminal(&hello, &["install"], answer);
        assert_eq!(ended, code, "{answer:?}: {shown}");
        let question = "public/js/sse.js was modified. Replace it? [y/N] ";
        assert!(shown.contains(question), "{shown}");
        assert_eq!(snapshot(hello.path()) == before, code == 3, "{answer:?}");
    }
}

/// Runs `sse` on a terminal, and answers its prompt.
#[cfg(feature = "tools")]
fn on_terminal(hello: &Hello, arguments: &[&str], answer: &str) -> (i32, String) {
    Terminal::start(hello, arguments).answer(answer)
}

/// A program on its own terminal, through util-linux's `script`.
#[cfg(feature = "tools")]
pub(crate) struct Terminal {
    script: support::Running,
    shown: String,
}

#[cfg(feature = "tools")]
impl Terminal {
    pub(super) fn start(hello: &Hello, arguments: &[&str]) -> Self {
        let line = format!("{} {}", support::sse().display(), arguments.join(" "));
        Self::run(hello.path(), &line, &[])
    }

    /// Runs a command line in a folder, with these variables.
    pub(crate) fn run(dir: &Path, line: &str, variables: &[(&str, &OsStr)]) -> Self {
        let script = std::process::Command::new("script")
            .args(["--quiet", "--flush", "--return", "--echo", "never"])
            .args(["--command", line, "/dev/null"])
            .current_dir(dir)
            .envs(variables.iter().copied())
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script is missing");
        Self {
            script: support::Running(script),
            shown: String::new(),
        }
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        let screen = self.script.stdout.as_mut().unwrap();
        let mut byte = [0];
        while !self.shown.contains(text) {
            let count = screen.read(&mut byte).unwrap();
            assert_eq!(count, 1, "it ended: {}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
    }

    /// Types keys; the program goes on.
    pub(crate) fn press(&mut self, keys: &str) {
        let keyboard = self.script.stdin.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Types the answer, and returns the exit code and everything that was shown.
    pub(crate) fn answer(mut self, keys: &str) -> (i32, String) {
        let mut keyboard = self.script.stdin.take().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        drop(keyboard);
        let mut remaining = Vec::new();
        let mut screen = self.script.stdout.take().unwrap();
        screen.read_to_end(&mut remaining).unwrap();
        let status = self.script.wait().unwrap();
        self.shown.push_str(&String::from_utf8_lossy(&remaining));
        (status.code().unwrap(), self.shown.clone())
    }
}

#[cfg(feature = "tools")]
#[test]
fn a_terminal_gets_colors_unless_disabled() {
    let hello = Hello::new();
    let (code, shown) = on_terminal(&hello, &["install", "--dry-run"], "");
    assert_eq!(code, 0);
    assert!(shown.contains("\u{1b}["), "{shown}");
    let (_, shown) = on_terminal(&hello, &["install", "--dry-run", "--color", "never"], "");
    assert!(!shown.contains("\u{1b}["), "{shown}");
}

#[test]
fn only_terminals_get_colors_by_default() {
    let hello = Hello::new();
    let ran = hello.sse(&["install", "--dry-run"]);
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
    let ran = hello.sse(&["install", "--dry-run", "--color", "always"]);
    assert!(ran.err.contains('\u{1b}'), "{}", ran.err);
    let output = command(hello.path())
        .args(["install", "--dry-run"])
        .env("NO_COLOR", "1")
        .output();
    assert!(!Ran::from_output(&output.unwrap()).err.contains('\u{1b}'));
}

/// The work is done although the output is closed.
#[test]
fn a_broken_pipe_does_not_stop_the_work() {
    let hello = Hello::new();
    let mut child = command(hello.path())
        .arg("install")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().unwrap().success());
    assert_eq!(hello.sse(&["status"]).code, 0);
    let mut child = command(hello.path())
        .args(["status", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn warnings_do_not_mix_with_json_output() {
    let hello = Hello::with(&[(".env", "SSE_EVENTS=broken\n")]);
    hello.sse(&["install"]);
    let ran = hello.sse(&["status", "--json"]);
    let status: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(status["state"], "installed");
    assert!(ran.err.contains("warning: "), "{}", ran.err);
}

#[test]
fn dry_run_changes_no_modification_time() {
    // The file of a killed run, which the next run removes if it changes anything.
    let left = ".sse-abcdef.tmp";
    let hello = Hello::with(&[(".env", "A=1\n"), (left, "A=1\n")]);
    let before = (snapshot(hello.path()), times(&hello));
    for command in ["install", "uninstall"] {
        for flag in ["--dry-run", "--diff"] {
            assert_eq!(hello.sse(&[command, flag]).code, 0);
        }
    }
    assert_eq!((snapshot(hello.path()), times(&hello)), before);
    hello.sse_succeeds(&["install"]);
    assert!(!hello.has(left));
}

fn times(hello: &Hello) -> Vec<SystemTime> {
    let mut times = vec![fs::metadata(hello.path()).unwrap().modified().unwrap()];
    let files = snapshot(hello.path()).into_keys();
    times.extend(files.map(|path| fs::symlink_metadata(path).unwrap().modified().unwrap()));
    times
}
