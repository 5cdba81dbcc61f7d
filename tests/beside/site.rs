//! An app behind nginx, with `sse serve` beside it.

use std::{
    fmt::Write,
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;
use support::{ReservedPort, ReverseProxy, Server, block_of_document, sse, sse_in};
use tempfile::TempDir;

use crate::app::{App, Processes, Settings, write_file};

/// Users that do not exist. As docs/guides/other-programs.md describes it, the server's user belongs to PHP's group.
const SERVER_USER: u32 = 12_345;
pub(crate) const PHP_USER: u32 = 12_346;

const SERVE_GUIDE: &str = "guides/beside-another-app.md";

/// Clients name their addresses in this header, so that they are not all on this machine.
pub(crate) const ADDRESS_HEADER: &str = "Test-Address";
const CLIENT_ADDRESS: &str = "set_real_ip_from 127.0.0.1; real_ip_header Test-Address;";

#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) events: &'static str,
    /// What the app's cache puts in front of each key in the names of its files.
    pub(crate) prefix: &'static str,
    /// The server asks the app about each client.
    pub(crate) is_private: bool,
    /// `sse install` is run for the app. Without `events`, it chooses them.
    pub(crate) is_installed: bool,
}

pub(crate) struct Site {
    pub(crate) app: &'static App,
    pub(crate) processes: Processes,
    pub(crate) nginx: ReverseProxy,
    pub(crate) server: Server,
    dir: TempDir,
    _ports: [ReservedPort; 2],
}

impl Site {
    /// Starts everything. The app and the server run as different users, if this process may do that.
    pub(crate) fn start(app: &'static App, options: &Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let [server_port, app_port] = [(); 2].map(|()| ReservedPort::new());
        let token_file = path.join("token");
        write_file(&path.join(".env"), &env(options, &app_port, &token_file));
        fs::create_dir_all(path.join("writable/cache")).unwrap();
        fs::create_dir_all(path.join("public/js")).unwrap();
        let mut started = None;
        let nginx = ReverseProxy::nginx_with(path, "events {}", |port| {
            let settings = Settings {
                url: format!("http://127.0.0.1:{port}/"),
                prefix: options.prefix,
                server: server_port.address(),
                token_file: token_file.clone(),
            };
            (app.write)(path, &settings);
            let location = match options.is_installed {
                true => install(app, path),
                false => block_of_document(SERVE_GUIDE, "Behind the app's web server", "nginx"),
            };
            write_token(&token_file);
            share_folders(path);
            let processes = Processes::start(app.language, path, app_port.number());
            let server = start_server(path, &server_port);
            let config = format!(
                "server {{ listen 127.0.0.1:{port}; {CLIENT_ADDRESS} {} {} }} {}",
                processes.nginx_lines(path),
                location.replace("127.0.0.1:8090", server.address()),
                processes.nginx_server(path, &app_port.address()),
            );
            started = Some((processes, server));
            config
        });
        let (processes, server) = started.unwrap();
        Self {
            app,
            processes,
            nginx,
            server,
            dir,
            _ports: [server_port, app_port],
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The app's command line, as the app's user.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("php");
        command
            .arg(self.app.command.unwrap())
            .args(arguments)
            .current_dir(self.path());
        if geteuid().is_root() {
            command.uid(PHP_USER).gid(PHP_USER);
        }
        command
    }

    /// What the app and the server have logged.
    pub(crate) fn logs(&self) -> String {
        format!("{}{}", self.server.log(), self.processes.log())
    }

    /// The files of the app's sessions, with their contents and the times at which they were written.
    pub(crate) fn sessions(&self) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
        let Some(folder) = self.app.sessions else {
            return Vec::new();
        };
        let files = fs::read_dir(self.path().join(folder)).unwrap();
        let mut files: Vec<_> = files
            .map(|file| {
                let path = file.unwrap().path();
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                (path.clone(), fs::read(path).unwrap(), modified)
            })
            .collect();
        files.sort();
        files
    }
}

fn env(options: &Options, app_port: &ReservedPort, token_file: &Path) -> String {
    let mut env = String::new();
    if !options.events.is_empty() {
        writeln!(env, "SSE_STREAM_DURATION=0\nSSE_EVENTS={}", options.events).unwrap();
    }
    if !options.prefix.is_empty() {
        writeln!(env, "SSE_DROP_IN_PREFIX={}", options.prefix).unwrap();
    }
    if options.is_private {
        let address = app_port.address();
        writeln!(env, "SSE_AUTH_URL=http://{address}/sse/auth").unwrap();
        writeln!(env, "SSE_SAVE_TOKEN_FILE={}", token_file.display()).unwrap();
    }
    env
}

/// A token that the server and the app may read.
fn write_token(path: &Path) {
    write_file(path, &format!("{}\n", "secret42".repeat(5)));
    fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
    if geteuid().is_root() {
        chown(path, Some(0), Some(PHP_USER)).unwrap();
    }
}

/// As docs/guides/other-programs.md describes it: the folder of the cache belongs to the server's user and PHP's group, and
/// new files in it belong to that group, too.
fn share_folders(dir: &Path) {
    fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
    if !geteuid().is_root() {
        return;
    }
    let chowned = Command::new("chown")
        .args(["-R", &format!("{PHP_USER}:{PHP_USER}"), "writable"])
        .current_dir(dir)
        .status();
    assert!(chowned.unwrap().success());
    let cache = dir.join("writable/cache");
    chown(&cache, Some(SERVER_USER), Some(PHP_USER)).unwrap();
    fs::set_permissions(&cache, Permissions::from_mode(0o2770)).unwrap();
}

fn start_server(dir: &Path, port: &ReservedPort) -> Server {
    let mut command = if geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command
            .args([
                format!("--reuid={SERVER_USER}"),
                format!("--regid={SERVER_USER}"),
                format!("--groups={PHP_USER}"),
            ])
            .arg(sse());
        command
    } else {
        Command::new(sse())
    };
    command.args(["serve", "--listen", &port.address()]);
    Server::start_command(command, dir, &[])
}

/// Runs `sse install`, and returns the lines for nginx that it prints.
fn install(app: &App, dir: &Path) -> String {
    let output = sse_in(dir)
        .args(["install", "--yes"])
        .args(app.install_options)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    let start = text.find("location /sse/ {").expect(&text);
    let end = text[start..].find('}').expect(&text);
    text[start..=start + end].to_owned()
}
