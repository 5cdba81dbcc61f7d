//! An app with an installation compiles and streams.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::json;
use support::{Running, Stream, get, http};

use crate::hello::Hello;

const PROGRAM: &str = "sse-hello-world";

#[test]
fn the_hello_world_app_streams_after_install() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
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

    let options =
        |headers: &[(&str, &str)]| http::request(address, "OPTIONS /sse/stream", headers, "");
    let preflight = options(&[
        ("Origin", "https://app.example"),
        ("Access-Control-Request-Method", "GET"),
    ]);
    assert_eq!(preflight.status, 204);
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    assert!(allowed.starts_with("Last-Event-ID, "), "{allowed}");
    assert_eq!(options(&[("Host", "evil.example")]).status, 421);
}

/// Builds the app's program with the crates and the target folder of the programs under test, so
/// that little is compiled and nothing is resolved again.
#[track_caller]
pub(crate) fn build(hello: &Hello) -> PathBuf {
    // Apps with the same name would overwrite each other's program.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let profile = support::sse().parent().map(Path::to_owned).unwrap();
    forget_former_app(&profile);
    fs::copy(
        support::workspace().join("Cargo.lock"),
        hello.path().join("Cargo.lock"),
    )
    .unwrap();
    let mut cargo = support::cargo();
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
    let copy = hello.outside().join(PROGRAM);
    support::copy_program(&profile.join(PROGRAM), &copy);
    copy
}

/// To cargo, all apps of this name are one package, whatever their folders. So it would not compile one whose files
/// are older than the program of another.
fn forget_former_app(profile: &Path) {
    for entry in fs::read_dir(profile.join(".fingerprint")).unwrap() {
        let entry = entry.unwrap();
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PROGRAM))
        {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

/// Runs the program in the app's folder.
pub(crate) fn run(hello: &Hello, program: &Path) -> Child {
    Command::new(program)
        .current_dir(hello.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
