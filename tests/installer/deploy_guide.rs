//! docs/guides/deploy.md, followed as it is written, with other paths and ports.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use support::{
    ReservedPort, ReverseProxy, Running, Stream, SystemdUnit, blocks_of_document, get,
    namespace::Namespace, sse_in, until,
};

use crate::{
    compiled,
    doctor::findings::{examine_url, problems},
    hello::Hello,
};

const GUIDE: &str = "guides/deploy.md";

/// `/srv/shop`, in which everything but `writable` is read-only.
const READ_ONLY: &str = "mount --bind \"$1\" \"$1\" && mount --bind \"$1/writable\" \"$1/writable\" \
                         && mount -o remount,bind,ro \"$1\"";

fn block(heading: &str, language: &str) -> String {
    blocks_of_document(GUIDE, heading, language).swap_remove(0)
}

/// The app of the guide, installed, and its program.
fn shop() -> (Hello, PathBuf) {
    let hello = Hello::new();
    hello.write("src/main.rs", &block("The app", "rust"));
    hello.sse_succeeds(&["install"]);
    let program = compiled::build(&hello);
    (hello, program)
}

/// Sets the variables as the guide does, except for the port.
#[track_caller]
fn set_variables(command: &mut Command, variables: &str, address: &str) {
    let (_, port) = address.split_once(':').unwrap();
    for variable in variables.split(' ') {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, if name == "PORT" { port } else { value });
    }
}

#[track_caller]
fn wait_until_it_answers(shop: &mut Running, address: &str) {
    until("the shop answers", || {
        let ended = shop.try_wait().unwrap();
        assert!(ended.is_none(), "the shop has ended: {ended:?}");
        TcpStream::connect(address).ok()
    });
}

#[track_caller]
fn save(folder: &Path, value: &str) {
    let mut save = sse_in(folder);
    save.args(["save", "--quiet", "event_cache_key1", value]);
    assert!(save.status().unwrap().success());
}

/// Waits for the events that are saved from now on, and returns the id of the last one.
#[track_caller]
fn assert_delivers(address: &str, folder: &Path) -> String {
    for script in ["/js/sse-client.js", "/js/sse.js"] {
        assert_eq!(get(address, script).status, 200, "{script}");
    }
    let stream = Stream::open(address, "/sse/stream", None);
    save(folder, "1");
    let event = stream.next_event();
    assert_eq!((event.name(), event.value()), ("event_name1", json!(1)));
    event.id.unwrap()
}

/// Runs the commands that install the app, with another folder and as this user.
fn install_on_server(hello: &Hello, program: &Path, folder: &str) {
    fs::create_dir_all(hello.path().join("target/release")).unwrap();
    fs::copy(program, hello.path().join("target/release/shop")).unwrap();
    let commands = block("systemd", "console");
    let built = commands.strip_prefix("$ cargo build --release\n").unwrap();
    let script = built
        .replace("$ sudo ", "")
        .replace(" --owner shop", "")
        .replace(" --group shop", "")
        .replace("/srv/shop", folder);
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", &script]).current_dir(hello.path());
    assert!(shell.status().unwrap().success(), "{script}");
}

/// Starts the program of a unit as systemd would.
fn start(unit: &SystemdUnit, namespace: &Namespace, address: &str) -> Running {
    let folder = Path::new(unit.setting("WorkingDirectory"));
    let mut command = namespace.command(Path::new(unit.setting("ExecStart")), folder);
    set_variables(&mut command, unit.setting("Environment"), address);
    let mut shop = Running(command.spawn().unwrap());
    wait_until_it_answers(&mut shop, address);
    shop
}

#[test]
fn a_systemd_service_delivers_across_a_restart_with_a_writable_cache_folder_alone() {
    let (hello, program) = shop();
    let server = tempfile::tempdir().unwrap();
    let folder = server.path().canonicalize().unwrap();
    install_on_server(&hello, &program, folder.to_str().unwrap());
    let unit = block("systemd", "ini").replace("/srv/shop", folder.to_str().unwrap());
    let unit = SystemdUnit::new(unit);
    assert_eq!(
        Path::new(unit.setting("ReadWritePaths")),
        folder.join("writable")
    );

    unit.verify(hello.outside());

    let namespace = Namespace::start(READ_ONLY, &folder);
    assert!(fs::write(namespace.outside_path(&folder.join("file")), "").is_err());
    let port = ReservedPort::new();
    let address = port.address();
    let mut shop = start(&unit, &namespace, &address);
    let last_id = assert_delivers(&address, &folder);
    kill_process(Pid::from_child(&shop), Signal::TERM).unwrap();
    let status = until("the shop ends", || shop.try_wait().unwrap());
    assert!(status.success(), "{status}");
    save(&folder, "2");
    let _shop = start(&unit, &namespace, &address);
    let stream = Stream::open(&address, "/sse/stream", Some(&last_id));
    assert_eq!(stream.next_event().value(), json!(2));
}

/// Whether Docker leaves this file or folder out.
fn is_ignored(name: &str, patterns: &str) -> bool {
    let matches = |pattern: &str| pattern == name || (pattern == ".*" && name.starts_with('.'));
    let mut ignored = false;
    for pattern in patterns.lines() {
        match pattern.strip_prefix('!') {
            Some(exception) if matches(exception) => ignored = false,
            None if matches(pattern) => ignored = true,
            _ => {}
        }
    }
    ignored
}

/// Does what the lines `COPY` of a stage do with the app's folder.
#[track_caller]
fn copy(stage: &str, from: &Path, to: &Path) {
    let ignored = block("Docker", "text");
    for line in stage.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        if line.starts_with("--from=build ") {
            continue;
        }
        let (sources, target) = line.rsplit_once(' ').unwrap();
        for source in sources.split(' ') {
            assert!(!is_ignored(source, &ignored), "{source}");
            let target = if target == "./" { source } else { target };
            let mut cp = Command::new("cp");
            cp.arg("-r").arg(from.join(source)).arg(to.join(target));
            assert!(cp.status().unwrap().success(), "{line}");
        }
    }
}

#[test]
fn an_image_has_what_the_app_needs_to_build_and_to_run() {
    let (hello, _) = shop();
    for name in ["target", "writable", ".git"] {
        assert!(is_ignored(name, &block("Docker", "text")), "{name}");
    }
    let file = block("Docker", "dockerfile");
    let (build, run) = file.split_once("\n\n").unwrap();
    assert!(
        build.ends_with("RUN cargo build --locked --release"),
        "{build}"
    );

    let clean = Hello::new();
    fs::remove_dir_all(clean.path()).unwrap();
    fs::create_dir(clean.path()).unwrap();
    copy(build, hello.path(), clean.path());
    let program = compiled::build(&clean);

    let image = tempfile::tempdir().unwrap();
    copy(run, hello.path(), image.path());
    fs::create_dir(image.path().join("writable")).unwrap();
    let port = ReservedPort::new();
    let address = port.address();
    let mut command = Command::new(program);
    command
        .current_dir(image.path())
        .env_remove("CARGO_MANIFEST_DIR");
    let variables = run
        .lines()
        .find_map(|line| line.strip_prefix("ENV "))
        .unwrap();
    set_variables(&mut command, variables, &address);
    let mut shop = Running(command.spawn().unwrap());
    wait_until_it_answers(&mut shop, &address);
    assert_delivers(&address, image.path());
    assert!(
        image.path().join("writable/cache").is_dir(),
        "what the volume keeps"
    );
    assert!(block("Docker", "yaml").contains(":/app/writable\n"));
}

#[test]
fn an_app_below_a_sub_path_is_reached_by_the_addresses_of_the_guide() {
    const HEADING: &str = "Below a sub-path";
    let (hello, program) = shop();
    let client = "public/js/sse-client.js";
    let line = "  const sse = new SseClient('/sse/stream');\n";
    hello.replace(client, line, &block(HEADING, "js"));
    let port = ReservedPort::new();
    let address = port.address();
    let mut command = Command::new(program);
    command
        .current_dir(hello.path())
        .env_remove("CARGO_MANIFEST_DIR");
    set_variables(&mut command, "HOST=127.0.0.1 PORT=", &address);
    let mut shop = Running(command.spawn().unwrap());
    wait_until_it_answers(&mut shop, &address);

    let location = block(HEADING, "nginx").replace("127.0.0.1:8080", &address);
    let proxy = ReverseProxy::nginx(hello.outside(), |port| {
        format!("listen 127.0.0.1:{port}; {location}")
    });
    let tag = block(HEADING, "html");
    let script = tag.split('"').nth(1).unwrap();
    assert_eq!(get(proxy.address(), script).status, 200);
    let imported = script.replace("sse-client.js", "sse.js");
    assert_eq!(get(proxy.address(), &imported).status, 200);
    let js = block(HEADING, "js");
    let stream = Stream::open(proxy.address(), js.split('\'').nth(1).unwrap(), None);
    save(hello.path(), "1");
    assert_eq!(stream.next_event().value(), json!(1));

    let doctor = block(HEADING, "console");
    let url = doctor
        .trim()
        .strip_prefix("$ sse doctor https://app.example");
    let url = format!("http://{}{}", proxy.address(), url.unwrap());
    assert_eq!(problems(&examine_url(&url, &[])), []);
}
