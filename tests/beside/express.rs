//! An app with Express.

use std::{
    fs::{self, File},
    net::TcpStream,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use support::{Running, until, workspace};

use crate::app::{App, INSTALL_OPTIONS, Language, Settings, read_source, write_file};

pub(crate) const EXPRESS: App = App {
    write,
    language: Language::JavaScript,
    command: None,
    sessions: None,
    install_options: INSTALL_OPTIONS,
};

fn write(dir: &Path, settings: &Settings) {
    let routes = settings.block("Express", "js", "app.get('/sse/auth'");
    let function = settings.block("Express", "js", "async function sse(");
    let app = read_source("express/app.mjs")
        .replace("// The guide's function.\n", &function)
        .replace("// The guide's routes.\n", &routes);
    write_file(&dir.join("app.mjs"), &app);
    let modules = workspace().join("tests/beside/express/node_modules");
    assert!(
        modules.is_dir(),
        "Express is missing\nhelp: run `tests/setup`"
    );
    symlink(modules, dir.join("node_modules")).unwrap();
}

/// A program in JavaScript. It ends when this is dropped.
pub(crate) struct Node {
    _process: Running,
    address: String,
    log: PathBuf,
}

impl Node {
    pub(crate) fn start(dir: &Path, port: u16) -> Self {
        let log = dir.join("node.log");
        let process = Command::new("node")
            .args(["app.mjs", &port.to_string()])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("node is missing: run `tests/setup`");
        let mut process = Running(process);
        let address = format!("127.0.0.1:{port}");
        until("the app listens", || {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(&log).unwrap());
            TcpStream::connect(&address).ok()
        });
        Self {
            _process: process,
            address,
            log,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}
