//! The unit: what systemd says about it, and the server with the access that it leaves.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use support::{
    ReverseProxy, Running, Server, Stream, SystemdUnit, get, namespace::Namespace, sse, until,
};
use tempfile::TempDir;

use super::{SHOP, assert_delivers, blocks, save};
use crate::app::{ENV, OtherApp};

const HEADING: &str = "systemd";

/// What systemd calls OK. Without its hardening, the unit has 9.
const MAX_EXPOSURE: f64 = 2.0;

/// The app's folder, in which everything but the cache is read-only.
const READ_ONLY: &str = "mount --bind \"$1\" \"$1\" \
                         && mount --bind \"$1/writable/cache\" \"$1/writable/cache\" \
                         && mount -o remount,bind,ro \"$1\"";

/// The unit of the guide for this app, with the lines of this many of its overrides.
fn unit(shop: &OtherApp, overrides: usize) -> SystemdUnit {
    let ini = blocks(HEADING, "ini");
    assert_eq!(ini.len(), 3);
    let text = ini[..=overrides].concat();
    let text = text.replace("/usr/local/bin/sse", sse().to_str().unwrap());
    SystemdUnit::new(text.replace(SHOP, shop.path().to_str().unwrap()))
}

/// Starts the program of a unit as systemd would. `dir` is for its output.
fn start(unit: &SystemdUnit, namespace: &Namespace, dir: &Path) -> Server {
    let mut words = unit.setting("ExecStart").split(' ');
    let program = Path::new(words.next().unwrap());
    let mut command = namespace.command(program, Path::new("/"));
    command.args(words).args(["--listen", "127.0.0.1:0"]);
    Server::start_command(command, dir, &[])
}

#[test]
fn systemd_finds_no_mistake_in_the_units_and_little_exposure() {
    let (shop, dir) = (OtherApp::new(ENV), TempDir::new().unwrap());
    for overrides in 0..3 {
        unit(&shop, overrides).verify(dir.path());
    }
    let exposure = unit(&shop, 0).exposure(dir.path());
    assert!(exposure <= MAX_EXPOSURE, "{exposure}");
}

#[test]
fn the_server_delivers_across_a_restart_and_writes_to_the_cache_alone() {
    let (shop, dir) = (OtherApp::new(ENV), TempDir::new().unwrap());
    let unit = unit(&shop, 0);
    assert_eq!(
        Path::new(unit.setting("ReadWritePaths")),
        shop.path().join("writable/cache")
    );
    assert_eq!(unit.setting("ProtectSystem"), "strict");
    let namespace = Namespace::start(READ_ONLY, shop.path());
    let written = fs::write(namespace.outside_path(&shop.path().join("file")), "");
    assert!(written.is_err());
    let server = start(&unit, &namespace, dir.path());
    let last_id = assert_delivers(&server, shop.path());
    assert!(server.terminate().success());
    save(shop.path(), "2");
    let server = start(&unit, &namespace, dir.path());
    let stream = Stream::open(server.address(), "/sse/stream", Some(&last_id));
    assert_eq!(stream.next_event().value(), json!(2));
}

#[test]
fn nginx_reaches_the_server_by_a_socket() {
    let (shop, dir) = (OtherApp::new(ENV), TempDir::new().unwrap());
    let folder = dir.path().to_str().unwrap();
    let unit = blocks(HEADING, "ini")[1].replace("/run/sse-shop", folder);
    let unit = SystemdUnit::new(unit);
    let (name, address) = unit.setting("Environment").split_once('=').unwrap();
    let mut command = Command::new(sse());
    command
        .args(["serve", "--quiet", "-C"])
        .arg(shop.path())
        .env(name, address)
        .stdout(Stdio::null());
    let _server = Running(command.spawn().unwrap());
    let path = address.strip_prefix("unix:").unwrap();
    until("the server listens", || UnixStream::connect(path).ok());

    let line = blocks(HEADING, "nginx").remove(0);
    let line = line.replace("/run/sse-shop", folder);
    let nginx = ReverseProxy::nginx(dir.path(), |port| {
        format!(
            "listen 127.0.0.1:{port}; location / {{ proxy_set_header Host $http_host; {line} }}"
        )
    });
    let stream = Stream::open(nginx.address(), "/sse/stream", None);
    save(shop.path(), "1");
    assert_eq!(stream.next_event().value(), json!(1));
}

/// The system calls of a group, as systemd lists them. It lists groups in groups by their name.
fn system_calls(group: &str) -> BTreeSet<String> {
    let mut analyze = Command::new("systemd-analyze");
    let output = analyze.args(["syscall-filter", group]).output().unwrap();
    assert!(output.status.success(), "{group}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("    "));
    names
        .filter(|name| !name.starts_with('#'))
        .flat_map(|name| match name.starts_with('@') {
            true => system_calls(name),
            false => BTreeSet::from([name.to_owned()]),
        })
        .collect()
}

/// The names in the output of `strace -f`: the number of a thread, then the call.
fn called(trace: &str) -> BTreeSet<String> {
    let calls = trace.lines().filter_map(|line| line.split_once(' '));
    let names = calls.filter_map(|(_, call)| call.trim_start().split_once('('));
    names
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect()
}

#[test]
fn the_server_makes_only_system_calls_that_the_unit_allows() {
    let (shop, dir) = (OtherApp::new(ENV), TempDir::new().unwrap());
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    // With -D, the server has the id of the process that is started here.
    command.args(["-D", "-f", "-qqq", "--output"]).arg(&trace);
    command
        .arg(sse())
        .args(["serve", "--listen", "127.0.0.1:0", "-C"]);
    command.arg(shop.path());
    let server = Server::start_command(command, dir.path(), &[]);
    assert_eq!(get(server.address(), "/health").status, 200);
    assert_delivers(&server, shop.path());
    shop.write("writable/cache/event_cache_key1", "3");
    let stream = Stream::open(server.address(), "/sse/stream?latest=true", None);
    until("the drop-in arrives", || {
        (stream.next_event().value() == json!(3)).then_some(())
    });
    drop(stream);
    assert!(server.terminate().success());

    let called = until("strace has written the end", || {
        let text = fs::read_to_string(&trace).unwrap();
        Some(called(&text)).filter(|called| called.contains("exit_group"))
    });
    for expected in ["accept4", "epoll_wait", "inotify_add_watch", "renameat2"] {
        assert!(called.contains(expected), "{expected}: {called:?}");
    }
    let unit = unit(&shop, 0);
    let allowed = system_calls(unit.setting("SystemCallFilter"));
    let refused: Vec<_> = called.difference(&allowed).collect();
    assert!(refused.is_empty(), "{refused:?}");
}
