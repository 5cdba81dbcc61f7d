//! How a Redis server is configured.

use std::path::Path;

use super::tls;

/// The configuration of a [`RedisServer`](super::RedisServer). By default it keeps its data only in memory.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    directives: Vec<(String, String)>,
    pub(super) password: Option<String>,
    pub(super) user: Option<String>,
    pub(super) has_tls: bool,
}

impl RedisOptions {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line of the configuration file.
    #[must_use]
    pub fn set(mut self, directive: &str, value: &str) -> Self {
        self.directives.push((directive.into(), value.into()));
        self
    }

    /// Keeps all commands in a file, and keeps the file. `fsync` is `always`, `everysec` or `no`: a killed process loses
    /// nothing that it has answered, except with `everysec` on a busy machine.
    #[must_use]
    pub fn append_only(self, fsync: &str) -> Self {
        self.set("appendonly", "yes")
            .set("appendfsync", fsync)
            .set("auto-aof-rewrite-percentage", "0")
            // So that a test that reads the files misses none.
            .set("aof-disable-auto-gc", "yes")
    }

    /// The password of the default user.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.into());
        self.set("requirepass", password)
    }

    /// The test connects as this user, whom another line adds, instead of the default user.
    #[must_use]
    pub fn connect_as(mut self, user: &str, password: &str) -> Self {
        self.user = Some(user.into());
        self.password = Some(password.into());
        self
    }

    /// Adds a user, with the rules of Redis's ACL, such as `on >secret ~{sse}:* +@all`.
    #[must_use]
    pub fn user(self, name: &str, rules: &str) -> Self {
        self.set("user", &format!("{name} {rules}"))
    }

    /// Accepts only TLS at the port. The certificate is `ca.pem` in the server's folder.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.has_tls = true;
        self
    }

    /// The lines of the configuration file.
    pub(super) fn text(&self, dir: &Path, port: u16) -> String {
        let dir_name = dir.display();
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("dir {dir_name}"),
            format!("unixsocket {dir_name}/redis.sock"),
            format!("logfile {dir_name}/redis.log"),
            "save \"\"".into(),
            "repl-diskless-sync-delay 0".into(),
            "enable-debug-command local".into(),
        ];
        if self.has_tls {
            tls::write_certificate(dir);
            lines.push(format!("port 0\ntls-port {port}\ntls-auth-clients no"));
            for (directive, file) in [
                ("tls-cert-file", "ca.pem"),
                ("tls-key-file", "key.pem"),
                ("tls-ca-cert-file", "ca.pem"),
            ] {
                lines.push(format!("{directive} {dir_name}/{file}"));
            }
        } else {
            lines.push(format!("port {port}"));
        }
        let own = self.directives.iter();
        lines.extend(own.map(|(directive, value)| format!("{directive} {value}")));
        lines.join("\n") + "\n"
    }
}
