//! The `.env` file.

use std::fs;

use super::{KEYS, assert_refused, install_and_uninstall, snapshot, variables};
use crate::hello::Hello;

fn with_env(env: &[u8]) -> Hello {
    let hello = Hello::new();
    fs::write(hello.path().join(".env"), env).unwrap();
    hello
}

#[track_caller]
fn install_and_uninstall_env(env: &str) {
    install_and_uninstall(&with_env(env.as_bytes()));
}

#[test]
fn a_missing_env_file_is_created_and_removed() {
    install_and_uninstall(&Hello::new());
}

#[test]
fn an_empty_env_file_is_restored() {
    let hello = with_env(b"");
    install_and_uninstall(&hello);
    assert_eq!(hello.read(".env"), "");
}

#[test]
fn a_missing_final_newline_stays_missing() {
    install_and_uninstall_env("A=1\nB=2");
    install_and_uninstall_env("# a comment");
}

#[test]
fn windows_line_endings_are_kept() {
    let hello = with_env(b"A=1\r\nB=2\r\n");
    hello.sse_succeeds(&["install"]);
    let env = hello.read(".env");
    assert_eq!(env.matches('\n').count(), env.matches("\r\n").count());
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\r\nB=2\r\n");
    install_and_uninstall_env("A=1\r\nB=2");
}

#[test]
fn mixed_line_endings_are_kept() {
    install_and_uninstall_env("A=1\r\nB=2\nC=3\n");
    install_and_uninstall_env("A=1\nB=2\r\nC=3\r\nD=4");
    // Our lines end like most of the owner's.
    for (env, is_windows) in [("A=1\r\nB=2\nC=3\n", false), ("A=1\nB=2\r\nC=3\r\n", true)] {
        let hello = with_env(env.as_bytes());
        hello.sse_succeeds(&["install"]);
        let ours = hello.read(".env").split_off(env.len());
        let windows = ours.matches("\r\n").count();
        let expected = if is_windows {
            ours.matches('\n').count()
        } else {
            0
        };
        assert_eq!(windows, expected, "{ours:?}");
    }
    // By the time of the removal, most lines may end differently.
    let hello = with_env(b"A=1\nB=2");
    hello.sse_succeeds(&["install"]);
    let owners = "C=1\r\n".repeat(20);
    hello.write(".env", &format!("{owners}{}", hello.read(".env")));
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), format!("{owners}A=1\nB=2"));
}

#[test]
fn a_lone_final_carriage_return_is_kept() {
    install_and_uninstall_env("A=1\r");
    install_and_uninstall_env("A=1\nB=2\r");
}

#[test]
fn a_byte_order_mark_is_kept() {
    install_and_uninstall_env("\u{feff}A=1\n");
    install_and_uninstall_env("\u{feff}");
    let hello = with_env("\u{feff}A=1\n".as_bytes());
    hello.sse_succeeds(&["install"]);
    assert!(hello.read(".env").starts_with("\u{feff}A=1\n"));
}

#[test]
fn bytes_that_dotenvy_cannot_read_are_refused() {
    assert_refused(&with_env(b"A=1\nB=\xff\n"), ".env line 2");
    // dotenvy reads a NUL like any other character.
    install_and_uninstall_env("A=a\0b\n");
    assert_refused(&with_env(b"A=1\n\0\n"), ".env line 2");
}

#[test]
fn blank_lines_at_the_end_are_kept() {
    install_and_uninstall_env("A=1\n\n\n\n");
    install_and_uninstall_env("\n\n");
    install_and_uninstall_env("A=1\r\n\r\n");
}

#[test]
fn a_setting_that_exists_keeps_its_value() {
    let hello = with_env(b"SSE_EVENTS=order:orders\n");
    hello.sse_succeeds(&["install"]);
    let env = hello.read(".env");
    assert_eq!(env.matches("SSE_EVENTS=").count(), 1, "{env}");
    install_and_uninstall_env("SSE_EVENTS=order:orders\n");
    install_and_uninstall_env("SSE_STREAM_DURATION=300");
}

#[test]
fn an_exported_setting_keeps_its_value() {
    install_and_uninstall_env("export SSE_EVENTS=order:orders\nexport A=1\n");
    install_and_uninstall_env("export   SSE_POLL_INTERVAL = 5\n");
}

#[test]
fn existing_settings_keep_their_values() {
    let env = "SSE_STREAM_DURATION=300\nSSE_POLL_INTERVAL=1\nSSE_EVENTS=order:orders\n";
    install_and_uninstall_env(env);
    let hello = with_env(env.as_bytes());
    hello.sse_succeeds(&["install"]);
    let owners = variables(env.as_bytes());
    assert_eq!(variables(hello.read(".env").as_bytes()), owners);
}

#[test]
fn a_setting_in_a_comment_counts_as_missing() {
    let hello = with_env(b"# SSE_EVENTS=order:orders\n#SSE_POLL_INTERVAL=7\n");
    install_and_uninstall(&hello);
    hello.sse_succeeds(&["install"]);
    let values = variables(hello.read(".env").as_bytes());
    for (key, value) in KEYS {
        assert_eq!(values[key], value);
    }
}

#[test]
fn the_first_of_duplicate_settings_takes_effect() {
    let hello = with_env(b"SSE_EVENTS=a:b\nA=1\nSSE_EVENTS=c:d\n");
    install_and_uninstall(&hello);
    hello.sse_succeeds(&["install"]);
    assert_eq!(
        variables(hello.read(".env").as_bytes())["SSE_EVENTS"],
        "a:b"
    );
    let listeners = hello.read("public/js/sse-client.js");
    assert!(
        listeners.contains("sse.on('a',") && !listeners.contains("'c'"),
        "{listeners}"
    );
}

#[test]
fn a_setting_inside_a_multiline_value_counts_as_missing() {
    let env =
        "TEXT='\nSSE_EVENTS=no:no\nSSE_POLL_INTERVAL=9\n'\nMORE=\"a \\\"\nSSE_EVENTS=no:no\"\n";
    install_and_uninstall_env(env);
    let hello = with_env(env.as_bytes());
    hello.sse_succeeds(&["install"]);
    assert_eq!(
        variables(hello.read(".env").as_bytes())["SSE_EVENTS"],
        KEYS[2].1
    );
}

#[test]
fn an_unclosed_quote_is_refused() {
    assert_refused(&with_env(b"A=1\nTITLE='it\nB=2\n"), ".env line 2");
    assert_refused(&with_env(b"A=\"open"), ".env line 1");
    assert_refused(&with_env(b"A=1\nit's\n"), ".env line 2");
    // An apostrophe in a comment is not a quote.
    install_and_uninstall_env("# it's\nA=1\n");
    install_and_uninstall_env("# it's");
}

/// The block exists already, and dotenvy reads it as a part of the value.
#[test]
fn an_unclosed_quote_before_the_block_is_refused() {
    let hello = with_env(b"A=1\n");
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "A=1\n", "A=1\nTITLE='it\n");
    let before = snapshot(hello.path());
    for command in ["install", "uninstall", "status"] {
        let ran = hello.sse(&[command]);
        ran.fails(3, ".env line 2: a quote opens here and is never closed");
        assert_eq!(snapshot(hello.path()), before, "{command}");
    }
    hello.replace(".env", "TITLE='it\n", "TITLE='it'\n");
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\nTITLE='it'\n");
}

#[test]
fn an_unreadable_line_is_refused() {
    for bad in ["two words\n", "A=a b\n", "A=1 \\\n"] {
        assert_refused(&with_env(bad.as_bytes()), ".env line 1");
    }
}

#[test]
fn unpaired_markers_are_refused_and_indented_ones_are_found() {
    const BEGIN: &str = "# >>> sse >>>\n";
    const END: &str = "# <<< sse <<<\n";
    for env in [
        BEGIN.to_owned(),
        END.to_owned(),
        format!("{END}{BEGIN}"),
        format!("{BEGIN}{BEGIN}{END}"),
        format!("{BEGIN}{END}{BEGIN}{END}"),
    ] {
        let hello = with_env(env.as_bytes());
        assert_refused(&hello, "do not pair up");
        hello.sse(&["uninstall"]).fails(3, "do not pair up");
        assert_eq!(hello.read(".env"), env);
    }
    let hello = with_env(b"A=1\n");
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "# >>> sse >>>", "  # >>> sse >>>");
    hello.replace(".env", "# <<< sse <<<", "\t# <<< sse <<<");
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\n");
}

#[test]
fn an_edited_value_in_the_block_is_kept() {
    let hello = with_env(b"A=1\n");
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "SSE_POLL_INTERVAL=2", "SSE_POLL_INTERVAL=0.5");
    hello.sse_succeeds(&["install"]);
    let env = hello.read(".env");
    assert!(env.contains("SSE_POLL_INTERVAL=0.5\n"), "{env}");
    let printed = hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\nSSE_POLL_INTERVAL=0.5\n");
    assert!(printed.contains("SSE_POLL_INTERVAL=0.5"), "{printed}");
}

#[test]
fn an_owners_line_in_the_block_is_kept() {
    let hello = with_env(b"A=1");
    hello.sse_succeeds(&["install"]);
    hello.replace(
        ".env",
        "SSE_POLL_INTERVAL=2\n",
        "SSE_POLL_INTERVAL=2\n# mine\nB=2\n",
    );
    hello.sse_succeeds(&["install"]);
    let printed = hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\n# mine\nB=2");
    assert!(printed.contains("2 of your own lines"), "{printed}");
}

#[test]
fn text_behind_the_block_and_a_moved_block_are_handled() {
    let hello = with_env(b"A=1");
    hello.sse_succeeds(&["install"]);
    let env = hello.read(".env");
    hello.write(".env", &format!("{env}\nB=2\n"));
    hello.sse_succeeds(&["install"]);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\nB=2\n");

    let hello = with_env(b"A=1\n");
    hello.sse_succeeds(&["install"]);
    let env = hello.read(".env");
    let block = env.strip_prefix("A=1\n").unwrap();
    hello.write(".env", &format!("{block}A=1\n"));
    hello.sse_succeeds(&["install"]);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.read(".env"), "A=1\n");
}
