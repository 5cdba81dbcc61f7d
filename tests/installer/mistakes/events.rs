//! Mistakes in `SSE_EVENTS`, and in keys and events that it maps.

use std::fs;

use support::{App, Server};

use crate::hello::{Ran, sse_in};

fn sse(app: &App, arguments: &[&str]) -> Ran {
    Ran::from_output(&app.sse().args(arguments).output().unwrap())
}

#[test]
fn a_misspelt_key_is_answered_with_the_right_one() {
    let app = App::new();
    for command in ["save", "delete"] {
        let ran = sse(&app, &[command, "event_cache_kye1"]);
        let warning = "warning: SSE_EVENTS has no event for `event_cache_kye1`; did you mean `event_cache_key1`?\n";
        assert!(
            ran.code == 0 && ran.err.starts_with(warning),
            "{command}: {}",
            ran.err
        );
    }
    let ran = sse(&app, &["get", "event_cache_kye1"]);
    assert!(
        ran.err
            .ends_with("help: did you mean `event_cache_key1`?\n"),
        "{}",
        ran.err
    );
}

#[test]
fn an_event_given_as_the_key_is_answered_with_its_key() {
    let app = App::new();
    for command in ["get", "delete", "save"] {
        let ran = sse(&app, &[command, "event_name1"]);
        let answer = "`event_name1` is an event; its key is `event_cache_key1`\n";
        assert!(ran.err.contains(answer), "{command}: {}", ran.err);
    }
}

/// Each as a line of `.env`: what is wrong, and the line to write.
const WRONG_LINES: [(&str, &str, &str); 14] = [
    (
        "SSE_EVENTS=order : orders",
        "SSE_EVENTS has a space in column 17, and is not in quotes",
        "order:orders",
    ),
    (
        "SSE_EVENTS = order:orders, stock:levels",
        "SSE_EVENTS has a space in column 27,",
        "order:orders,stock:levels",
    ),
    (
        "SSE_EVENTS=order:orders;stock:levels",
        "`order:orders;stock:levels`: pairs are separated by commas, not by `;`",
        "order:orders,stock:levels",
    ),
    (
        "SSE_EVENTS='order:orders; stock:levels'",
        "not by `;`",
        "order:orders,stock:levels",
    ),
    (
        "SSE_EVENTS='order:orders stock:levels'",
        "not by spaces",
        "order:orders,stock:levels",
    ),
    (
        "SSE_EVENTS=order=orders",
        "`order=orders`: event and cache key are separated by `:`, not by `=`",
        "order:orders",
    ),
    (
        "SSE_EVENTS=order->orders,stock:levels",
        "`order->orders`: event and cache key are separated by `:`, not by `->`",
        "order:orders,stock:levels",
    ),
    (
        "SSE_EVENTS='\"order\":\"orders\"'",
        "quotes are not a part of the names",
        "order:orders",
    ),
    (
        "SSE_EVENTS=order",
        "`order`, which lacks its `:cache_key`",
        "order:order",
    ),
    (
        "SSE_EVENTS=order;orders",
        "`order;orders`: event and cache key are separated by `:`, not by `;`",
        "order:orders",
    ),
    (
        "SSE_EVENTS=order;orders,stock;levels",
        "`order;orders`: event and cache key are separated by `:`, not by `;`",
        "order:orders,stock:levels",
    ),
    (
        "SSE_EVENTS=order orders",
        "SSE_EVENTS has a space in column 17, and is not in quotes",
        "order:orders",
    ),
    (
        "SSE_EVENTS='order orders'",
        "`order orders`: event and cache key are separated by `:`, not by a space",
        "order:orders",
    ),
    (
        "SSE_EVENTS=order:new/order,sse.stock:levels",
        "`order:new/order`: the cache key contains a `/`",
        "order:new_order,sse_stock:levels",
    ),
];

#[test]
fn a_list_of_another_form_is_refused_with_the_corrected_line() {
    for (line, problem, corrected) in WRONG_LINES {
        let app = App::with_env(&format!("# The events\n{line}\nSSE_TTL=5\n"));
        let help = format!("help: write SSE_EVENTS={corrected}\n");
        for command in [
            &["save", "orders"][..],
            &["get", "orders"],
            &["listen", "--timeout", "5"],
        ] {
            let ran = sse(&app, command);
            ran.fails(1, problem);
            assert!(ran.err.contains(".env:2)"), "{line}: {}", ran.err);
            assert!(ran.err.ends_with(&help), "{line}: {}", ran.err);
        }
        let doctor = sse(&app, &["doctor"]);
        assert!(
            doctor.code == 4 && doctor.out.contains(problem),
            "{line}: {}",
            doctor.out
        );
        assert!(doctor.out.contains(&help), "{line}: {}", doctor.out);
        // What the help says works.
        fs::write(app.path().join(".env"), format!("SSE_EVENTS={corrected}\n")).unwrap();
        let (event, key) = corrected
            .split(',')
            .next()
            .unwrap()
            .split_once(':')
            .unwrap();
        let saved = sse(&app, &["save", key]);
        assert!(
            saved.err.ends_with(&format!("; triggers {event}\n")),
            "{line}: {}",
            saved.err
        );
    }
}

/// `sse doctor` lists every misspelt setting. Without events nothing works, so each program says it.
#[test]
fn a_misspelt_name_of_the_setting_is_answered_with_the_right_one() {
    let elsewhere = tempfile::tempdir().unwrap();
    for wrong in ["SSE_EVENT", "SEE_EVENTS", "sse_events"] {
        let app = App::with_env(&format!("# The events\n{wrong}=order:orders\n"));
        let ran = sse(&app, &["save", "orders"]);
        ran.fails(
            1,
            &format!("SSE_EVENTS is not set, and {wrong} is not a setting of the library"),
        );
        assert!(ran.err.contains(".env:2)"), "{}", ran.err);
        assert!(
            ran.err.ends_with("help: did you mean SSE_EVENTS?\n"),
            "{}",
            ran.err
        );
    }
    fs::write(elsewhere.path().join(".env"), "SSE_EVENT=order:orders\n").unwrap();
    let server = Server::start(elsewhere.path(), &[]);
    let log = server.wait_for_log("help: ");
    assert!(
        log.contains("SSE_EVENT is not a setting of the library"),
        "{log}"
    );
    assert!(log.contains("did you mean SSE_EVENTS?"), "{log}");
    // Another setting is no misspelt one.
    let app = App::with_env("SSE_SOMETHING=1\nLOG_EVENTS=1\n");
    sse(&app, &["save", "orders"]).fails(1, "SSE_EVENTS is not set");
    assert!(!sse(&app, &["save", "orders"]).err.contains("did you mean"));
}

#[test]
fn spaces_inside_quotes_and_a_trailing_comma_are_accepted() {
    let app = App::with_env("SSE_EVENTS=\"order : orders , stock : levels,\"\n");
    let saved = sse(&app, &["save", "levels"]);
    assert!(saved.err.ends_with("; triggers stock\n"), "{}", saved.err);
}

#[test]
fn the_option_events_is_corrected_too() {
    let nothing = tempfile::tempdir().unwrap();
    let ran = sse_in(
        nothing.path(),
        &["install", "--events", "order:orders;stock:levels"],
    );
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("write order:orders,stock:levels"),
        "{}",
        ran.err
    );
}

#[test]
fn swapped_pairs_are_recognised_by_what_is_saved_and_what_the_page_listens_for() {
    let env = "SSE_EVENTS=orders:order,levels:stock\n";
    let warning =
        |pair: &str| format!("event and cache key of `{pair}` in SSE_EVENTS may be swapped: ");
    let app = App::with_env(env);
    assert!(!sse(&app, &["doctor"]).out.contains("may be swapped"));
    // The command says so at once.
    let saved = sse(&app, &["save", "orders"]);
    assert!(
        saved
            .err
            .contains("`orders` is an event; its key is `order`"),
        "{}",
        saved.err
    );
    let doctor = sse(&app, &["doctor"]).out;
    assert!(doctor.contains(&warning("orders:order")), "{doctor}");
    assert!(
        doctor.contains("a value was saved under the key `orders`"),
        "{doctor}"
    );
    assert!(
        doctor.contains("write SSE_EVENTS=order:orders,levels:stock\n"),
        "{doctor}"
    );
    // A program in another language, and a page.
    fs::write(app.path().join("writable/cache/orders"), "1").unwrap();
    fs::write(
        app.path().join("public/page.html"),
        "<script>sse.on('stock', show)</script>",
    )
    .unwrap();
    let doctor = sse(&app, &["doctor"]).out;
    assert!(doctor.contains("a program has saved "), "{doctor}");
    assert!(doctor.contains(&warning("levels:stock")), "{doctor}");
    assert!(
        doctor.contains("public/page.html listens for `stock`"),
        "{doctor}"
    );
    assert!(
        doctor.contains("write SSE_EVENTS=order:orders,stock:levels\n"),
        "{doctor}"
    );
}
