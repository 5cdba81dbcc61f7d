//! The configurations of docs/guides/proxies.md, as their readers paste them, with other ports and paths.

mod stream_alone;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use support::{
    App, DEADLINE, ReservedPort, ReverseProxy, Running, Server, attempts, blocks_of_document, get,
    http, until,
};

use crate::{
    doctor::findings::{Finding, LATE, assert_one_by_one, findings, in_time, of_check},
    doctor::proxies::FakeServer,
    hello::Ran,
    tls::Authority,
};

const GUIDE: &str = "guides/proxies.md";

/// Less than a heartbeat interval, so that no heartbeat reveals that a client has left.
const MAX_NOTICE: Duration = Duration::from_secs(10);

#[track_caller]
fn swap(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "the guide has no {old:?}: {text}");
    text.replace(old, new)
}

/// A proxy of the guide, in front of an app.
struct Site {
    app: App,
    authority: String,
    /// The address to which the configuration is pasted: the app's.
    server: String,
    offers_http2: bool,
    /// The port for HTTP without TLS, which redirects.
    http_port: ReservedPort,
}

/// How to start a proxy with the configuration of its section.
type Start = fn(&Site) -> ReverseProxy;

impl Site {
    fn new() -> Self {
        let app = App::with_lasting_streams();
        let authority = Authority::new();
        let file = authority.write(app.path());
        authority.sign(app.path(), &["localhost"], |_| {});
        let read = |name: &str| fs::read_to_string(app.path().join(name)).unwrap();
        let (certificate, key) = (read("certificate.pem"), read("key.pem"));
        fs::write(app.path().join("fullchain.pem"), &certificate).unwrap();
        fs::write(app.path().join("privkey.pem"), &key).unwrap();
        fs::write(app.path().join("app.example.pem"), certificate + &key).unwrap();
        Self {
            app,
            authority: file,
            server: String::new(),
            offers_http2: true,
            http_port: ReservedPort::new(),
        }
    }

    /// The first block of a section, with this machine's names and paths. `http2` is what offers HTTP/2.
    fn pasted(&self, heading: &str, language: &str, http2: (&str, &str)) -> String {
        let text = &blocks_of_document(GUIDE, heading, language)[0];
        let dir = self.app.path().display().to_string();
        let mut text = swap(text, "127.0.0.1:8080", &self.server)
            .replace("/etc/letsencrypt/live/app.example", &dir)
            .replace("/etc/haproxy", &dir)
            .replace("app.example.pem", "APP.pem")
            .replace("app.example", "localhost")
            .replace("APP.pem", "app.example.pem");
        if !self.offers_http2 {
            text = swap(&text, http2.0, http2.1);
        }
        text
    }

    /// `127.0.0.1:PORT` for HTTP without TLS.
    fn http_address(&self) -> String {
        self.http_port.address()
    }

    fn is_full(&self) -> bool {
        get(&self.server, "/sse/stream").status == 503
    }

    /// Whether its only stream is closed in this time.
    fn is_free_within(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        until("the stream is closed, or the time is over", || {
            let is_free = !self.is_full();
            (is_free || Instant::now() > end).then_some(is_free)
        })
    }

    fn curl(&self, proxy: &ReverseProxy) -> Command {
        let mut command = Command::new("curl");
        let version = if self.offers_http2 {
            "--http2"
        } else {
            "--http1.1"
        };
        // `sse doctor` checks the certificate.
        command.args(["--silent", "--no-buffer", "--insecure", version]);
        command.arg(url(proxy, "/sse/stream"));
        command
    }
}

fn url(proxy: &ReverseProxy, path: &str) -> String {
    let address = proxy.address().replace("127.0.0.1", "localhost");
    format!("https://{address}{path}")
}

fn nginx(site: &Site) -> ReverseProxy {
    let limits = &blocks_of_document(GUIDE, "nginx", "nginx")[1];
    ReverseProxy::nginx_with(site.app.path(), limits, |port| {
        let text = site.pasted("nginx", "nginx", (" http2;", ";"));
        let text = swap(
            &text,
            "listen 80;",
            &format!("listen {};", site.http_address()),
        );
        swap(&text, "listen 443", &format!("listen 127.0.0.1:{port}"))
    })
}

fn haproxy(site: &Site) -> ReverseProxy {
    ReverseProxy::haproxy_with(site.app.path(), |port| {
        let text = site.pasted("HAProxy", "haproxy", ("alpn h2,", "alpn "));
        let text = swap(
            &text,
            "bind :80\n",
            &format!("bind {}\n", site.http_address()),
        );
        swap(&text, "bind :443", &format!("bind 127.0.0.1:{port}"))
    })
}

fn caddy(site: &Site) -> ReverseProxy {
    ReverseProxy::caddy_with(site.app.path(), |port| {
        let (offered, withheld) = ("protocols h1 h2", "protocols h1");
        let text = site.pasted("Caddy", "caddy", ("", ""));
        format!(
            "{{\n admin off\n skip_install_trust\n default_bind 127.0.0.1\n http_port {}\n https_port {port}\n\
             servers {{\n {}\n }}\n}}\n{text}",
            site.http_port.number(),
            if site.offers_http2 { offered } else { withheld },
        )
    })
}

fn apache(site: &Site) -> ReverseProxy {
    let [enabled, ..] = &blocks_of_document(GUIDE, "Apache", "console")[..] else {
        panic!("the guide enables no modules");
    };
    let enabled = enabled.trim().strip_prefix("$ a2enmod ").unwrap();
    // Debian enables the first, and `a2enmod ssl` the second.
    let modules: Vec<_> = ["alias", "socache_shmcb"]
        .into_iter()
        .chain(enabled.split(' '))
        .collect();
    let limits = &blocks_of_document(GUIDE, "Apache", "apache")[1];
    ReverseProxy::apache_with(site.app.path(), &modules, |port| {
        let text = site.pasted("Apache", "apache", ("Protocols h2 ", "Protocols "));
        let text = swap(&text, "*:80>", &format!("{}>", site.http_address()));
        let text = swap(&text, "*:443>", &format!("127.0.0.1:{port}>"));
        let http = site.http_address();
        format!("Listen 127.0.0.1:{port}\nListen {http}\n{limits}\n{text}")
    })
}

/// Checks a section over both versions of HTTP. A client that leaves is noticed after as many events as
/// `events_until_noticed`.
#[track_caller]
fn check(start: Start, events_until_noticed: usize) {
    let mut site = Site::new();
    let server = site.app.start();
    server.address().clone_into(&mut site.server);
    for offers_http2 in [true, false] {
        site.offers_http2 = offers_http2;
        let proxy = start(&site);
        assert_doctor_is_content(&site, &proxy);
        assert_redirects(&site);
    }
    drop(server);
    assert_forwards_the_clients_address(&mut site, start);
    let server = Server::start(site.app.path(), &[("SSE_MAX_CONNECTIONS", "1")]);
    server.address().clone_into(&mut site.server);
    for offers_http2 in [true, false] {
        site.offers_http2 = offers_http2;
        assert_notices_that_a_client_leaves(&site, &start(&site), events_until_noticed);
    }
}

#[track_caller]
fn assert_doctor_is_content(site: &Site, proxy: &ReverseProxy) {
    let mut command = site.app.sse();
    command.args([
        "doctor",
        &url(proxy, ""),
        "--cacert",
        &site.authority,
        "--json",
    ]);
    command.args(["--wait", "0.5", "--save", "event_cache_key1"]);
    let ran = in_time(&LATE, || Ran::from_output(&command.output().unwrap()));
    let found = findings(&ran);
    assert!(!found.iter().any(Finding::is_problem), "{found:#?}");
    assert_one_by_one(&found);
    let (level, what) = if site.offers_http2 {
        ("ok", "TLS and HTTP/2")
    } else {
        ("note", "does not offer HTTP/2")
    };
    of_check(&found, "headers")[0].assert_is(level, "headers", what, "");
    assert!(
        !found.iter().any(|found| found.what.contains("compressed")),
        "{found:#?}"
    );
}

#[track_caller]
fn assert_redirects(site: &Site) {
    let headers = [("Host", "localhost")];
    let response = http::request(&site.http_address(), "GET /page?a=b", &headers, "");
    assert!([301, 308].contains(&response.status), "{}", response.status);
    let location = response.header("location").unwrap();
    assert!(
        location.starts_with("https://localhost") && location.ends_with("/page?a=b"),
        "{location}"
    );
}

#[track_caller]
fn assert_forwards_the_clients_address(site: &mut Site, start: Start) {
    let (sender, requests) = channel();
    let echo = FakeServer::start(move |request, mut client| {
        let _ = sender.send(request);
        client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
    });
    site.server = echo.url().replace("http://", "");
    let proxy = start(site);
    let mut curl = site.curl(&proxy);
    curl.args(["--header", "X-Forwarded-For: 192.0.2.1"]);
    let status = curl.status().unwrap();
    assert!(status.success(), "{status}");
    let request = requests.recv_timeout(DEADLINE).unwrap().to_lowercase();
    let lines: Vec<_> = request
        .lines()
        .filter(|line| line.starts_with("x-forwarded-for:"))
        .collect();
    assert_eq!(lines, ["x-forwarded-for: 127.0.0.1"], "{request}");
    assert!(request.contains("x-forwarded-proto: https"), "{request}");
    assert!(request.contains("host: localhost"), "{request}");
}

#[track_caller]
fn assert_notices_that_a_client_leaves(site: &Site, proxy: &ReverseProxy, events: usize) {
    let notices = || {
        let curl = until("a client has the only stream", || {
            let mut curl = Running(site.curl(proxy).stdout(Stdio::piped()).spawn().unwrap());
            let mut line = String::new();
            let stdout = curl.stdout.as_mut().unwrap();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "{:?}", curl.wait());
            // The server may not yet have closed the stream of the client before.
            (!line.starts_with("error")).then_some(curl)
        });
        assert!(site.is_full());
        drop(curl);
        for _ in 0..events {
            site.app.save("event_cache_key1", "1");
            // The proxy learns of the closed connection between two events.
            site.is_free_within(Duration::from_secs(1));
        }
        site.is_free_within(MAX_NOTICE)
    };
    if events == 0 {
        assert!(
            notices(),
            "the proxy does not notice that the client has left"
        );
    } else {
        // A proxy that a busy machine delays receives two events as one.
        attempts("the proxy notices that a client leaves", || {
            notices().then_some(())
        });
    }
}

#[test]
fn nginx_forwards_the_stream_and_notices_at_once_that_a_client_leaves() {
    check(nginx, 0);
}

#[test]
fn haproxy_forwards_the_stream_and_notices_at_once_that_a_client_leaves() {
    check(haproxy, 0);
}

#[test]
fn caddy_forwards_the_stream_and_notices_at_once_that_a_client_leaves() {
    check(caddy, 0);
}

#[test]
fn apache_forwards_the_stream_and_notices_at_the_second_event_that_a_client_leaves() {
    check(apache, 2);
}

#[test]
fn haproxy_forwards_the_stream_of_an_app_that_it_checks() {
    let mut site = Site::new();
    let server = site.app.start();
    server.address().clone_into(&mut site.server);
    let proxy = ReverseProxy::haproxy_with(site.app.path(), |port| {
        let main = site.pasted("HAProxy", "haproxy", ("", ""));
        let main = main.split("\nbackend app\n").next().unwrap();
        let main = swap(
            main,
            "bind :80\n",
            &format!("bind {}\n", site.http_address()),
        );
        let main = swap(&main, "bind :443", &format!("bind 127.0.0.1:{port}"));
        main + "\n" + &site.pasted("Health checks", "haproxy", ("", ""))
    });
    assert_doctor_is_content(&site, &proxy);
}
