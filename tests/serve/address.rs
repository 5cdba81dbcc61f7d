//! Where the server listens.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    process::{Command, Stdio},
};

use support::{Running, sse, until};

use crate::app::{ENV, OtherApp};

#[test]
fn a_unix_socket_serves_the_stream_and_is_removed_at_the_end() {
    let app = OtherApp::new(ENV);
    let path = app.path().join("sse.sock");
    let mut server = Running(
        Command::new(sse())
            .args(["serve", "--listen", &format!("unix:{}", path.display())])
            .current_dir(app.path())
            .env_remove("CARGO_MANIFEST_DIR")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut stream = until("the server listens", || UnixStream::connect(&path).ok());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    stream
        .write_all(b"GET /sse/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut received = String::new();
    let mut buffer = [0; 4096];
    while !received.contains("\nretry:") {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "{received}");
        received.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(received.contains("text/event-stream"), "{received}");
    let check = format!("unix:{}", path.display());
    let healthy = app.sse(&["serve", "--healthcheck", "--listen", &check]);
    assert!(
        healthy.status.success(),
        "{}",
        String::from_utf8_lossy(&healthy.stderr)
    );

    let process = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    until("the server ends", || server.try_wait().unwrap());
    assert!(!path.exists());
}

#[test]
fn a_port_in_use_is_an_error_with_help() {
    let app = OtherApp::new(ENV);
    let server = app.serve(&[]);
    let output = app.sse(&["serve", "--listen", server.address()]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("is in use") && text.contains("help: "),
        "{text}"
    );
}
