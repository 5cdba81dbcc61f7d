//! Completion in real shells.

use std::{env, ffi::OsString, process::Command};

use support::App;

use crate::{
    cases::terminal::Terminal,
    hello::{Hello, Ran},
};

/// Both events of the first key, and the key of a third.
const ENV: &str = "SSE_EVENTS=order:orders,sold:orders,stock:stock_levels\n";

/// The variable `PATH`, in which the shell finds `sse`.
fn path_with_sse() -> OsString {
    let mut path = OsString::from(support::sse().parent().unwrap());
    path.push(":");
    path.push(env::var_os("PATH").unwrap());
    path
}

/// Runs a shell without the user's settings.
fn shell(app: &App, program: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(app.path())
        .env("PATH", path_with_sse())
        .env("HOME", app.path())
        .env_remove("CARGO_MANIFEST_DIR");
    let output = command.output();
    Ran::from_output(&output.unwrap_or_else(|error| panic!("{program}: {error}")))
}

/// Calls the function that bash calls at TAB, and prints its candidates.
const PRESS_TAB_IN_BASH: &str = r#"
    source <(sse completions bash)
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
    _clap_complete_sse sse "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]}"
"#;

#[test]
fn bash_completes_commands_keys_events_and_options() {
    let app = App::with_env(ENV);
    let dir = app.path().to_str().unwrap();
    for (words, candidates) in [
        (&["un"][..], "uninstall"),
        (&["save", ""], "orders stock_levels"),
        (&["save", "st"], "stock_levels"),
        (&["get", ""], "orders stock_levels"),
        (&["delete", "o"], "orders"),
        (
            &["doctor", "localhost:8080", "--save", ""],
            "orders stock_levels",
        ),
        (&["listen", "--events", ""], "order sold stock"),
        (&["listen", "--events", "order,s"], "order,sold order,stock"),
        (&["save", "--t"], "--text --ttl --to"),
        (&["completions", "z"], "zsh"),
        (&["-C", dir, "save", "st"], "stock_levels"),
        (&["save", "-C", "/", "st"], ""),
        (&["save", "x"], ""),
    ] {
        let words = [&["--norc", "-c", PRESS_TAB_IN_BASH, "bash", "sse"], words].concat();
        let ran = shell(&app, "bash", &words);
        assert_eq!(
            (ran.code, ran.out.trim(), &*ran.err),
            (0, candidates, ""),
            "{:?}",
            &words[5..]
        );
    }
}

#[test]
fn fish_completes_keys_and_events_with_their_meaning() {
    let app = App::with_env(ENV);
    let script = "sse completions fish | source; complete -C 'sse save st'; complete -C 'sse listen --events order,s'";
    let ran = shell(&app, "fish", &["--no-config", "-c", script]);
    let expected =
        "stock_levels\ttriggers stock\norder,sold\tof orders\norder,stock\tof stock_levels\n";
    assert_eq!((ran.code, &*ran.out), (0, expected), "{}", ran.err);
}

#[test]
fn a_private_key_is_completed_with_its_mark_as_a_description() {
    let app = App::with_env("SSE_EVENTS=invoice:invoices:private,stock:stock_levels\n");
    let script =
        "sse completions fish | source; complete -C 'sse save '; complete -C 'sse revoke ./'";
    let ran = shell(&app, "fish", &["--no-config", "-c", script]);
    let expected = "invoices\tprivate, triggers invoice\nstock_levels\ttriggers stock\n";
    assert_eq!((ran.code, &*ran.out), (0, expected), "{}", ran.err);
}

/// Presses TAB in the middle of a key, and Enter. Then the value is saved under the whole key.
fn saves_by_tab(shell: &str, setup: &str) {
    let app = App::with_env(ENV);
    let path = path_with_sse();
    let variables = [("PATH", &*path), ("HOME", app.path().as_os_str())];
    // A shell that shows something else than expected would wait for ever.
    let line = format!("timeout --foreground 60 {shell}");
    let mut terminal = Terminal::run(app.path(), &line, &variables);
    // The quotes keep the typed line apart from its output.
    terminal.press(&format!("{setup}; echo set''up\n"));
    terminal.wait_for("setup");
    let (code, shown) = terminal.answer("sse save st\t\nexit\n");
    assert!(
        code == 0 && shown.contains("saved stock_levels ("),
        "{code}: {shown}"
    );
    let saved = app.run_sse(&["get", "stock_levels"]).stdout;
    assert_eq!(saved, b"1\n", "{shown}");
}

#[test]
fn a_key_is_completed_at_the_prompt_of_bash() {
    saves_by_tab(
        "bash --norc --noprofile -i",
        "source <(sse completions bash)",
    );
}

#[test]
fn a_key_is_completed_at_the_prompt_of_zsh() {
    saves_by_tab(
        "zsh -f -i",
        "autoload -U compinit; compinit -u -D; source <(sse completions zsh)",
    );
}

#[test]
fn a_named_pipe_is_not_read_at_tab() {
    let app = App::with_env(ENV);
    let pipe = app.path().join(".env");
    std::fs::remove_file(&pipe).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let words = [
        "--norc",
        "-c",
        PRESS_TAB_IN_BASH,
        "bash",
        "sse",
        "save",
        "st",
    ];
    // Builds the command, if that is needed.
    path_with_sse();
    let start = std::time::Instant::now();
    assert_eq!(shell(&app, "bash", &words).out.trim(), "");
    assert!(
        start.elapsed() < std::time::Duration::from_secs(20),
        "it was waited for"
    );
}

#[test]
fn a_script_is_printed_for_every_shell() {
    let hello = Hello::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = hello.sse(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains("_SSE_COMPLETE"), "{shell}: {}", ran.out);
    }
}
