//! What clients get over HTTPS.

use std::process::Command;

use support::{App, Server};

use super::run;

/// Sends a request with curl, and returns the version of HTTP and the status.
pub(super) fn curl(server: &Server, arguments: &[&str], path: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--insecure", "--max-time", "30"])
        .args([
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_version} %{http_code}",
        ])
        .args(arguments)
        .arg(server.url(path))
        .output()
        .expect("curl is missing");
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{}{errors}", String::from_utf8_lossy(&output.stdout))
}

#[test]
fn the_app_serves_https_with_http_1_and_2() {
    let app = App::new();
    let server = app.start_with_tls(&[]);
    assert!(server.output().contains("Listening on https://127.0.0.1:"));
    assert_eq!(curl(&server, &["--http2"], "/"), "2 200");
    assert_eq!(curl(&server, &["--http1.1"], "/"), "1.1 200");
    for http in ["--http2", "--http1.1"] {
        let version = if http == "--http2" { "2" } else { "1.1" };
        assert_eq!(
            curl(&server, &[http, "--head"], "/sse/stream"),
            format!("{version} 200")
        );
        assert_eq!(curl(&server, &[http], "/info"), format!("{version} 200"));
    }
    assert!(
        !server.log().contains("stalled clients"),
        "{}",
        server.log()
    );
}

/// `on_connect` records on which address a connection has arrived, also for TLS.
#[test]
fn foreign_hosts_are_refused_on_loopback_although_the_app_is_bound_to_all_addresses() {
    let app = App::new();
    let server = app.start_with_tls(&[("HOST", "0.0.0.0")]);
    let foreign = ["--header", "Host: attacker.example"];
    for http in ["--http2", "--http1.1"] {
        let status = curl(&server, &[&[http][..], &foreign].concat(), "/");
        assert!(status.ends_with(" 421"), "{http}: {status}");
    }
}

#[test]
fn the_health_check_speaks_https() {
    let app = App::new();
    let server = app.start_with_tls(&[]);
    let port = server.port().to_owned();
    let settings = [
        ("TLS_CERT", "cert.pem"),
        ("TLS_KEY", "key.pem"),
        ("PORT", port.as_str()),
    ];
    let check = || run(&app, &["--healthcheck"], &settings);
    let output = check();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // A renewed certificate is not a reason to be unhealthy until the restart.
    app.write_certificate("cert.pem", "key.pem");
    assert!(check().status.success());
    server.kill();
    assert_eq!(check().status.code(), Some(1));
}
