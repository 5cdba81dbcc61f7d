//! A program that runs during a test.

use std::{
    io::{BufRead, BufReader},
    ops::{Deref, DerefMut},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A process that is killed when this is dropped.
pub struct Running(pub Child);

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of the app in this folder with routes of this kind, and its address. `helper` is the program `test-helper`,
/// whose path only the tests know.
pub fn serve(helper: &str, app: &Path, kind: &str) -> (Running, String) {
    let mut child = Command::new(helper)
        .args(["server", kind])
        .current_dir(app)
        .env("CARGO_MANIFEST_DIR", app)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = output.lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()));
    (Running(child), address.unwrap())
}
