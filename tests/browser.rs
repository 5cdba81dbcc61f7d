//! The starter's page in a real browser.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use support::{App, Browser, Server, until};

const A_SECOND: Duration = Duration::from_secs(1);

/// Opens the page and waits until it listens.
fn listening(browser: &Browser, server: &Server) {
    browser.open(&server.url("/"));
    browser.wait("document.querySelector('#status')?.dataset.status === 'open'");
    browser.wait("document.querySelector('[data-event-button=event_name2]') !== null");
}

/// Waits until the page shows so many events, and says how long after `triggered` that was.
fn shown(browser: &Browser, count: usize, triggered: Instant) -> Duration {
    browser.wait(&format!(
        "document.querySelectorAll('#arrived [data-id]').length >= {count}"
    ));
    triggered.elapsed()
}

fn newest(browser: &Browser) -> String {
    browser
        .evaluate("document.querySelector('#arrived [data-id]').innerText")
        .to_string()
}

#[test]
fn the_page_shows_an_event_within_a_second_whatever_triggers_it() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    let drop_in = app.cache().join("event_cache_key1");

    let triggered = Instant::now();
    browser.click("[data-event-button=event_name2]");
    assert!(shown(&browser, 1, triggered) < A_SECOND);
    assert!(newest(&browser).contains("event_name2"));
    browser.wait("document.querySelector('.toast') !== null");

    let triggered = Instant::now();
    app.save("event_cache_key1", "{\"order\":42}");
    assert!(shown(&browser, 2, triggered) < A_SECOND);
    assert!(newest(&browser).contains("42"), "{}", newest(&browser));

    let triggered = Instant::now();
    let echo = Command::new("sh")
        .args(["-c", "echo 1 > writable/cache/event_cache_key1"])
        .current_dir(app.path())
        .status();
    assert!(echo.unwrap().success());
    assert!(shown(&browser, 3, triggered) < A_SECOND);

    let triggered = Instant::now();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let record = format!(
        "a:3:{{s:4:\"time\";i:{now};s:3:\"ttl\";i:60;s:4:\"data\";s:16:\"from CodeIgniter\";}}"
    );
    fs::write(&drop_in, record).unwrap();
    assert!(shown(&browser, 4, triggered) < A_SECOND);
    assert!(
        newest(&browser).contains("from CodeIgniter"),
        "{}",
        newest(&browser)
    );
}

#[test]
fn two_browsers_and_curl_each_get_every_event_once() {
    let app = App::new();
    let server = app.start();
    let browsers = [Browser::start(), Browser::start()];
    for browser in &browsers {
        listening(browser, &server);
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
    until("curl listens", || {
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
    let heard = until("curl has heard the last", || {
        Some(fs::read_to_string(&output).unwrap()).filter(|heard| heard.contains("\"last\""))
    });
    let _ = curl.kill();
    let _ = curl.wait();
    let values: Vec<&str> = heard
        .lines()
        .filter(|line| line.contains("\"value\":\"value "))
        .collect();
    assert_eq!(values.len(), 20, "{heard}");
}

#[test]
fn a_page_hears_what_was_saved_while_it_was_served() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/order"));
    browser.wait("document.querySelector('#heard').innerText.includes('event_name1')");
}

#[test]
fn events_of_a_planned_end_and_a_restart_all_arrive_once() {
    let app = App::new();
    let server = Server::start(app.path(), &[("SSE_STREAM_DURATION", "1")]);
    let port = server.port().to_owned();
    let browser = Browser::start();
    listening(&browser, &server);
    for value in 1..=40 {
        app.save("event_cache_key1", &format!("\"value {value}.\""));
        if value % 10 == 0 {
            // Streams end meanwhile.
            std::thread::sleep(Duration::from_millis(400));
        }
    }
    shown(&browser, 40, Instant::now());
    server.kill();
    app.save("event_cache_key1", "\"while away.\"");
    let _server = Server::start(app.path(), &[("PORT", &port)]);
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
fn the_page_shows_why_there_is_no_stream() {
    let app = App::with_env("SSE_EVENTS=event_name1\n");
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    browser.wait(
        "document.querySelector('#reason-text').innerText.includes('lacks its `:cache_key`')",
    );
}

#[test]
fn the_originals_listener_code_works_unchanged() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    browser.execute(
        "sseReady.then((source) => source.addEventListener('event_name1', function (event) {
            window.heardAt = JSON.parse(event.data).timestamp;
        }));",
    );
    browser.wait("new Promise((done) => sseReady.then(() => done(true)))");
    app.save("event_cache_key1", "1");
    browser.wait("typeof window.heardAt === 'string' && window.heardAt.endsWith('Z')");
}

#[test]
fn the_page_has_room_on_a_phone() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.resize(500, 900);
    listening(&browser, &server);
    browser.click("[data-event-button=event_name1]");
    shown(&browser, 1, Instant::now());
    assert_eq!(
        browser.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ),
        true
    );
}
