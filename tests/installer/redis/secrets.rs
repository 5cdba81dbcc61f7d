//! Neither the user nor the password of Redis is in any output.

use std::fs;

use support::{
    App, get,
    redis::{RedisServer, Sentinel},
    until,
};

use super::{app_with_cache, durable};
use crate::hello::{Hello, command};

const USER: &str = "adele";
const PASSWORD: &str = "se-cret";

const COMMANDS: &[&[&str]] = &[
    &["status"],
    &["status", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["save", "event_cache_key1", "1"],
    &["get", "event_cache_key1"],
    &["delete", "event_cache_key1"],
    &["revoke", "user:42"],
    &["listen", "--timeout", "0.1"],
    &["install", "--dry-run"],
    &["uninstall", "--dry-run"],
];

#[track_caller]
fn assert_secret(context: &str, text: &str) {
    for secret in [USER, PASSWORD, "se%2Dcret", "wrong-one"] {
        assert!(!text.contains(secret), "{context}: {text}");
    }
}

/// Runs all commands, with these environment variables.
#[track_caller]
fn assert_no_output_shows_secrets(hello: &Hello, environment: &[(&str, &str)]) {
    for arguments in COMMANDS {
        let mut command = command(hello.path());
        let command = command.args(*arguments).envs(environment.iter().copied());
        let output = command.output().unwrap();
        for text in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(text);
            assert_secret(&arguments.join(" "), &text);
        }
    }
}

#[test]
fn no_command_shows_user_or_password() {
    let server =
        RedisServer::start(durable().user(USER, &format!("on >{PASSWORD} ~* +@all -xtrim")));
    let sentinel = Sentinel::start(&server);
    let (address, sentinel) = (server.address(), sentinel.address());
    let login = format!("{USER}:{PASSWORD}");
    for url in [
        format!("redis://{login}@{address}"),
        format!("redis://{USER}:se%2Dcret@{address}"),
        format!("redis://{USER}:wrong-one@{address}"),
        format!("redis://{login}@127.0.0.1:1"),
        format!("rediss://{login}@{address}"),
        format!("redis+sentinel://{login}@{sentinel}/{}", Sentinel::SERVICE),
        format!(
            "redis+sentinel://a:b@{sentinel}/none?sentinel_user={USER}&sentinel_password={PASSWORD}"
        ),
        // Mistakes.
        format!("redis:/{login}@{address}"),
        format!("redis://{USER}:{PASSWORD}/x@{address}"),
        format!("redis://{login}#x@{address}"),
        format!("redis://{USER}:{PASSWORD}"),
        format!("redis://{login}@{address}?pasword={PASSWORD}"),
        format!("redis://{login}@{address}/{PASSWORD}"),
        format!("redis://{login}@{address}?prefix={{{PASSWORD}}}"),
        format!("reddis://{login}@{address}"),
        format!(":{PASSWORD}@redis://{address}"),
    ] {
        assert_no_output_shows_secrets(&app_with_cache(&url), &[]);
    }
    // A variable that overrides another address.
    let hello = app_with_cache(&format!("redis://{USER}:wrong-one@{address}"));
    let url = format!("redis://{login}@{address}");
    assert_no_output_shows_secrets(&hello, &[("SSE_CACHE", &url)]);
}

#[test]
fn no_log_or_page_of_the_starter_shows_user_or_password() {
    let server = RedisServer::start(durable().user(USER, &format!("on >{PASSWORD} ~* +@all")));
    let env =
        |url: &str| format!("SSE_EVENTS=order:orders\nSSE_CACHE={url}\nSSE_POLL_INTERVAL=0.1\n");
    let valid = format!("redis://{USER}:{PASSWORD}@{}", server.address());
    let app = App::with_env(&env(&valid));
    let app_server = app.start();
    let pages = || {
        for path in ["/info", "/health", "/sse/stream?events=none", "/"] {
            let answer = get(app_server.address(), path);
            assert_secret(path, &answer.body);
        }
    };
    pages();
    for (url, problem) in [
        (
            format!("redis://{USER}:wrong-one@{}", server.address()),
            "does not accept",
        ),
        (
            format!("redis://{USER}:{PASSWORD}/@{}", server.address()),
            "`%2F`",
        ),
    ] {
        fs::write(app.path().join(".env"), env(&url)).unwrap();
        app_server.wait_for_log(problem);
        pages();
    }
    assert_secret("log", &(app_server.log() + &app_server.output()));
}

/// The greeting names a file only if the app takes files.
#[test]
fn the_starter_shows_no_command_for_files_without_drop_ins() {
    let server = RedisServer::start(durable());
    for (setting, has_files) in [("", true), ("SSE_DROP_INS=off\n", false)] {
        let cache = server.address();
        let env = format!("SSE_EVENTS=order:orders\nSSE_CACHE=redis://{cache}\n{setting}");
        let app = App::with_env(&env);
        let app_server = app.start();
        let info = get(app_server.address(), "/info").body.clone();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        assert_eq!(info["events"][0]["file"].is_string(), has_files, "{info}");
        let greeting = until("the greeting is complete", || {
            let output = app_server.output();
            output.contains("save orders").then_some(output)
        });
        assert_eq!(greeting.contains("echo 1 > "), has_files, "{greeting}");
    }
}
