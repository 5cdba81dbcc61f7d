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

/// Made for 127.0.0.1 until 2126 by `openssl req -x509`.
const SELF_SIGNED_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBlTCCATqgAwIBAgIUAfdDhJr7uCNYVx5XiPkO+4FOmBMwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLc2VsZi1zaWduZWQwIBcNMjYxMTI5MDgyOTExWhgPMjEyNjEx
MDUwODI5MTFaMBYxFDASBgNVBAMMC3NlbGYtc2lnbmVkMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAE8rKz1zyuOOLv8zb9DNYPHoKbaZVZZMCkxzP3LGCX8eWAP0BT
wfXPZNG9OY0ariSKuBwEMWiDrVyVXdVIfpuNM6NkMGIwHQYDVR0OBBYEFPGq73Hd
kjVwtBBTQMubUSKtvSNoMB8GA1UdIwQYMBaAFPGq73HdkjVwtBBTQMubUSKtvSNo
MA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNJ
ADBGAiEAiXJjc61WzUky+igOhpdUWJ+r30fH8MEB8vq0CqKeK9MCIQCWKHWqeN04
8fEEusB2Ngs2JjszL6OQO6ZwGyhFUG+hcw==
-----END CERTIFICATE-----
";
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0JBMHHeW06hQS6vl
SNR7ITiQWCU2gTuOxARowF3T/CqhRANCAATysrPXPK444u/zNv0M1g8egptplVlk
wKTHM/csYJfx5YA/QFPB9c9k0b05jRquJIq4HAQxaIOtXJVd1Uh+m40z
-----END PRIVATE KEY-----
";

/// nginx in front of a server. It ends when this is dropped.
struct Nginx {
    process: Child,
    address: String,
}

impl Nginx {
    /// Starts nginx with these lines in its `location`.
    fn start(dir: &Path, server: &str, lines: &str) -> Self {
        let location = format!("location / {{ proxy_pass http://{server}; {lines} }}");
        Self::start_with(dir, |port| format!("listen 127.0.0.1:{port}; {location}"))
    }

    /// Starts nginx with a certificate that no authority has signed.
    fn start_with_self_signed_certificate(dir: &Path) -> Self {
        fs::write(dir.join("certificate.pem"), SELF_SIGNED_CERTIFICATE).unwrap();
        fs::write(dir.join("key.pem"), KEY).unwrap();
        Self::start_with(dir, |port| {
            format!(
                "listen 127.0.0.1:{port} ssl;
                ssl_certificate certificate.pem; ssl_certificate_key key.pem;"
            )
        })
    }

    /// `configure` returns the configuration of a server on the given port.
    fn start_with(dir: &Path, configure: impl Fn(u16) -> String) -> Self {
        // Another program may take the port before nginx does, so nginx is started again then.
        until("nginx listens", || {
            let port = TcpListener::bind("127.0.0.1:0")
                .ok()?
                .local_addr()
                .ok()?
                .port();
            let mut nginx = Self {
                process: spawn(dir, &configure(port)),
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

fn spawn(dir: &Path, server: &str) -> Child {
    let config = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{ {server} }}
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

#[test]
fn a_self_signed_certificate_is_named_as_the_reason_with_what_to_do() {
    let app = App::new();
    let nginx = Nginx::start_with_self_signed_certificate(app.path());
    let url = format!("https://{}", nginx.address);
    let reason = "its certificate is signed by itself";
    let remedy = "use a certificate of a public authority for this host name";

    let output = app.sse().args(["doctor", &url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{text}");
    let (_, finding) = text.split_once("error    response: ").expect(&text);
    let (message, help) = finding.split_once("\n         help: ").expect(&text);
    assert!(message.ends_with(reason) && help.contains(remedy), "{text}");

    let mut listen = app.sse();
    listen.args(["listen", &url, "--timeout", "0.9"]);
    let output = listen.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(reason) && text.contains(remedy), "{text}");
    assert!(text.contains("retrying"), "{text}");
}
