//! The data of a Redis server at a moment.

use std::{fs, path::Path};

/// What a server with an append-only file loads at its start.
const MANIFEST: &str = "file appendonly.aof.1.base.rdb seq 1 type b\n\
                        file appendonly.aof.1.incr.aof seq 1 type i\n";

/// A copy of the data of a server, as an administrator restores it from a backup.
#[derive(Debug, Clone)]
pub struct Snapshot(Vec<u8>);

impl Snapshot {
    /// Reads the file that `SAVE` has just written in a server's folder.
    pub(super) fn read(dir: &Path) -> Self {
        Self(fs::read(dir.join("dump.rdb")).unwrap())
    }

    /// Writes it where a server loads it: in `dump.rdb`, and as the base of an append-only file.
    pub(super) fn write(&self, dir: &Path) {
        fs::write(dir.join("dump.rdb"), &self.0).unwrap();
        let append_only = dir.join("appendonlydir");
        fs::create_dir_all(&append_only).unwrap();
        for (name, content) in [
            ("appendonly.aof.1.base.rdb", &self.0[..]),
            ("appendonly.aof.1.incr.aof", b""),
            ("appendonly.aof.manifest", MANIFEST.as_bytes()),
        ] {
            fs::write(append_only.join(name), content).unwrap();
        }
    }
}
