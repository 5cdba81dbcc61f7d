//! The stream through nginx, as its users configure it: with `proxy_pass` alone, and so over HTTP/1.0
//! before version 1.29.7.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use support::{App, Stream, http, until};

/// nginx in front of a server. It ends when this is dropped.
struct Nginx {
    process: Child,
    address: String,
}

impl Nginx {
    /// Starts nginx with these lines in its `location`.
    fn start(dir: &Path, server: &str, lines: &str) -> Self {
        // Another program may take the port before nginx does, so nginx is started again then.
        until("nginx listens", || {
            let port = TcpListener::bind("127.0.0.1:0")
                .ok()?
                .local_addr()
                .ok()?
                .port();
            let mut nginx = Self {
                process: spawn(dir, port, server, lines),
                address: format!("127.0.0.1:{port}"),
            };
            until("nginx listens or has ended", || {
                let has_ended = nginx.process.try_wait().unwrap().is_some();
                let listens = http::send(&nginx.address, b"HEAD /health HTTP/1.0\r\n\r\n").is_ok();
                (has_ended || listens).then_some(())
            });
            nginx.process.try_wait().unwrap().is_none().then_some(nginx)
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(dir: &Path, port: u16, server: &str, lines: &str) -> Child {
    let config = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass http://{server}; {lines} }}
            }}
        }}"
    );
    fs::write(dir.join("nginx.conf"), config).unwrap();
    Command::new(program())
        .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
        .arg(dir)
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx is missing: run `tests/setup`")
}

/// Debian installs it in a folder that is not in every user's `PATH`.
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join("nginx"))
        .find(|program| program.is_file())
        .expect("nginx is missing: run `tests/setup`")
}

#[test]
fn nginx_forwards_the_stream_with_its_default_settings() {
    for lines in [
        "",
        "proxy_http_version 1.1; proxy_set_header Connection '';",
    ] {
        let app = App::with_env("SSE_EVENTS=a:k\nSSE_STREAM_DURATION=3\n");
        let server = app.start();
        let nginx = Nginx::start(app.path(), server.address(), lines);
        let stream = Stream::open(&nginx.address, "/sse/stream", None);
        assert_eq!(stream.status, 200, "{lines}");
        stream.next();
        for value in ["x".repeat(40_000), "short".into()] {
            let saved = Instant::now();
            app.save("k", &value);
            assert_eq!(stream.next_event().value(), value.as_str(), "{lines}");
            assert!(saved.elapsed() < Duration::from_secs(1), "{lines}");
        }
        let last = stream.next();
        assert!(last.retry.is_some(), "the end as planned: {last:?}");
        assert!(stream.has_ended(), "{lines}");
    }
}
