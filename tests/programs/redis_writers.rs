//! The programs of docs/guides/several-machines.md that save in Redis from other languages.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use support::{
    App, Running, Stream, block_of_document,
    redis::{Forwarder, RedisOptions, RedisServer, Traffic},
    until, workspace,
};

const GUIDE: &str = "guides/several-machines.md";

/// A server with the settings of the guide.
fn redis_of_the_guide() -> RedisServer {
    let lines = block_of_document(GUIDE, "Redis", "conf");
    let options = RedisOptions::new().connect_as("admin", "ADMIN_PASSWORD");
    RedisServer::start(lines.lines().fold(options, |options, line| {
        let (directive, value) = line.split_once(' ').unwrap();
        options.set(directive, value)
    }))
}

fn app_in(redis: &RedisServer) -> App {
    App::with_env(&format!(
        "SSE_STREAM_DURATION=0\nSSE_EVENTS=order:orders,invoice:invoices:private\n\
         SSE_CACHE=redis://shop:PASSWORD@127.0.0.1:{}/0?prefix=shop\n",
        redis.port()
    ))
}

/// Redis loads a transaction from its file only if the default user may execute its commands, even if nobody can log in
/// as that user.
#[test]
fn redis_with_the_settings_of_the_guide_keeps_what_was_saved_when_it_is_killed() {
    let mut redis = redis_of_the_guide();
    let app = app_in(&redis);
    app.save("orders", "42");
    redis.restart();
    let saved = app.run_sse(&["get", "orders"]).stdout;
    assert_eq!(String::from_utf8(saved).unwrap().trim(), "42");
}

/// The guide's program, for Redis at this port. It waits for a line before its second save.
fn program(heading: &str, language: &str, port: u16, second_save: &str, wait: &str) -> String {
    let code = block_of_document(GUIDE, heading, language);
    assert!(
        code.contains("6379") && code.contains(second_save),
        "{code}"
    );
    code.replace("6379", &port.to_string())
        .replace(second_save, &format!("{wait}\n{second_save}"))
}

/// Runs the program while its second answer is lost, and checks that both values are saved once.
#[track_caller]
fn saves_once_although_an_answer_is_lost(command: impl FnOnce(&Path, u16) -> Command) {
    let redis = redis_of_the_guide();
    let connections = Forwarder::to(redis.port());
    let app = app_in(&redis);
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    fs::copy(
        workspace().join("docs/guides/save.lua"),
        app.path().join("save.lua"),
    )
    .unwrap();
    let mut command = command(app.path(), connections.port());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = Running(command.spawn().unwrap());
    let mut printed = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut next_line = || printed.next().unwrap().unwrap();
    let count = || redis.command::<u64>(&["XLEN", "{shop}:s"]).unwrap();

    let event = stream.next_event();
    assert_eq!(event.value(), serde_json::json!({"order": 42}));
    assert_eq!(Some(next_line()), event.id);
    connections.set_traffic(Traffic::WithoutAnswers);
    writeln!(program.stdin.as_ref().unwrap()).unwrap();
    until("the value is saved", || (count() == 2).then_some(()));
    connections.set_traffic(Traffic::Forwarded);
    let number = next_line();
    assert!(number.ends_with("-2"), "{number}");
    assert!(program.wait().unwrap().success());
    assert_eq!(count(), 2);

    let saved = app.run_sse(&["get", "invoices", "--to", "user:4"]).stdout;
    assert_eq!(String::from_utf8(saved).unwrap().trim(), r#"{"order":42}"#);
    // Only the public value reaches everyone.
    app.save("orders", "43");
    assert_eq!(stream.next_event().value(), 43);
}

#[test]
fn python_saves_once_although_an_answer_is_lost() {
    let packages = workspace().join("target/tools/python");
    assert!(
        packages.is_dir(),
        "the packages are missing\nhelp: run `tests/setup`"
    );
    saves_once_although_an_answer_is_lost(|folder, port| {
        let second = "print(save(\"invoices\"";
        let code = program("Save from Python", "python", port, second, "input()");
        // Without spaces, as PHP writes it.
        let code = code.replace("allow_nan=False", "allow_nan=False, separators=(',', ':')");
        let file = folder.join("save.py");
        fs::write(&file, code).unwrap();
        let mut command = Command::new("python3");
        command.arg("-u").arg(file).env("PYTHONPATH", packages);
        command
    });
}

#[test]
fn php_saves_once_although_an_answer_is_lost() {
    saves_once_although_an_answer_is_lost(|folder, port| {
        let second = "echo save_event('invoices'";
        let code = program("Save from PHP", "php", port, second, "fgets(STDIN);");
        let file = folder.join("save.php");
        fs::write(&file, code).unwrap();
        let mut command = Command::new("php");
        command.arg(file);
        command
    });
}
