//! What `sse listen URL` and `sse doctor URL` send, and which responses they read.

use std::{
    io::{self, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use support::{DEADLINE, attempts};

use crate::{
    doctor::proxies::FakeServer,
    hello::{Hello, Ran, command},
};

const EVENT: &str = "retry: 1000\nid: 0123456789abcdef-1\nevent: a\ndata: 1\n\n";

const SECRETS: [&str; 4] = ["--header", "X-Token: secret-1", "--cookie", "id=secret-2"];

/// A server with this head and body for every request, and the heads of the requests.
fn serve(head: impl Into<String>, body: impl Into<Vec<u8>>) -> (FakeServer, Receiver<String>) {
    let (head, body) = (head.into(), body.into());
    let (sender, requests) = channel();
    let respond = move |request: String, mut client: &TcpStream| -> io::Result<()> {
        let _ = sender.send(request.to_lowercase());
        write!(client, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n")?;
        client.write_all(&body)
    };
    (FakeServer::start(respond), requests)
}

fn serve_stream() -> (FakeServer, Receiver<String>) {
    serve("200 OK\r\nContent-Type: text/event-stream", EVENT)
}

fn listen(url: &str, arguments: &[&str]) -> Ran {
    run(
        "listen",
        &[&[url, "--count", "1", "--timeout", "20"], arguments].concat(),
        &[],
    )
}

fn doctor(url: &str, arguments: &[&str]) -> Ran {
    run(
        "doctor",
        &[&[url, "--json", "--wait", "0"], arguments].concat(),
        &[],
    )
}

fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let hello = Hello::new();
    let mut command = command(hello.outside());
    command
        .arg(name)
        .args(arguments)
        .envs(environment.iter().copied());
    Ran::from_output(&command.output().unwrap())
}

#[track_caller]
fn assert_no_secret(ran: &Ran) {
    assert!(
        !ran.out.contains("secret") && !ran.err.contains("secret"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn a_listener_asks_for_audiences() {
    let (server, requests) = serve_stream();
    let names = ["--to", "order:42", "--to", "team 7&x", "--events", "a"];
    let ran = listen(&server.url(), &names);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let request = requests.recv_timeout(DEADLINE).unwrap();
    assert!(
        request.starts_with("get /sse/stream?events=a&to=order%3a42,team%207%26x "),
        "{request}"
    );
    let refusal = "error: this stream may not hold order:42\nhelp: log in\n";
    let (server, _) = serve("403 Forbidden\r\nContent-Type: text/plain", refusal);
    let ran = listen(&server.url(), &["--to", "order:42"]);
    ran.fails(1, "403");
    assert!(
        ran.err.contains("this stream may not hold order:42"),
        "{}",
        ran.err
    );
}

#[test]
fn headers_and_cookies_are_sent_and_never_printed() {
    let (server, requests) = serve_stream();
    for ran in [
        listen(&server.url(), &SECRETS),
        doctor(&server.url(), &SECRETS),
    ] {
        assert_no_secret(&ran);
        let request = requests.recv_timeout(DEADLINE).unwrap();
        assert!(request.contains("\r\nx-token: secret-1\r\n"), "{request}");
        assert!(request.contains("\r\ncookie: id=secret-2\r\n"), "{request}");
    }
    let (server, _requests) = serve("401 Unauthorized", "");
    for ran in [
        listen(&server.url(), &SECRETS),
        doctor(&server.url(), &SECRETS),
    ] {
        assert_no_secret(&ran);
        let text = ran.out + &ran.err;
        assert!(
            text.contains("401") && text.contains("does not accept"),
            "{text}"
        );
    }
    let ran = listen(&server.url(), &["--header", "secret"]);
    assert_no_secret(&ran);
    ran.fails(2, "--header");
}

#[test]
fn the_user_name_of_a_url_is_sent_and_never_printed() {
    let (server, requests) = serve_stream();
    let url = server.url().replace("http://", "http://me:secret@");
    for ran in [listen(&url, &[]), doctor(&url, &[])] {
        assert_no_secret(&ran);
        let request = requests.recv_timeout(DEADLINE).unwrap();
        // `me:secret` in base64.
        assert!(
            request.contains("authorization: basic bwu6c2vjcmv0\r\n"),
            "{request}"
        );
    }
}

#[test]
fn credentials_are_not_sent_to_another_origin() {
    let (other, requests) = serve_stream();
    let location = format!("302 Found\r\nLocation: {}/x", other.url());
    let (server, first) = serve(location, "");
    let ran = listen(&server.url(), &SECRETS);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(first.recv_timeout(DEADLINE).unwrap().contains("secret-1"));
    let request = requests.recv_timeout(DEADLINE).unwrap();
    assert!(
        request.starts_with("get /x http/1.1") && !request.contains("secret"),
        "{request}"
    );
}

#[test]
fn a_redirect_in_circles_ends() {
    // Before it retries.
    attempts("a warning within the timeout", || {
        let (server, requests) = serve("307 Temporary Redirect\r\nLocation: /sse/stream", "");
        let ran = run("listen", &[&server.url(), "--timeout", "0.9"], &[]);
        assert_eq!(ran.code, 1);
        ran.err.contains("redirects more than 10 times").then(|| {
            assert_eq!(requests.try_iter().count(), 11);
        })
    });
}

#[test]
fn listen_asks_for_no_compression_and_reads_it_anyway() {
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 0];
    let length = u16::try_from(EVENT.len()).unwrap();
    gzip.extend(length.to_le_bytes());
    gzip.extend((!length).to_le_bytes());
    gzip.extend(EVENT.as_bytes());
    let head = "200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: ";
    let (server, requests) = serve(format!("{head}gzip"), gzip);
    let ran = listen(&server.url(), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "a  1\n"), "{}", ran.err);
    assert!(
        !requests
            .recv_timeout(DEADLINE)
            .unwrap()
            .contains("accept-encoding")
    );

    let (server, _requests) = serve(format!("{head}zstd"), "x");
    listen(&server.url(), &[]).fails(1, "`zstd`");
}

#[test]
fn a_few_compressed_bytes_that_stand_for_many_events_do_not_fill_the_memory() {
    // Every block has a copy of the id: 1.6 GB in all.
    let id = "x".repeat(4096);
    let stream = format!("id: {id}\n\n{}{EVENT}", "a\n\n".repeat(400_000));
    let mut gzip = Command::new("gzip")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let writer = thread::spawn(move || input.write_all(stream.as_bytes()));
    let compressed = gzip.wait_with_output().unwrap().stdout;
    writer.join().unwrap().unwrap();
    assert!(compressed.len() < 10_000);

    let head = "200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip";
    let (server, _requests) = serve(head, compressed);
    let sse = command(Hello::new().outside());
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 1000000; exec \"$@\"", "sh"])
        .arg(sse.get_program())
        .args(["listen", &server.url(), "--count", "1", "--timeout", "120"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = Ran::from_output(&output);
    assert_eq!((ran.code, ran.out.as_str()), (0, "a  1\n"), "{}", ran.err);
}

#[test]
fn the_environments_proxy_is_used_except_for_this_machine_and_some_hosts() {
    let (proxy, requests) = serve_stream();
    let arguments = ["http://app.example:81", "--count", "1", "--timeout", "20"];
    let environment = [
        ("HTTP_PROXY", proxy.url()),
        ("NO_PROXY", "excluded.example".to_owned()),
    ];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let ran = run("listen", &arguments, &environment);
    assert_eq!((ran.code, ran.out.as_str()), (0, "a  1\n"), "{}", ran.err);
    let request = requests.recv_timeout(DEADLINE).unwrap();
    assert!(
        request.starts_with("get http://app.example:81/sse/stream http/1.1"),
        "{request}"
    );

    let (server, direct) = serve_stream();
    let arguments = [&server.url(), "--count", "1", "--timeout", "20"];
    let ran = run("listen", &arguments, &environment);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        direct
            .recv_timeout(DEADLINE)
            .unwrap()
            .starts_with("get /sse/stream ")
    );

    let arguments = ["http://excluded.example", "--count", "1", "--timeout", "3"];
    let ran = run("listen", &arguments, &environment);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(requests.try_recv().is_err(), "the proxy got a request");
}

#[test]
fn options_for_requests_need_a_url() {
    for option in [["--header", "a: b"], ["--cookie", "a=b"], ["--cacert", "x"]] {
        let ran = run("listen", &option, &[]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(
            ran.err.contains("[URL]") || ran.err.contains("<URL>"),
            "{}",
            ran.err
        );
    }
}
