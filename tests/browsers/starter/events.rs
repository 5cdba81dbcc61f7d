//! Events on the page, and the ways to trigger them.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use support::{App, Browser, ReservedPort, Server, Stream, attempts, until};

use super::{A_SECOND, newest_event, open_page, wait_for_events, wait_for_text};

/// Triggers an event until the page shows one within a second, and returns what it shows.
#[track_caller]
fn shown_within_a_second(browser: &Browser, trigger: impl Fn()) -> String {
    attempts("an event on the page within a second", || {
        let shown = browser.evaluate("document.querySelectorAll('#arrived [data-id]').length");
        let triggered = Instant::now();
        trigger();
        let count = usize::try_from(shown.as_u64().unwrap()).unwrap() + 1;
        (wait_for_events(browser, count, triggered) < A_SECOND).then_some(())
    });
    newest_event(browser)
}

#[test]
fn the_page_shows_an_event_within_a_second_whatever_triggers_it() {
    let app = App::with_lasting_streams();
    // No poll can show an event whose notification is lost.
    let server = Server::start(app.path(), &[("SSE_POLL_INTERVAL", "3600")]);
    let browser = Browser::start();
    open_page(&browser, &server);

    let clicked = shown_within_a_second(&browser, || {
        browser.click("[data-event-button=event_name2]");
    });
    assert!(clicked.contains("event_name2"), "{clicked}");
    browser.wait("document.querySelector('.toast') !== null");

    let saved = shown_within_a_second(&browser, || {
        app.save("event_cache_key1", "{\"order\":42}");
    });
    assert!(saved.contains("42"), "{saved}");

    let echoed = shown_within_a_second(&browser, || {
        let mut echo = Command::new("sh");
        echo.args(["-c", "echo from a shell > writable/cache/event_cache_key1"]);
        assert!(echo.current_dir(app.path()).status().unwrap().success());
    });
    assert!(echoed.contains("from a shell"), "{echoed}");

    let written = shown_within_a_second(&browser, || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let record = format!(
            "a:3:{{s:4:\"time\";i:{};s:3:\"ttl\";i:60;s:4:\"data\";s:16:\"from CodeIgniter\";}}",
            now.as_secs()
        );
        fs::write(app.cache().join("event_cache_key1"), record).unwrap();
    });
    assert!(written.contains("from CodeIgniter"), "{written}");
}

#[test]
fn a_private_key_has_no_button_to_press_and_no_commands() {
    let app =
        App::with_env("SSE_STREAM_DURATION=0\nSSE_EVENTS=event_name1:k:private,event_name2:l\n");
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    wait_for_text(&browser, "[data-event-button=event_name1]", "k (private)");
    let disabled =
        "[...document.querySelectorAll('#buttons button')].map(({ disabled }) => disabled)";
    assert_eq!(browser.evaluate(disabled), json!([true, false]));
    wait_for_text(&browser, "#save-command", "sse save l ");

    fs::write(
        app.path().join(".env"),
        "SSE_STREAM_DURATION=0\nSSE_EVENTS=event_name1:k:private\n",
    )
    .unwrap();
    browser.wait("document.querySelector('#terminal').hidden");
}

#[test]
fn two_browsers_and_curl_each_get_every_event_once() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let browsers = [Browser::start(), Browser::start()];
    for browser in &browsers {
        open_page(browser, &server);
    }
    let output = app.path().join("curl.out");
    let mut curl = Command::new("curl")
        .args([
            "--silent",
            "--no-buffer",
            &server.url("/sse/stream?events=event_name1"),
        ])
        .stdout(fs::File::create(&output).unwrap())
        .stdin(Stdio::null())
        .spawn()
        .expect("curl is missing");
    until("curl receives the stream", || {
        fs::read_to_string(&output)
            .unwrap()
            .contains("id: ")
            .then_some(())
    });
    for value in 1..=20 {
        app.save("event_cache_key1", &format!("\"value {value}.\""));
    }
    app.save("event_cache_key1", "\"last\"");
    for browser in &browsers {
        browser.wait(
            "document.querySelector('#arrived [data-id]')?.innerText.includes('last') === true",
        );
        assert_eq!(
            browser.evaluate("document.querySelectorAll('#arrived [data-id]').length"),
            21
        );
        for value in 1..=20 {
            let times = format!(
                "[...document.querySelectorAll('#arrived [data-id]')].filter((item) => item.innerText.includes('value {value}.')).length"
            );
            assert_eq!(browser.evaluate(&times), 1, "value {value}");
        }
    }
    let received = until("curl has received the last event", || {
        Some(fs::read_to_string(&output).unwrap()).filter(|text| text.contains("\"last\""))
    });
    let _ = curl.kill();
    let _ = curl.wait();
    let values: Vec<&str> = received
        .lines()
        .filter(|line| line.contains("\"value\":\"value "))
        .collect();
    assert_eq!(values.len(), 20, "{received}");
}

#[test]
fn a_page_gets_an_event_saved_while_it_was_served() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let browser = Browser::start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    browser.open(&server.url("/"));
    browser.click("#place-order");
    wait_for_text(&browser, "#order-event", "event_name1");
    assert_eq!(browser.evaluate("location.pathname"), "/order");
    // Repeatedly, from either page. The browser caches none of the responses.
    for from in ["/order", "/"] {
        let last = browser.evaluate("document.querySelector('#order-event').innerText");
        browser.open(&server.url(from));
        browser.click("#place-order");
        browser.wait(&format!(
            "document.querySelector('#order-event')?.innerText.startsWith('event_name1') === true
                && document.querySelector('#order-event').innerText !== {last}"
        ));
    }
    for _ in 0..3 {
        assert_eq!(stream.next_event().name(), "event_name1");
    }
    stream.expect_silence(A_SECOND);
}

#[test]
fn a_visitor_without_an_order_is_told_so() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/order"));
    wait_for_text(&browser, "#order-event", "No order was placed");
    app.save("event_cache_key1", "{\"order\": 7}");
    wait_for_text(&browser, "#order-event", "Order 7 was placed");
}

#[test]
fn each_key_of_an_event_has_a_button_that_saves_it() {
    let app = App::with_env("SSE_EVENTS=event_name2:first,event_name2:second\n");
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    browser.click("#buttons li:nth-child(2) button");
    wait_for_events(&browser, 1, Instant::now());
    browser.click("#buttons li:nth-child(1) button");
    wait_for_events(&browser, 2, Instant::now());
    for (key, order) in [("first", 2), ("second", 1)] {
        let output = app.run_sse(&["get", key]);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(
            printed.contains(&format!("\"order\":{order},")),
            "{key}: {printed}"
        );
    }
}

#[test]
fn an_event_whose_value_the_browser_cannot_write_is_shown() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    // As browsers do for arrays that are nested some thousand times; how often depends on the browser.
    browser.execute(
        "const write = JSON.stringify;
        JSON.stringify = (value) => {
            if (Array.isArray(value)) throw new RangeError('Maximum call stack size exceeded');
            return write(value);
        };",
    );
    app.save("event_cache_key1", "[[1]]");
    wait_for_text(&browser, "#arrived .value", "nested too deeply to be shown");
    wait_for_text(&browser, "#toasts", "1 items");
}

#[test]
fn events_arrive_once_across_planned_ends_and_a_restart() {
    let app = App::new();
    let port = ReservedPort::new();
    let number = port.number().to_string();
    let settings = [("SSE_STREAM_DURATION", "1"), ("PORT", &*number)];
    let server = Server::start(app.path(), &settings);
    let browser = Browser::start();
    open_page(&browser, &server);
    for value in 1..=40 {
        app.save("event_cache_key1", &format!("\"value {value}.\""));
        if value % 10 == 0 {
            // Wait for the next stream.
            browser.evaluate("new Promise((done) => sse.once('open', () => done(true)))");
        }
    }
    wait_for_events(&browser, 40, Instant::now());
    server.kill();
    app.save("event_cache_key1", "\"while away.\"");
    let _server = app.start_on(&port);
    browser.wait("document.querySelector('#arrived [data-id]').innerText.includes('while away.')");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#arrived [data-id]').length"),
        41
    );
    assert_eq!(
        browser.evaluate("new Set([...document.querySelectorAll('#arrived [data-id]')].map((item) => item.dataset.id)).size"),
        41
    );
}

#[test]
fn an_event_configured_later_needs_no_reload() {
    let app = App::with_env(
        "SSE_STREAM_DURATION=300\nSSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2\n",
    );
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    let env = "SSE_STREAM_DURATION=300\nSSE_EVENTS=event_name2:event_cache_key2,event_name3:event_cache_key3\n";
    fs::write(app.path().join(".env"), env).unwrap();
    server.wait_for_log("its new values are in effect");
    app.save("event_cache_key3", "\"of a new event.\"");
    wait_for_text(
        &browser,
        "#arrived [data-event=event_name3]",
        "of a new event.",
    );
    browser.click("[data-event-button=event_name3]");
    wait_for_events(&browser, 2, Instant::now());
}

#[test]
fn a_new_event_gets_its_button_although_nothing_is_saved() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    browser.execute("document.querySelector('[data-event-button=event_name2]').focus()");
    let path = app.path().join(".env");
    let env = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        env.replace("SSE_EVENTS=", "SSE_EVENTS=order_placed:order,"),
    )
    .unwrap();
    browser.wait("document.querySelector('[data-event-button=order_placed]') !== null");
    let buttons = "[...document.querySelectorAll('#buttons button')].map(({ dataset }) => dataset.eventButton)";
    assert_eq!(
        browser.evaluate(buttons),
        json!(["order_placed", "event_name1", "event_name2"])
    );
    let focused = "document.activeElement.dataset.eventButton";
    assert_eq!(browser.evaluate(focused), "event_name2");
    server.wait_for_log("its new values are in effect");
    browser.click("[data-event-button=order_placed]");
    wait_for_text(
        &browser,
        "#arrived [data-event=order_placed]",
        "Order 1 was placed",
    );
    assert!(!server.log().contains("/info"), "{}", server.log());
}

#[test]
fn a_value_of_any_shape_becomes_a_sentence() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    let long = "word ".repeat(100);
    for (value, sentence) in [
        (
            json!({"order": 42, "from": "a shop"}),
            "Order 42 was placed",
        ),
        (json!("The backup is done"), "The backup is done"),
        (json!({"message": "Hello\n  there"}), "Hello there"),
        (json!({"text": "Hello"}), "Hello"),
        (json!({"title": 7}), "7"),
        (json!(42), "42"),
        (json!(false), "false"),
        (json!(null), "No value"),
        (json!(""), "An empty text"),
        (json!([]), "An empty list"),
        (json!({}), "An empty object"),
        (json!(["a", 2, null]), "a, 2, none"),
        (json!([1, 2, 3, 4, 5, 6]), "1, 2, 3, 4, and 2 more"),
        (
            json!({"name_of_user": "Ada", "roles": ["a", "b"]}),
            "name of user: Ada, roles: 2 items",
        ),
        (
            json!({"address": {"city": "Bonn", "zip": 1}}),
            "address: city and zip",
        ),
        (json!({"order": {"id": 3}}), "order: id"),
        (json!({"message": {"id": 3}}), "message: id"),
    ] {
        let script = format!("import('/sentence.js').then(({{ describe }}) => describe({value}))");
        assert_eq!(browser.evaluate(&script), sentence, "{value}");
    }
    let script = format!("import('/sentence.js').then(({{ describe }}) => describe('{long}'))");
    let text = browser.evaluate(&script).as_str().unwrap().to_owned();
    assert!(
        text.chars().count() <= 140 && text.ends_with("word…"),
        "{text}"
    );
}

#[test]
fn saved_values_never_become_html() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    let value =
        "<img src=x onerror=\"window.injected = true\"><script>window.injected = true</script>";
    app.save("event_cache_key1", &json!(value).to_string());
    wait_for_events(&browser, 1, Instant::now());
    let text = json!(value).to_string();
    wait_for_text(&browser, "#arrived .value", &text);
    assert_eq!(
        browser.evaluate("document.querySelector('#arrived img, .toast img, #arrived script') === null && !window.injected"),
        true
    );
}

#[test]
fn the_originals_listener_code_works_unchanged() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    browser.execute(
        "sseReady.then((source) => source.addEventListener('event_name1', function (event) {
            window.heardAt = JSON.parse(event.data).timestamp;
        }));",
    );
    browser.wait("new Promise((done) => sseReady.then(() => done(true)))");
    app.save("event_cache_key1", "1");
    browser.wait("typeof window.heardAt === 'string' && window.heardAt.endsWith('Z')");
}
