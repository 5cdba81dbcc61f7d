//! Values for audiences: `--to`, `sse revoke`, and private keys.

use std::fs;

use serde_json::{Value, json};
use support::{App, Backend, on_every_backend};

use crate::{
    hello::{Hello, Ran, serve},
    listen::Listener,
};

on_every_backend! {
    each_audience_has_its_own_value
    a_deletion_without_an_audience_is_for_all
    a_listener_on_this_machine_shows_the_audiences
    a_revocation_has_a_place_in_the_order_of_the_saves
    a_value_reaches_the_streams_that_hold_its_audience
    a_revocation_ends_the_streams_of_a_user_who_has_logged_out
}

const KEY: &str = "event_cache_key1";

const PRIVATE: &str = "SSE_EVENTS=invoice:invoices:private,stock:stock_levels\n";

fn sse(app: &App, arguments: &[&str]) -> Ran {
    Ran::from_output(&app.sse().args(arguments).output().unwrap())
}

#[track_caller]
fn assert_succeeds(app: &App, arguments: &[&str], out: &str) -> String {
    let ran = sse(app, arguments);
    assert_eq!(
        (ran.code, &*ran.out),
        (0, out),
        "{arguments:?}: {}",
        ran.err
    );
    ran.err
}

fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

fn each_audience_has_its_own_value(backend: Backend) {
    let app = App::new().on(backend);
    assert_succeeds(&app, &["save", KEY, "0"], "");
    let to_both = ["save", KEY, "1", "--to", "user:42", "--to", "role:admin"];
    let said = assert_succeeds(&app, &to_both, "");
    let suffix = "); triggers event_name1 for user:42, role:admin\n";
    assert!(said.starts_with("saved event_cache_key1 (") && said.ends_with(suffix));
    assert_succeeds(&app, &["save", KEY, "2", "--to=role:admin", "-q"], "");
    assert_succeeds(&app, &["get", KEY], "0\n");
    assert_succeeds(&app, &["get", KEY, "--to", "user:42"], "1\n");
    assert_succeeds(&app, &["get", KEY, "--to", "role:admin"], "2\n");
    let ran = sse(&app, &["get", KEY, "--to", "user:4"]);
    ran.fails(1, "`event_cache_key1` has no value for user:4\n".trim());

    let entry = sse(&app, &["get", KEY, "--to", "user:42", "--json"]).out;
    let entry = &json_lines(&entry)[0];
    assert_eq!(entry["audiences"], json!(["role:admin", "user:42"]));
    let public = json_lines(&sse(&app, &["get", KEY, "--json"]).out);
    assert_eq!(public[0].get("audiences"), None);
}

fn a_deletion_without_an_audience_is_for_all(backend: Backend) {
    let app = App::new().on(backend);
    let nothing = "`event_cache_key1` has no value: nothing to delete\n";
    for to in [&[][..], &["--to", "user:42"]] {
        let save = [&["save", "-q", KEY, "1"], to].concat();
        assert_succeeds(&app, &save, "");
        let said = assert_succeeds(&app, &["delete", KEY], "");
        assert_eq!(said, "deleted event_cache_key1\n", "{to:?}");
        let get = [&["get", KEY], to].concat();
        sse(&app, &get).fails(1, "has no value");
        assert_eq!(assert_succeeds(&app, &["delete", KEY], ""), nothing);
    }
    for name in ["user:1", "user:2"] {
        assert_succeeds(&app, &["save", "-q", KEY, "1", "--to", name], "");
    }
    let delete = ["delete", KEY, "--to", "user:1"];
    let said = assert_succeeds(&app, &delete, "");
    assert_eq!(said, "deleted event_cache_key1 for user:1\n");
    let said = assert_succeeds(&app, &delete, "");
    assert_eq!(
        said,
        "`event_cache_key1` has no value for user:1: nothing to delete\n"
    );
    assert_succeeds(&app, &["get", KEY, "--to", "user:2"], "1\n");
}

fn a_listener_on_this_machine_shows_the_audiences(backend: Backend) {
    let app = App::new().on(backend);
    let all = Listener::start(&app, &["--json", "--count", "3"]);
    let lines = Listener::start(&app, &["--count", "2"]);
    let of_user = Listener::start(&app, &["--json", "--count", "2", "--to", "user:42"]);
    assert_succeeds(
        &app,
        &["save", "-q", KEY, "1", "--to", "b", "--to", "a"],
        "",
    );
    assert_succeeds(&app, &["save", "-q", KEY, "2"], "");
    assert_succeeds(&app, &["save", "-q", KEY, "3", "--to", "user:42"], "");
    let audiences = json_lines(&all.end().out);
    let audiences = audiences
        .iter()
        .map(|event| event.get("audiences").cloned());
    assert_eq!(
        audiences.collect::<Vec<_>>(),
        [Some(json!(["a", "b"])), None, Some(json!(["user:42"]))]
    );
    let lines = lines.end().out;
    let lines: Vec<&str> = lines.lines().collect();
    assert!(
        lines[0].ends_with("  event_name1  (for a, b)  1"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("  event_name1  2"), "{lines:?}");
    assert_eq!(of_user.values(), [json!(2), json!(3)]);
}

#[test]
fn a_name_that_cannot_name_an_audience_is_refused() {
    let app = App::new();
    let long = "x".repeat(201);
    for (name, problem) in [
        ("", "the audience `` is empty"),
        (&*long, "has 201 bytes"),
        ("*", "contains a `*`"),
        ("user:*", "contains a `*`"),
        ("a,b", "contains a `,`"),
        ("a\nb", "the audience `a\\nb` has a control character"),
        ("a\u{1b}[31m", "has a control character"),
        ("a\u{202e}b", "has a control character"),
        (" a", "starts or ends with white space"),
        ("a ", "starts or ends with white space"),
    ] {
        for command in [
            &["save", KEY, "1", "--to"][..],
            &["save", KEY, "1", "--to", "a", "--to"],
            &["get", KEY, "--to"],
            &["delete", KEY, "--to"],
            &["listen", "--to"],
            &["listen", "localhost:1", "--to"],
            &["revoke"],
        ] {
            let ran = sse(&app, &[command, &[name]].concat());
            ran.fails(2, problem);
            assert!(!ran.err.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.err);
            if name == "a,b" {
                assert!(ran.err.contains("repeat the option"), "{}", ran.err);
            }
        }
    }
    for command in [
        &["save", KEY, "1", "--to"][..],
        &["get", KEY, "--to"],
        &["get", KEY, "--to", "a", "--to", "b"],
        &["delete", KEY, "--to", "a", "--to", "b"],
        &["listen", "--to"],
        &["revoke"],
        &["revoke", "a", "b"],
    ] {
        assert_eq!(sse(&app, command).code, 2, "{command:?}");
    }
    assert!(!app.cache().join(".sse").exists(), "nothing was saved");
}

#[test]
fn at_most_100_audiences_are_accepted() {
    let app = App::new();
    let options = |count: usize| (0..count).map(|number| format!("--to=user:{number}"));
    let run = |command: &[&str], count| {
        let options: Vec<String> = options(count).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        sse(&app, &[command, &options, &options].concat())
    };
    assert_eq!(run(&["save", "-q", KEY, "1"], 100).err, "");
    run(&["save", KEY, "1"], 101).fails(2, "there are 101 audiences; at most 100");
    run(&["listen", "localhost:1"], 101).fails(2, "there are 101 audiences; at most 100");
}

fn a_revocation_has_a_place_in_the_order_of_the_saves(backend: Backend) {
    let app = App::new().on(backend);
    let number = |said: &str| -> u64 {
        let id = said.split(['(', ')']).nth(1).unwrap();
        id.split_once('-').unwrap().1.parse().unwrap()
    };
    let saved = assert_succeeds(&app, &["save", KEY], "");
    let said = assert_succeeds(&app, &["revoke", "user:42"], "");
    assert!(said.starts_with("revoked user:42 ("), "{said}");
    assert_eq!(number(&said), number(&saved) + 1);
    assert_eq!(assert_succeeds(&app, &["revoke", "-q", "user:42"], ""), "");
    // It is no event.
    let listener = Listener::start(&app, &["--json", "--count", "1"]);
    assert_succeeds(&app, &["revoke", "user:42"], "");
    assert_succeeds(&app, &["save", "-q", KEY, "2"], "");
    assert_eq!(listener.values(), [json!(2)]);
}

#[test]
fn a_private_key_is_saved_only_with_an_audience() {
    let app = App::with_env(PRIVATE);
    let refused = sse(&app, &["save", "invoices", "7"]);
    refused.fails(1, "the cache key `invoices` is private");
    assert!(
        refused.err.contains("sse save --to user:42"),
        "{}",
        refused.err
    );
    sse(&app, &["get", "invoices"]).fails(1, "`invoices` has no value");
    let help = sse(&app, &["get", "invoices"]).err;
    assert!(help.contains("sse get invoices --to user:42"), "{help}");
    assert_succeeds(
        &app,
        &["save", "-q", "invoices", "7", "--to", "user:42"],
        "",
    );
    assert_succeeds(&app, &["get", "invoices", "--to", "user:42"], "7\n");
    assert_succeeds(&app, &["save", "-q", "stock_levels", "7"], "");
}

#[test]
fn a_misspelt_mark_is_refused_with_the_corrected_line() {
    for mark in [
        ":Private",
        ":privat",
        " private",
        ";private",
        ":private:private",
    ] {
        let app = App::with_env(&format!("SSE_EVENTS='invoice:invoices{mark}'\n"));
        let ran = sse(&app, &["save", "invoices"]);
        ran.fails(1, "SSE_EVENTS contains `invoice:invoices");
        let line = "help: write SSE_EVENTS=invoice:invoices:private\n";
        assert!(ran.err.ends_with(line), "{mark}: {}", ran.err);
    }
}

#[test]
fn the_mark_is_installed_shown_and_removed_with_every_byte() {
    let hello = Hello::new();
    let env = "A=1\r\nB='x'";
    fs::write(hello.path().join(".env"), env).unwrap();
    let events = "invoice:invoices:private, stock:stock_levels";
    let ran = hello.sse(&["install", "--events", events]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // The example is a save that succeeds.
    assert!(ran.err.contains("save stock_levels"), "{}", ran.err);
    let installed = fs::read_to_string(hello.path().join(".env")).unwrap();
    let line = "\r\nSSE_EVENTS=invoice:invoices:private,stock:stock_levels\r\n";
    assert!(installed.contains(line), "{installed}");
    let types = fs::read_to_string(hello.path().join("public/js/sse-events.d.ts")).unwrap();
    assert!(
        types.contains("invoice") && !types.contains("private"),
        "{types}"
    );

    let status = hello.sse(&["status"]).out;
    assert!(
        status.contains("SSE_EVENTS in .env (private: invoices)\n"),
        "{status}"
    );
    let status: Value = serde_json::from_str(&hello.sse(&["status", "--json"]).out).unwrap();
    assert_eq!(status["private_keys"], json!(["invoices"]));
    let doctor = hello.sse(&["doctor"]);
    let shown = "private cache keys, which accept only values for audiences: invoices";
    assert!(doctor.out.contains(shown), "{}", doctor.out);

    hello.sse_succeeds(&["install"]);
    assert_eq!(
        fs::read_to_string(hello.path().join(".env")).unwrap(),
        installed
    );
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(fs::read_to_string(hello.path().join(".env")).unwrap(), env);

    let refused = hello.sse(&["install", "--events", "invoice:invoices:Private"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("write invoice:invoices:private"),
        "{}",
        refused.err
    );
}

#[test]
fn the_doctor_saves_no_public_value_under_a_private_key() {
    let app = App::with_env(PRIVATE);
    let server = app.start();
    let ran = sse(&app, &["doctor", server.address(), "--save", "invoices"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("choose a public key: stock_levels"),
        "{}",
        ran.err
    );
}

const USER_42: [&str; 2] = ["--header", "X-User: 42"];
const USER_7: [&str; 2] = ["--header", "X-User: 7"];

/// Listens to the server's stream until this many events have arrived.
fn listen(app: &App, url: &str, user: &[&str], count: &str) -> Listener {
    let arguments = [&[url, "--new", "--json", "--count", count], user].concat();
    Listener::start(app, &arguments)
}

fn a_value_reaches_the_streams_that_hold_its_audience(backend: Backend) {
    let app = App::with_env(PRIVATE).on(backend);
    let (_server, url) = serve(app.path(), "users in a header");
    let listeners = [&USER_42[..], &USER_7, &[]].map(|user| listen(&app, &url, user, "2"));
    for (key, value, to) in [
        ("invoices", "1", "--to=user:42"),
        ("invoices", "2", "--to=user:7"),
        ("stock_levels", "3", "--to=user:421"),
    ] {
        assert_succeeds(&app, &["save", "-q", key, value, to], "");
    }
    for value in ["4", "5"] {
        assert_succeeds(&app, &["save", "-q", "stock_levels", value], "");
    }
    let received = listeners.map(Listener::values);
    assert_eq!(received[0], [json!(1), json!(4)]);
    assert_eq!(received[1], [json!(2), json!(4)]);
    assert_eq!(received[2], [json!(4), json!(5)]);
}

#[test]
fn an_audience_that_is_not_granted_ends_the_command_with_the_reason() {
    let app = App::with_env(PRIVATE);
    let (_server, url) = serve(app.path(), "users in a header");
    let granted = listen(
        &app,
        &url,
        &[&USER_42[..], &["--to", "order:42-1"]].concat(),
        "1",
    );
    let asks = [
        "listen",
        &url,
        "--timeout",
        "20",
        "--to",
        "order:42-1",
        "--to",
        "order:7-1",
    ];
    let ran = sse(&app, &[&asks, &USER_42[..]].concat());
    ran.fails(1, "refused the request with 403");
    assert!(ran.err.contains("order:7-1"), "{}", ran.err);
    assert!(!ran.err.contains("order:42-1"), "{}", ran.err);
    let save = ["save", "-q", "invoices", "1", "--to", "order:42-1"];
    assert_succeeds(&app, &save, "");
    assert_eq!(granted.values(), [json!(1)]);
}

fn a_revocation_ends_the_streams_of_a_user_who_has_logged_out(backend: Backend) {
    let app = App::with_env(PRIVATE).on(backend);
    let (_server, url) = serve(app.path(), "users in a header");
    let [ended, other] = [USER_42, USER_7].map(|user| listen(&app, &url, &user, "2"));
    let to_both = ["--to", "user:42", "--to", "user:7"];
    let save = |value| {
        let arguments = [&["save", "-q", "invoices", value], &to_both[..]].concat();
        assert_succeeds(&app, &arguments, "");
    };
    save("1");
    fs::write(app.path().join("42"), "").unwrap();
    assert_succeeds(&app, &["revoke", "-q", "user:42"], "");
    save("2");
    let ran = ended.end();
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("401"), "{}", ran.err);
    let values = json_lines(&ran.out);
    let values: Vec<&Value> = values.iter().map(|event| &event["value"]).collect();
    assert_eq!(values, [&json!(1)]);
    assert_eq!(other.values(), [json!(1), json!(2)]);
}
