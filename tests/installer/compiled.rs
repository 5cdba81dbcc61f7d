//! An app into which events were installed is one that compiles and streams.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::json;
use support::{DEADLINE, Running, Stream, get};

use crate::hello::Hello;

#[test]
fn the_hello_world_app_streams_after_install() {
    let hello = Hello::new();
    hello.sse_does(&["install"]);
    let env = hello.read(".env") + "SSE_ALLOWED_ORIGINS=https://app.example\n";
    hello.write(".env", &env);
    let mut program = Running(run(&hello, &build(&hello)));
    let mut address = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    let address = address.trim();

    assert_eq!(get(address, "/").body, "Hello, world!");
    for script in ["/js/sse.js", "/js/sse-client.js"] {
        let answer = get(address, script);
        assert_eq!(
            (answer.status, &answer.body),
            (200, &hello.read(&format!("public{script}")))
        );
    }
    let stream = Stream::open(address, "/sse/stream", None);
    assert_eq!(
        (stream.status, stream.headers["content-type"].as_str()),
        (200, "text/event-stream")
    );
    assert_eq!(hello.sse(&["save", "event_cache_key1", "hello"]).code, 0);
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("event_name1", json!("hello"))
    );

    let preflight = "Host: localhost\r\nOrigin: https://app.example\r\n\
                     Access-Control-Request-Method: GET";
    let answer = options(address, preflight);
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(
        answer.contains("access-control-allow-headers: Last-Event-ID, "),
        "{answer}"
    );
    let answer = options(address, "Host: evil.example");
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
}

/// The whole answer to OPTIONS for the stream.
fn options(address: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let request = format!("OPTIONS /sse/stream HTTP/1.1\r\nConnection: close\r\n{headers}\r\n\r\n");
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    io::read_to_string(socket).unwrap()
}

/// The app's program, built beside the ones under test from the same crates, so that little is
/// compiled and nothing is resolved anew.
#[track_caller]
pub(crate) fn build(hello: &Hello) -> PathBuf {
    // Apps of the same name would overwrite each other's program.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let profile = support::sse().parent().map(Path::to_owned).unwrap();
    fs::copy(
        support::workspace().join("Cargo.lock"),
        hello.path().join("Cargo.lock"),
    )
    .unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(profile.parent().unwrap());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(hello.path()).output().unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let name = format!("sse-hello-world{}", env::consts::EXE_SUFFIX);
    let own = hello.outside().join(&name);
    fs::copy(profile.join(name), &own).unwrap();
    own
}

/// Runs it in the app's folder.
pub(crate) fn run(hello: &Hello, program: &Path) -> Child {
    Command::new(program)
        .current_dir(hello.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
