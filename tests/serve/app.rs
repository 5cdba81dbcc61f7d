//! An app that is not written in Rust: a folder with a `.env`.

use std::{fs, path::Path, process::Output};

use support::{Server, sse_in};
use tempfile::TempDir;

/// With streams that end only with the server.
pub(crate) const ENV: &str =
    "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=2\nSSE_EVENTS=event_name1:event_cache_key1\n";

pub(crate) struct OtherApp(TempDir);

impl OtherApp {
    pub(crate) fn new(env: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".env"), env).unwrap();
        fs::create_dir_all(dir.path().join("writable/cache")).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, contents: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(crate) fn serve(&self, options: &[&str]) -> Server {
        Server::start_serve(self.path(), options)
    }

    /// Runs `sse` in the app's folder.
    pub(crate) fn sse(&self, arguments: &[&str]) -> Output {
        sse_in(self.path()).args(arguments).output().unwrap()
    }
}
