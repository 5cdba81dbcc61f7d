//! The page over HTTP/2 in a real browser.

use std::fs;

use support::{App, Browser};

/// Over HTTP/1.1, a browser opens at most six connections to a host.
const TABS: usize = 10;

#[test]
fn ten_tabs_with_a_stream_each_receive_an_event_and_still_load_pages() {
    let app = App::with_lasting_streams();
    let path = app.path().join("public/js/sse-client.js");
    let script = fs::read_to_string(&path).unwrap();
    let alone = script.replace(
        "new SseClient('/sse/stream')",
        "new SseClient('/sse/stream', { share: false })",
    );
    assert_ne!(alone, script);
    fs::write(path, alone).unwrap();
    let server = app.start_with_tls(&[]);
    let browser = Browser::start();
    let mut tabs = vec![browser.current_tab()];
    tabs.extend((1..TABS).map(|_| browser.new_tab()));
    for tab in &tabs {
        browser.switch_to(tab);
        browser.open(&server.url("/"));
        browser.wait("document.querySelector('#status')?.dataset.status === 'open'");
        assert_eq!(browser.evaluate("sse.leading"), true);
        let protocol = "performance.getEntriesByType('navigation')[0].nextHopProtocol";
        assert_eq!(browser.evaluate(protocol), "h2");
    }
    browser.wait("document.querySelector('[data-event-button=event_name1]') !== null");
    browser.click("[data-event-button=event_name1]");
    for tab in &tabs {
        browser.switch_to(tab);
        browser.wait("document.querySelectorAll('#arrived [data-id]').length === 1");
    }
    let another = browser.new_tab();
    browser.switch_to(&another);
    browser.open(&server.url("/order"));
    browser.wait("document.querySelector('#place-order') !== null");
}

#[test]
fn a_stream_that_ends_leaves_the_others_of_its_connection_open() {
    let app = App::with_lasting_streams();
    let server = app.start_with_tls(&[]);
    let browser = Browser::start();
    browser.open(&server.url("/health"));
    // Each collects what it receives until its end, or the error.
    browser.execute(
        "window.open_stream = async (name) => {
            window[name] = '';
            try {
                const { body } = await fetch('/sse/stream');
                for await (const text of body.pipeThrough(new TextDecoderStream())) window[name] += text;
                window[name] += 'the end';
            } catch (error) {
                window[name] += error;
            }
        };
        open_stream('lasting');",
    );
    browser.wait("window.lasting.includes('id: ')");
    let path = app.path().join(".env");
    let env = fs::read_to_string(&path).unwrap();
    // A stream that opens from now on ends soon; one that is open, too.
    fs::write(
        &path,
        env.replace("SSE_STREAM_DURATION=0", "SSE_STREAM_DURATION=1"),
    )
    .unwrap();
    server.wait_for_log("its new values are in effect");
    for _ in 0..3 {
        browser.execute("open_stream('short');");
        browser.wait("window.short.endsWith('the end')");
        assert_eq!(
            browser.evaluate("window.short.includes('planned end')"),
            true
        );
    }
    browser.wait("window.lasting.endsWith('the end')");
    // All over one connection: the port of the client is the same for each.
    let protocols = "[...new Set(performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol))].join()";
    assert_eq!(browser.evaluate(protocols), "h2");
}
