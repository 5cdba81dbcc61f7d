//! The clients of docs/guides/other-clients.md for Node.js and Python, across interruptions.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use support::{
    DEADLINE, ReservedPort, Running, app_with_short_streams, block_of_document, interrupt,
    workspace,
};

const GUIDE: &str = "guides/other-clients.md";

/// Runs the program and checks that it prints every value once, in order.
#[track_caller]
fn prints_each_value_once(command: impl FnOnce(&Path, &str) -> Command) {
    let app = app_with_short_streams();
    let port = ReservedPort::new();
    let server = app.start_on(&port);
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), server.address());
    command.current_dir(folder.path()).stdout(Stdio::piped());
    let mut program = Running(command.spawn().unwrap());
    let lines = lines(&mut program);
    let printed = RefCell::new(0);
    interrupt(&app, &port, server, |saved| {
        let mut printed = printed.borrow_mut();
        while *printed < saved {
            *printed += 1;
            let line = lines.recv_timeout(DEADLINE).unwrap();
            assert_eq!(line, printed.to_string());
        }
    });
}

fn lines(program: &mut Running) -> Receiver<String> {
    let output = BufReader::new(program.stdout.take().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The guide's program, for the server at this address.
fn program(heading: &str, language: &str, address: &str) -> String {
    let code = block_of_document(GUIDE, heading, language);
    assert!(code.contains("127.0.0.1:8080"), "{code}");
    code.replace("127.0.0.1:8080", address)
}

fn python(heading: &str, folder: &Path, address: &str) -> Command {
    let packages = workspace().join("target/tools/python");
    assert!(
        packages.is_dir(),
        "the packages are missing\nhelp: run `tests/setup`"
    );
    let file = folder.join("listen.py");
    fs::write(&file, program(heading, "python", address)).unwrap();
    let mut command = Command::new("python3");
    command.arg(file).env("PYTHONPATH", packages);
    command
}

#[test]
fn python_with_httpx_prints_each_value_once() {
    prints_each_value_once(|folder, address| python("Python with httpx", folder, address));
}

#[test]
fn python_with_requests_prints_each_value_once() {
    prints_each_value_once(|folder, address| python("Python with requests", folder, address));
}

#[test]
fn eventsource_in_node_prints_each_value_once() {
    prints_each_value_once(|folder, address| {
        let packages = workspace().join("tests/browsers/packages/node_modules");
        assert!(
            packages.is_dir(),
            "the packages are missing\nhelp: run `tests/setup`"
        );
        symlink(packages, folder.join("node_modules")).unwrap();
        fs::write(folder.join("listen.mjs"), program("Node.js", "js", address)).unwrap();
        let mut command = Command::new("node");
        command.arg("listen.mjs");
        command
    });
}
