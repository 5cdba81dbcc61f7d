//! What the page says of a state.

use serde_json::{Value, json};
use support::Browser;

use super::site::Site;

/// A quiet server, with these parts of its state changed.
fn state(changes: Value) -> Value {
    let mut state = json!({
        "problem": null, "recentSeconds": 60, "lagP99": null,
        "streams": {"open": 0, "limit": 10, "slowestEntries": 0},
        "saves": [], "gaps": [], "journalErrors": [], "refused": [], "closed": [],
    });
    let Value::Object(changes) = changes else {
        panic!("the changes are no object")
    };
    state.as_object_mut().unwrap().extend(changes);
    state
}

fn saves(total: u64) -> Value {
    json!({"saves": [{"name": "failed", "total": total, "recent": total}]})
}

/// One browser, because the words are the same in all.
#[test]
fn problems_and_servers_are_said_in_words() {
    let site = Site::start();
    let browser = Browser::start();
    // Not the dashboard, which has seen counts of its own.
    browser.open(&site.url("/elsewhere"));
    let module = site.url("/admin/dashboard/problems.js");
    let recency = site.url("/admin/dashboard/recency.js");
    let problems = |state: Value| {
        let found = browser.evaluate(&format!(
            "Promise.all([import('{module}'), import('{recency}')]).then(([{{ findProblems }}, {{ note }}]) => {{
                const state = {state};
                note('saves', state.saves);
                return findProblems(state).map(({{ level, text, help }}) => [level, text, help ?? '']);
            }})"
        ));
        serde_json::from_value::<Vec<[String; 3]>>(found).unwrap()
    };
    assert!(problems(state(json!({}))).is_empty());
    let [level, text, _] = &problems(state(saves(1)))[0];
    let expected = ("warn", "1 save failed in the last minute.");
    assert_eq!(
        (level.as_str(), text.as_str()),
        expected,
        "before the page was there"
    );
    assert_eq!(problems(state(saves(2)))[0][0], "bad", "it happens now");

    let young =
        json!({"recentSeconds": 12.2, "refused": [{"name": "busy", "total": 1, "recent": 1}]});
    let expected = "1 request for a stream had to be refused in the last 12 s: a limit was reached, or the server stops.";
    assert_eq!(problems(state(young))[0][1], expected);

    let gaps = json!({"gaps": [{"name": "swept", "total": 2, "recent": 2}]});
    assert!(problems(state(gaps))[0][1].starts_with("2 gaps were sent"));

    let config =
        json!({"configProblem": {"message": "SSE_TTL is no time", "help": "write a number"}});
    let [level, text, help] = &problems(state(config))[0];
    assert!(
        level == "warn" && text.ends_with(": SSE_TTL is no time.") && help == "write a number",
        "{text}"
    );

    let replaced =
        json!({"recentEpochChanges": 1, "problem": {"message": "the disk is full", "help": null}});
    let found = problems(state(replaced));
    assert_eq!(
        found[0][1], "Not ready: the disk is full.",
        "the worst is first"
    );
    assert!(found[1][2].contains("other-epoch"), "{found:?}");
    another_process_is_another_server(&browser, &site);
}

/// The page cannot be made to meet another server, so this asks the parts that decide.
#[track_caller]
fn another_process_is_another_server(browser: &Browser, site: &Site) {
    super::open(browser, site);
    let module = site.url("/admin/dashboard/server.js");
    let server = json!({"name": "a", "processId": 1, "startedAt": "2026-01-02T03:04:05Z"});
    for (part, value) in [
        ("name", json!("b")),
        ("processId", json!(2)),
        ("startedAt", json!("2026-01-02T03:04:06Z")),
    ] {
        let mut other = server.clone();
        other[part] = value;
        let same = browser.evaluate(&format!(
            "import('{module}').then(({{ isSame }}) => [isSame({server}, {server}), isSame({server}, {other})])"
        ));
        assert_eq!(same, json!([true, false]), "{part}");
        let notice = browser.evaluate(&format!(
            "import('{module}').then(({{ noticeOtherServer }}) => {{
                noticeOtherServer({other}, {server});
                return document.querySelector('#notice').innerText;
            }})"
        ));
        assert!(
            notice
                .as_str()
                .unwrap()
                .contains("another server answers: "),
            "{notice}"
        );
    }
}
