//! TLS on both sides.

use std::{
    fs::{self, File},
    process::Command,
};

use support::{Answer, App, AuthEndpoint, Running, Server, Stream, until};

use super::{ENV, Site};
use crate::app::OtherApp;

/// An app that serves HTTPS, and has no such route.
#[test]
fn the_certificate_of_the_app_is_checked() {
    let other = App::new();
    let app_server = other.start_with_tls(&[("HOST", "0.0.0.0")]);
    let port = app_server.port();
    let certificate = other.path().join("cert.pem");
    let trusted = [("SSL_CERT_FILE", certificate.to_str().unwrap())];
    for (host, environment, reason) in [
        ("127.0.0.1", &trusted[..], "the answer is 404"),
        ("localhost", &trusted, "the answer is 404"),
        ("127.0.0.2", &trusted, "its certificate is for another name"),
        ("127.0.0.1", &[], "its certificate is"),
    ] {
        let app = OtherApp::new(ENV);
        let url = format!("https://{host}:{port}/auth");
        let options = ["--auth-url", &*url];
        let server = Server::start_serve_with(app.path(), &options, environment);
        assert_eq!(
            Stream::open(server.address(), "/sse/stream", None).status,
            503
        );
        server.wait_for_log(reason);
    }
}

#[test]
fn without_certificates_to_check_with_the_server_does_not_start() {
    let app = OtherApp::new(ENV);
    app.write("certificates/none.pem", "");
    let folder = app.path().join("certificates");
    let log = app.path().join("server.log");
    let mut server = support::sse_in(app.path())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(["--auth-url", "https://localhost/"])
        .env("SSL_CERT_FILE", folder.join("none.pem"))
        .env("SSL_CERT_DIR", folder)
        .stderr(File::create(&log).unwrap())
        .spawn()
        .map(Running)
        .unwrap();
    let status = until("the server ends", || server.try_wait().unwrap());
    let text = fs::read_to_string(log).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(
        text.contains("SSE_AUTH_URL") && text.contains("help: "),
        "{text}"
    );
}

/// With HTTP/2, browsers may send each cookie in a header of its own.
#[test]
fn the_app_knows_the_client_of_a_server_that_speaks_https_itself() {
    let endpoint = AuthEndpoint::start(|_| Answer::status("401 Unauthorized", &[]));
    let certificate = App::new();
    certificate.write_certificate("cert.pem", "key.pem");
    let path = |name: &str| certificate.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let site = Site::with_options(ENV, &["--tls-cert", &cert, "--tls-key", &key], endpoint);
    for version in ["--http2", "--http1.1"] {
        let output = Command::new("curl")
            .args(["--silent", "--insecure", "--max-time", "30", version])
            .args(["--header", "Cookie: a=1", "--header", "Cookie: b=2"])
            .args(["--output", "/dev/null", "--write-out", "%{http_code}"])
            .arg(site.server.url("/sse/stream"))
            .output()
            .expect("curl is missing");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "401");
    }
    for question in site.endpoint.questions() {
        assert_eq!(question.header("cookie"), Some("a=1; b=2"));
        assert_eq!(question.header("x-forwarded-proto"), Some("https"));
        assert_eq!(question.header("x-forwarded-for"), Some("127.0.0.1"));
    }
    assert_eq!(site.endpoint.question_count(), 2);
}
