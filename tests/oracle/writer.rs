//! The writers: processes that save, and record the saves that have returned.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use support::oracle::{At, Traffic, WriterRole};

use crate::{
    audiences::Audience,
    clock::Clock,
    process::{self, Process},
};

/// A save or revocation that has returned to its writer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saved {
    pub(crate) number: u64,
    pub(crate) what: What,
    pub(crate) began: At,
    pub(crate) returned: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The writer counts its saves from 0.
    Save(u64),
    Revocation(Audience),
}

/// One writer process.
pub(crate) struct Writer {
    pub(crate) name: u64,
    pub(crate) process: Process,
    /// The file in which it records its saves.
    saved: PathBuf,
    pub(crate) log: PathBuf,
}

impl Writer {
    pub(crate) fn start(
        name: u64,
        seed: u64,
        (role, traffic): (WriterRole, &Traffic),
        app: &Path,
        clock: &Clock,
    ) -> Self {
        let saved = app.join(format!("saved-{name}"));
        let log = app.join(format!("writer-{name}.log"));
        let child = process::command("oracle-writer", clock)
            .env("ORACLE_APP", app)
            .env("ORACLE_WRITER", name.to_string())
            .env("ORACLE_SEED", (seed ^ (name << 32)).to_string())
            .env("ORACLE_SAVED", &saved)
            .env("ORACLE_ROLE", serde_json::to_string(&role).unwrap())
            .env("ORACLE_TRAFFIC", serde_json::to_string(traffic).unwrap())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            name,
            process: Process::new(child),
            saved,
            log,
        }
    }

    /// Closes its input, which ends it.
    pub(crate) fn finish(&mut self) {
        self.process.child().stdin.take();
    }

    pub(crate) fn saved(&self) -> Vec<Saved> {
        // A writer that was killed at once has not created the file.
        let text = fs::read_to_string(&self.saved).unwrap_or_default();
        text.lines().map(parse).collect()
    }
}

fn parse(line: &str) -> Saved {
    let mut words = line.split(' ');
    let mut next = || words.next().unwrap();
    let number = |word: &str| word.parse().unwrap();
    Saved {
        number: number(next()),
        what: match next() {
            "saved" => What::Save(number(next())),
            _ => What::Revocation(next().parse().unwrap()),
        },
        began: At::from_micros(number(next())),
        returned: At::from_micros(number(next())),
    }
}
