//! The apps of the guides: their pages show the code that is run here, and each runs as a program of its own.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

use actix_web_sse::{Cache, Config};
use support::{ReservedPort, Running, blocks_of_document, http, until, workspace};
use tempfile::TempDir;

mod orders;
mod single_users;
mod testing;
mod tokens;

/// The running app of a guide.
struct GuideApp {
    cache: Cache,
    address: String,
    _running: Running,
    _port: ReservedPort,
    _folder: TempDir,
}

impl GuideApp {
    fn start(name: &str, events: &str, environment: &[(&str, &str)]) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), ReservedPort::new());
        let env = format!("SSE_EVENTS=\"{events}\"\nSSE_STREAM_DURATION=0\n");
        fs::write(folder.path().join(".env"), env).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_test-helper"));
        command.args(["guide", name]).current_dir(folder.path());
        command
            .env_remove("CARGO_MANIFEST_DIR")
            .env("PORT", port.number().to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        let running = Running(command.spawn().unwrap());
        let address = port.address();
        until("the app listens", || TcpStream::connect(&address).ok());
        Self {
            cache: Cache::open(&Config::from_dir(folder.path()).unwrap()).unwrap(),
            address,
            _running: running,
            _port: port,
            _folder: folder,
        }
    }

    #[track_caller]
    fn post(&self, path: &str, cookie: &str, form: &str) -> http::Response {
        let form_type = "application/x-www-form-urlencoded";
        let headers = [("Cookie", cookie), ("Content-Type", form_type)];
        http::request(&self.address, &format!("POST {path}"), &headers, form)
    }
}

/// Expects that the guide shows this code, the blocks below these headings together.
#[track_caller]
fn assert_shows(guide: &str, headings: &[&str], code: &str) {
    let blocks = headings
        .iter()
        .flat_map(|heading| blocks_of_document(guide, heading, "rust"));
    let shown = blocks.collect::<Vec<_>>().join("\n");
    assert_eq!(shown, code.replace("port()", "8080"));
}

/// The settings that the guide shows first.
fn events_of(guide: &str) -> String {
    let text = fs::read_to_string(workspace().join("docs").join(Path::new(guide))).unwrap();
    let (_, rest) = text.split_once("\nSSE_EVENTS=\"").unwrap();
    let (events, _) = rest.split_once('"').unwrap();
    events.to_owned()
}
