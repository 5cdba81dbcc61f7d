//! The writers: processes that save, and record the saves that have returned. Some servers save, too.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use support::oracle::{At, CACHE, WriterSetup};

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
    /// It has failed, and may have been saved all the same.
    Failure,
}

/// The saves of one writer.
pub(crate) struct SaveRecord {
    pub(crate) writer: u64,
    pub(crate) is_in_server: bool,
    /// To which the writer appends.
    path: PathBuf,
}

impl SaveRecord {
    pub(crate) fn new(writer: &WriterSetup, is_in_server: bool) -> Self {
        Self {
            writer: writer.name,
            is_in_server,
            path: writer.saved.clone(),
        }
    }

    pub(crate) fn saved(&self) -> Vec<Saved> {
        // A writer that was killed at once has not created the file.
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().map(parse).collect()
    }
}

/// One writer process.
pub(crate) struct Writer {
    pub(crate) name: u64,
    pub(crate) process: Process,
    pub(crate) log: PathBuf,
}

impl Writer {
    pub(crate) fn start(
        setup: &WriterSetup,
        (app, cache): (&Path, Option<&str>),
        clock: &Clock,
    ) -> Self {
        let name = setup.name;
        let log = app.join(format!("writer-{name}.log"));
        let child = process::command("oracle-writer", clock)
            .env("ORACLE_APP", app)
            .envs(cache.map(|cache| (CACHE, cache)))
            .env("ORACLE_WRITER", serde_json::to_string(setup).unwrap())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            name,
            process: Process::new(child),
            log,
        }
    }

    /// Closes its input, which ends it.
    pub(crate) fn finish(&mut self) {
        self.process.child().stdin.take();
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
            "failed" => {
                next();
                What::Failure
            }
            _ => What::Revocation(next().parse().unwrap()),
        },
        began: At::from_micros(number(next())),
        returned: At::from_micros(number(next())),
    }
}
