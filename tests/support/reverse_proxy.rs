//! nginx, HAProxy, Caddy and Apache, as their users configure them.

use std::{
    fs,
    io::ErrorKind::ConnectionRefused,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{http, port::ReservedPort, program::find_program, wait::until};

/// A running proxy. It ends when this is dropped.
pub struct ReverseProxy {
    process: Child,
    address: String,
    _port: ReservedPort,
}

impl ReverseProxy {
    /// `configure` returns the contents of nginx's `server` block for the given port.
    #[must_use]
    pub fn nginx(dir: &Path, configure: impl FnOnce(u16) -> String) -> Self {
        Self::nginx_with(dir, "events {}", |port| {
            format!("server {{ {} }}", configure(port))
        })
    }

    /// nginx with these lines outside of `http`. `configure` returns the contents of `http` for the given port.
    #[must_use]
    pub fn nginx_with(dir: &Path, lines: &str, configure: impl FnOnce(u16) -> String) -> Self {
        Self::start(|port| {
            let config = format!(
                "daemon off; master_process off; pid nginx.pid; error_log stderr;
                {lines}
                http {{
                    access_log off;
                    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                    {}
                }}",
                configure(port)
            );
            fs::write(dir.join("nginx.conf"), config).unwrap();
            let mut command = Command::new(find_program("nginx"));
            command
                .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
                .arg(dir);
            command
        })
    }

    /// HAProxy in front of a server, with these lines in `defaults`.
    #[must_use]
    pub fn haproxy(dir: &Path, server: &str, lines: &str) -> Self {
        Self::haproxy_with(dir, |port| {
            format!(
                "defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n\
                 {lines}\n\
                 frontend all\n bind 127.0.0.1:{port}\n default_backend app\n\
                 backend app\n server one {server}\n"
            )
        })
    }

    /// HAProxy with the configuration that `configure` returns for the given port.
    #[must_use]
    pub fn haproxy_with(dir: &Path, configure: impl FnOnce(u16) -> String) -> Self {
        Self::start(|port| {
            let path = dir.join("haproxy.cfg");
            fs::write(&path, configure(port)).unwrap();
            let mut command = Command::new(find_program("haproxy"));
            command.arg("-db").arg("-f").arg(path);
            command
        })
    }

    /// Apache in front of a server, with these lines.
    #[must_use]
    pub fn apache(dir: &Path, server: &str, lines: &str) -> Self {
        let modules = ["proxy", "proxy_http", "filter", "deflate", "headers"];
        Self::apache_with(dir, &modules, |port| {
            format!("Listen 127.0.0.1:{port}\nProxyPass / http://{server}/\n{lines}\n")
        })
    }

    /// Apache with these modules and the configuration that `configure` returns for the given port.
    #[must_use]
    pub fn apache_with(
        dir: &Path,
        modules: &[&str],
        configure: impl FnOnce(u16) -> String,
    ) -> Self {
        let apache = find_program("apache2");
        let folder = modules_folder(&apache);
        let modules: String = ["mpm_event", "authz_core"]
            .iter()
            .chain(modules)
            .map(|name| {
                format!(
                    "LoadModule {name}_module {}/mod_{name}.so\n",
                    folder.display()
                )
            })
            .collect();
        Self::start(|port| {
            let config = format!(
                "{modules}ServerRoot {dir}\nServerName localhost\nPidFile apache.pid\n\
                 ErrorLog apache.log\nDefaultRuntimeDir {dir}\nMutex file:{dir}\n{}",
                configure(port),
                dir = dir.display(),
            );
            let path = dir.join("apache.conf");
            fs::write(&path, config).unwrap();
            let mut command = Command::new(&apache);
            // One process, so that killing it leaves none behind.
            command.arg("-X").arg("-f").arg(path);
            command
        })
    }

    /// Caddy with the configuration that `configure` returns for the given port.
    #[must_use]
    pub fn caddy_with(dir: &Path, configure: impl FnOnce(u16) -> String) -> Self {
        Self::start(|port| {
            let path = dir.join("Caddyfile");
            fs::write(&path, configure(port)).unwrap();
            let mut command = Command::new(find_program("caddy"));
            command.args(["run", "--config"]).arg(path);
            // Its own files would be in the home folder otherwise.
            command.current_dir(dir).env("HOME", dir);
            command
                .env("XDG_DATA_HOME", dir)
                .env("XDG_CONFIG_HOME", dir);
            command
        })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `command` configures the proxy for the given port.
    fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let port = ReservedPort::new();
        let mut command = command(port.number());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut proxy = Self {
            process: command.spawn().unwrap(),
            address: port.address(),
            _port: port,
        };
        until("the proxy listens", || {
            let ended = proxy.process.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} has ended: {ended:?}");
            // With TLS, HAProxy closes the connection without a response.
            let response = http::send(&proxy.address, b"HEAD /health HTTP/1.0\r\n\r\n");
            let listens = !response.is_err_and(|error| error.kind() == ConnectionRefused);
            listens.then_some(())
        });
        proxy
    }
}

impl Drop for ReverseProxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `tests/setup` unpacks Apache's package, so its modules are where they are in the package.
fn modules_folder(apache: &Path) -> PathBuf {
    let program = apache.canonicalize().unwrap();
    let usr = program.parent().and_then(Path::parent).unwrap();
    usr.join("lib/apache2/modules")
}
