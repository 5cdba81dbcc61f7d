//! An app in a temporary folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{backend::Backend, build, port::ReservedPort, server::Server};

/// A copy of the starter app's folder, without its code: the tests run the program that is built.
pub struct App {
    dir: TempDir,
    /// The URL of its cache in Redis.
    redis: Option<String>,
}

impl App {
    /// The starter with its own `.env`.
    #[must_use]
    pub fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    /// The starter with streams that never end as planned, for a test that may take longer than the
    /// usual duration on a busy machine.
    #[must_use]
    pub fn with_lasting_streams() -> Self {
        let app = Self::new();
        let path = app.path().join(".env");
        let env = fs::read_to_string(&path).unwrap();
        let lasting = env.replace("SSE_STREAM_DURATION=15", "SSE_STREAM_DURATION=0");
        assert_ne!(lasting, env);
        fs::write(path, lasting).unwrap();
        app
    }

    /// The starter in a memory file system, if that has room: tens of thousands of saves are slow on
    /// many disks, and their tests do not test disks.
    #[must_use]
    pub fn in_memory() -> Self {
        // More than all entries that a test saves.
        const REQUIRED_BYTES: u64 = 1 << 30;
        let memory = Path::new("/dev/shm");
        let has_room = rustix::fs::statvfs(memory)
            .is_ok_and(|found| found.f_bavail * found.f_frsize >= REQUIRED_BYTES);
        if has_room {
            Self::in_folder(tempfile::tempdir_in(memory).unwrap())
        } else {
            Self::new()
        }
    }

    fn in_folder(dir: TempDir) -> Self {
        let template = build::workspace().join("template");
        copy(&template.join("public"), &dir.path().join("public"));
        fs::copy(template.join(".env"), dir.path().join(".env")).unwrap();
        Self { dir, redis: None }
    }

    /// The starter with another `.env`.
    #[must_use]
    pub fn with_env(env: &str) -> Self {
        let app = Self::new();
        fs::write(app.path().join(".env"), env).unwrap();
        app
    }

    /// The same app, with an empty cache in this backend.
    #[must_use]
    pub fn on(self, backend: Backend) -> Self {
        match backend.redis_url() {
            None => self,
            Some(url) => {
                // The server creates it a little later than it listens.
                fs::create_dir_all(self.cache()).unwrap();
                self.in_redis(url)
            }
        }
    }

    /// The same app, with its cache in Redis.
    #[must_use]
    pub fn in_redis(mut self, url: String) -> Self {
        let path = self.path().join(".env");
        let env = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{env}SSE_CACHE={url}\n")).unwrap();
        self.redis = Some(url);
        self
    }

    /// The URL of its cache in Redis; `None` if that is in a folder.
    #[must_use]
    pub fn redis(&self) -> Option<&str> {
        self.redis.as_deref()
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The cache folder, or the drop-in folder if the cache is in Redis.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.path().join("writable/cache")
    }

    /// Starts its server on a free port.
    #[must_use]
    pub fn start(&self) -> Server {
        Server::start(self.path(), &[])
    }

    /// Starts its server on this port, where it can start again: nothing else takes the port meanwhile.
    #[must_use]
    pub fn start_on(&self, port: &ReservedPort) -> Server {
        Server::start(self.path(), &[("PORT", &port.number().to_string())])
    }

    /// Starts its server with HTTPS and a certificate for this machine, which is created at the first start.
    #[cfg(feature = "tools")]
    #[must_use]
    pub fn start_with_tls(&self, environment: &[(&str, &str)]) -> Server {
        if !self.path().join("cert.pem").exists() {
            self.write_certificate("cert.pem", "key.pem");
        }
        let settings = [("TLS_CERT", "cert.pem"), ("TLS_KEY", "key.pem")];
        Server::start(self.path(), &[&settings[..], environment].concat())
    }

    /// Writes a new certificate for this machine, and its key.
    #[cfg(feature = "tools")]
    pub fn write_certificate(&self, cert: &str, key: &str) {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let created = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(self.path().join(cert), created.cert.pem()).unwrap();
        fs::write(self.path().join(key), created.signing_key.serialize_pem()).unwrap();
    }

    /// The `sse` command in this app's folder.
    #[must_use]
    pub fn sse(&self) -> Command {
        sse_in(self.path())
    }

    /// Runs `sse` and expects it to succeed.
    #[track_caller]
    pub fn run_sse(&self, arguments: &[&str]) -> Output {
        let output = self.sse().args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "sse {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// `sse save KEY VALUE`.
    #[track_caller]
    pub fn save(&self, key: &str, value: &str) {
        self.run_sse(&["save", "--quiet", key, value]);
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// `sse` as a shell starts it in this folder.
#[must_use]
pub fn sse_in(dir: &Path) -> Command {
    let mut command = Command::new(build::sse());
    command.current_dir(dir);
    outside_cargo(&mut command);
    command
}

/// Removes cargo's and our environment variables, which users do not have.
pub(crate) fn outside_cargo(command: &mut Command) {
    command.env_remove("CARGO_MANIFEST_DIR");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SSE_") {
            command.env_remove(name);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}
