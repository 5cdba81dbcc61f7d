//! `sse doctor` and `sse listen` over TLS, with certificates made for each test, behind nginx.

use std::{
    fs,
    io::{self, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    process::Command,
    sync::mpsc::channel,
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use support::{App, ReverseProxy, Server};

use crate::{
    doctor::findings::{Finding, findings, of_check, only, problems},
    doctor::proxies::FakeServer,
    hello::Ran,
};

/// An authority of its own.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn write(&self, dir: &Path) -> String {
        write(dir, "authority.pem", &self.0.pem())
    }

    /// Writes a certificate for these names, and its key, for nginx.
    pub(crate) fn sign(
        &self,
        dir: &Path,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        write(dir, "certificate.pem", &certificate.pem());
        write(dir, "key.pem", &key.serialize_pem());
    }
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// nginx with the certificate in the app's folder. `protocol` is empty or `http2`.
fn nginx(app: &App, server: &Server, protocol: &str) -> ReverseProxy {
    ReverseProxy::nginx(app.path(), |port| {
        format!(
            "listen 127.0.0.1:{port} ssl {protocol};
            ssl_certificate certificate.pem; ssl_certificate_key key.pem;
            location / {{ proxy_pass http://{}; proxy_http_version 1.1; }}",
            server.address()
        )
    })
}

fn doctor(url: &str, arguments: &[&str]) -> Command {
    let mut command = support::sse_in(Path::new("/"));
    command
        .args(["doctor", url, "--json", "--wait", "0.5"])
        .args(arguments);
    command
}

fn ran(mut command: Command) -> Ran {
    Ran::from_output(&command.output().unwrap())
}

#[track_caller]
fn refusal(url: &str, arguments: &[&str]) -> Finding {
    only(&problems(&ran(doctor(url, arguments)))).clone()
}

#[test]
fn a_certificate_of_a_given_authority_is_accepted_over_both_versions_of_http() {
    let app = App::new();
    let server = app.start();
    let authority = Authority::new();
    let file = authority.write(app.path());
    authority.sign(app.path(), &["127.0.0.1", "localhost"], |_| {});
    for (protocol, level, what) in [
        ("http2", "ok", "TLS and HTTP/2"),
        ("", "note", "does not offer HTTP/2"),
    ] {
        let proxy = nginx(&app, &server, protocol);
        let url = format!("https://{}", proxy.address());
        let unknown = refusal(&url, &[]);
        let reason = "not signed by an authority that this machine trusts";
        unknown.assert_is("error", "response", reason, "--cacert FILE");
        unknown.assert_is("error", "response", reason, "--insecure");

        let mut with_environment = doctor(&url, &[]);
        with_environment.env("SSL_CERT_FILE", &file);
        let by_name = url.replace("127.0.0.1", "localhost");
        for command in [
            doctor(&url, &["--cacert", &file]),
            doctor(&by_name, &["--cacert", &file]),
            with_environment,
        ] {
            let ran = ran(command);
            assert_eq!(problems(&ran), []);
            of_check(&findings(&ran), "headers")[0].assert_is(level, "headers", what, "");
        }
        // The default lookback covers a value that was saved just before.
        app.save("event_cache_key1", "1");
        let mut listen = app.sse();
        let arguments = [
            "listen",
            &url,
            "--cacert",
            &file,
            "--count",
            "1",
            "--timeout",
            "20",
        ];
        let ran = ran({
            listen.args(arguments);
            listen
        });
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("event_name1  1"), "{}", ran.out);
    }
}

#[test]
fn any_certificate_is_accepted_on_request_with_one_warning() {
    let app = App::new();
    let server = app.start();
    Authority::new().sign(app.path(), &["other.example"], |_| {});
    let proxy = nginx(&app, &server, "http2");
    let url = format!("https://{}", proxy.address());
    let ran = ran(doctor(&url, &["--insecure"]));
    assert_eq!(problems(&ran), []);
    assert_eq!(ran.err.matches("warning: ").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("is not checked"), "{}", ran.err);
}

#[test]
fn a_failed_handshake_names_its_cause_and_the_remedy() {
    let app = App::new();
    let server = app.start();
    let authority = Authority::new();
    let file = authority.write(app.path());
    let refused = |names: &[&str], change: fn(&mut CertificateParams)| {
        authority.sign(app.path(), names, change);
        let proxy = nginx(&app, &server, "");
        refusal(
            &format!("https://{}", proxy.address()),
            &["--cacert", &file],
        )
    };
    let other_name = refused(&["other.example"], |_| {});
    other_name.assert_is(
        "error",
        "response",
        "is for another name: other.example",
        "a name that",
    );
    let expired = refused(&["127.0.0.1"], |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    expired.assert_is("error", "response", "its certificate has expired", "renew");
    let early = refused(&["127.0.0.1"], |params| {
        params.not_before = date_time_ymd(4000, 1, 1);
    });
    early.assert_is("error", "response", "is not valid yet", "the clock");

    let url = format!("https://{}", server.address());
    refusal(&url, &[]).assert_is("error", "response", "TLS", "begins with http:");
    let proxy = nginx(&app, &server, "");
    let url = format!("http://{}", proxy.address());
    refusal(&url, &[]).assert_is("error", "response", "400", "begins with https:");
}

#[test]
fn a_certificate_that_is_signed_by_itself_can_be_given() {
    let app = App::new();
    let server = app.start();
    // As `openssl req -x509` makes it.
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let file = write(app.path(), "certificate.pem", &certificate.pem());
    write(app.path(), "key.pem", &key.serialize_pem());
    let proxy = nginx(&app, &server, "");
    let url = format!("https://{}", proxy.address());
    let remedy = "pass the authority's certificate with --cacert";
    refusal(&url, &[]).assert_is("error", "response", "is self-signed", remedy);
    assert_eq!(problems(&ran(doctor(&url, &["--cacert", &file]))), []);
    let by_name = url.replace("127.0.0.1", "localhost");
    refusal(&by_name, &["--cacert", &file]).assert_is("error", "response", "another name", "");
}

#[test]
fn a_file_without_certificates_is_refused() {
    let app = App::new();
    let text = write(app.path(), "text.pem", "no certificate\n");
    let missing = app.path().join("missing.pem");
    let url = "https://127.0.0.1:1";
    let refused = |file: &str| ran(doctor(url, &["--cacert", file]));
    refused(&text).fails(1, "contains no certificate");
    refused(missing.to_str().unwrap()).fails(1, "missing.pem");
    let mut command = doctor(url, &["--cacert", &text, "--insecure"]);
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}

/// A forward proxy that connects its clients to the server at `address`, whichever they ask for.
fn tunnel(address: &str) -> (FakeServer, std::sync::mpsc::Receiver<String>) {
    let address = address.to_owned();
    let (sender, requests) = channel();
    let proxy = FakeServer::start(move |request, mut client| {
        let _ = sender.send(request);
        let server = TcpStream::connect(&address)?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut &from_client, &mut &to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        io::copy(&mut &server, &mut client).map(drop)
    });
    (proxy, requests)
}

#[test]
fn tls_reaches_the_server_through_the_environments_proxy() {
    let app = App::new();
    let server = app.start();
    let authority = Authority::new();
    let file = authority.write(app.path());
    authority.sign(app.path(), &["app.example"], |_| {});
    let nginx = nginx(&app, &server, "http2");
    let (proxy, requests) = tunnel(nginx.address());
    let mut command = doctor(
        "https://app.example:1",
        &["--cacert", &file, "--header", "A: secret"],
    );
    command.env(
        "HTTPS_PROXY",
        proxy.url().replace("http://", "http://me:pw@"),
    );
    let ran = ran(command);
    assert_eq!(problems(&ran), []);
    of_check(&findings(&ran), "headers")[0].assert_is("ok", "headers", "TLS and HTTP/2", "");
    let request = requests.recv().unwrap().to_lowercase();
    assert!(
        request.starts_with("connect app.example:1 http/1.1"),
        "{request}"
    );
    // `me:pw` in base64.
    assert!(
        request.contains("proxy-authorization: basic bwu6chc="),
        "{request}"
    );
    assert!(!request.contains("secret"), "{request}");
}
