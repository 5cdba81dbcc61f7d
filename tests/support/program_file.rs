//! Programs that a test puts somewhere and starts there.
//!
//! A program cannot run (`ETXTBSY`) while any process has its file open for writing. If the test's own process wrote the
//! file, a child that another test starts at that moment would inherit the open file and keep it from its `fork` to its
//! `exec`. So another process writes these files.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Copies a program. All users may run the copy.
pub fn copy_program(from: &Path, to: &Path) {
    install(from, to, "");
}

/// Writes a script that all users may run.
pub fn write_script(path: &Path, script: &str) {
    install(Path::new("/dev/stdin"), path, script);
}

#[track_caller]
fn install(from: &Path, to: &Path, input: &str) {
    let mut install = Command::new("install")
        .args(["-m", "755"])
        .args([from, to])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = install.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    assert!(install.wait().unwrap().success(), "{}", to.display());
}
