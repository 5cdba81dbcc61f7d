//! `sse doctor` on the app's `.env`.

use std::fs;

use crate::{
    doctor::findings::{examine, findings, installed, problems},
    hello::{Ran, command, sse_in},
};

#[test]
fn env_lines_without_effect_are_named() {
    let hello = installed();
    let mut env = hello.read(".env");
    let line = env.lines().count();
    env.push_str("SSE_TTL=5\nPASSWORD=two words\nSSE_POOL_INTERVAL=1\nSSE_TTL=6\n");
    hello.write(".env", &env);
    let found = problems(&examine(&hello));
    assert_eq!(found.len(), 3, "{found:#?}");
    found[0].assert_is(
        "warning",
        "env",
        &format!("line {} of .env cannot be read", line + 2),
        "quote",
    );
    let first = line + 1;
    let repeated = format!(
        "SSE_TTL is set on lines {first}, {} of .env: only line {first} takes effect",
        line + 4
    );
    found[1].assert_is("warning", "env", &repeated, "keep one");
    let misspelt = format!("SSE_POOL_INTERVAL on line {} of .env", line + 3);
    found[2].assert_is(
        "warning",
        "env",
        &misspelt,
        "did you mean SSE_POLL_INTERVAL?",
    );
    assert!(!found[0].what.contains("words"), "it may be a password");
}

#[test]
fn a_value_is_shown_with_its_source_and_what_overrides_it() {
    let hello = installed();
    let ran = |variable: &str, value: &str| {
        let mut command = command(hello.path());
        let output = command
            .args(["doctor", "--json"])
            .env(variable, value)
            .output();
        Ran::from_output(&output.unwrap())
    };
    let found = findings(&ran("SSE_TTL", "7"));
    let value = "SSE_TTL is 7 s (environment)";
    assert!(found.iter().any(|found| found.what == value), "{found:#?}");
    let found = problems(&ran("SSE_POLL_INTERVAL", "3"));
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is(
        "warning",
        "env",
        "SSE_POLL_INTERVAL on line",
        "unset SSE_POLL_INTERVAL",
    );
    assert_eq!(
        problems(&ran("SSE_POLL_INTERVAL", "2")),
        [],
        "it says the same"
    );
    let found = problems(&ran("SSE_EVENTS", "a"));
    found[0].assert_is(
        "error",
        "config",
        "SSE_EVENTS (an environment variable)",
        "SSE_EVENTS=a:a",
    );
}

#[test]
fn a_second_env_file_is_found() {
    let hello = installed();
    fs::write(hello.outside().join(".env"), "A=1\n").unwrap();
    let found = findings(&examine(&hello));
    assert!(
        found
            .iter()
            .any(|found| found.level == "note" && found.what.contains("another .env is above")),
        "{found:#?}"
    );
    // However its folder is named.
    let way = format!("../{}", hello.path().file_name().unwrap().to_str().unwrap());
    assert_eq!(problems(&hello.sse(&["-C", &way, "doctor", "--json"])), []);
    let app = hello.path().to_str().unwrap();
    let found = problems(&sse_in(hello.outside(), &["-C", app, "doctor", "--json"]));
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is(
        "warning",
        "env",
        "but `dotenvy::dotenv()` reads ",
        "its own folder",
    );
}

#[cfg(feature = "tools")]
#[test]
fn an_env_file_that_git_does_not_ignore_is_a_note() {
    let hello = installed();
    let git = std::process::Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(hello.path())
        .status();
    assert!(git.unwrap().success());
    let noted = || {
        let found = findings(&examine(&hello));
        found
            .iter()
            .any(|found| found.level == "note" && found.what.contains("git does not ignore"))
    };
    assert!(noted());
    hello.write(".gitignore", ".env\n");
    assert!(!noted());
}
