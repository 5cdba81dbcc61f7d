//! A systemd unit of the documentation.

use std::{fs, path::Path, process::Command};

/// The text of a unit, which may have been changed for a test.
pub struct SystemdUnit(String);

impl SystemdUnit {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value of this key.
    #[track_caller]
    #[must_use]
    pub fn setting(&self, key: &str) -> &str {
        let begin = format!("\n{key}=");
        let (_, rest) = self.0.split_once(&begin).expect(key);
        rest.lines().next().unwrap()
    }

    /// Asks systemd about the unit, and returns what it prints.
    #[track_caller]
    fn analyze(&self, dir: &Path, arguments: &[&str]) -> String {
        let file = dir.join("test.service");
        fs::write(&file, &self.0).unwrap();
        let mut analyze = Command::new("systemd-analyze");
        let output = analyze.args(arguments).arg(&file).output().unwrap();
        let (stdout, stderr) = (output.stdout, String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && stderr.is_empty(), "{stderr}");
        String::from_utf8(stdout).unwrap()
    }

    /// Fails if systemd finds a mistake. `dir` is for the file.
    #[track_caller]
    pub fn verify(&self, dir: &Path) {
        self.analyze(dir, &["verify"]);
    }

    /// How much of the system the unit could reach: from 0 to 10, the worst.
    #[track_caller]
    #[must_use]
    pub fn exposure(&self, dir: &Path) -> f64 {
        let report = self.analyze(dir, &["security", "--offline=true", "--no-pager"]);
        let (_, rest) = report.rsplit_once(": ").unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    }
}
