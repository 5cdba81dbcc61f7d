//! Missed events, and gaps.

use std::fs;

use support::{App, Browser, ReservedPort, Server, get, until};

use super::{open_page, toasts, wait_for_text, wait_until_hidden};

#[test]
fn a_page_continues_after_the_last_one_and_lists_missed_events_without_toasts() {
    let app = App::new();
    delay_page_script(&app);
    let server = Server::start(app.path(), &[("ADMIN_LISTEN", "127.0.0.1:0")]);
    let browser = Browser::start();
    open_page(&browser, &server);
    wait_until_hidden(&browser, "#resumed");
    browser.wait("/^[0-9a-f]{16}-0$/.test(document.querySelector('#last-event-id').innerText)");
    browser.open(&server.url("/favicon.svg"));
    // Chromium may show the next page before the former one has closed its stream, which would receive the event.
    let admin = server.admin_address();
    until("the stream of the former page is closed", || {
        let metrics = &get(&admin, "/metrics").body;
        metrics
            .lines()
            .any(|line| line == "sse_streams 0")
            .then_some(())
    });
    app.save("event_cache_key1", "\"missed.\"");
    open_page(&browser, &server);
    wait_for_text(&browser, "#resumed", "Resumed after the previous page");
    wait_for_text(&browser, "#arrived .earlier", "missed.");
    wait_for_text(&browser, "#arrived .earlier", "before this page was opened");
    assert_eq!(toasts(&browser), "\"\"");

    app.save("event_cache_key2", "\"news.\"");
    wait_for_text(&browser, "#toasts", "news.");
    wait_for_text(&browser, "#arrived .news", "news.");
    assert!(!toasts(&browser).contains("missed."));
    browser.wait("document.querySelector('#last-event-id').innerText.endsWith('-2')");
}

/// The browser loads a chain of modules, one after another, before it runs the page's own. The client is ready long before.
fn delay_page_script(app: &App) {
    const MODULES: u32 = 50;
    let public = app.path().join("public");
    let page = fs::read_to_string(public.join("index.html")).unwrap();
    let page = page.replace(
        "<script src=\"/app.js\"",
        "<script src=\"/slow-1.js\" type=\"module\"></script><script src=\"/app.js\"",
    );
    fs::write(public.join("index.html"), page).unwrap();
    for module in 1..=MODULES {
        let imports = if module < MODULES {
            format!("import './slow-{}.js';", module + 1)
        } else {
            String::new()
        };
        fs::write(public.join(format!("slow-{module}.js")), imports).unwrap();
    }
}

/// The server's clock sets the times of the events and decides which ones are new.
#[test]
fn new_events_are_shown_as_new_although_the_clock_is_fast() {
    let app = App::new();
    let public = app.path().join("public");
    let page = fs::read_to_string(public.join("index.html")).unwrap();
    let page = page.replace("<head>", "<head><script src=\"/fast.js\"></script>");
    fs::write(public.join("index.html"), page).unwrap();
    let script = "const { now } = Date; Date.now = () => now() + 600_000;";
    fs::write(public.join("fast.js"), script).unwrap();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    app.save("event_cache_key1", "\"news.\"");
    wait_for_text(&browser, "#toasts", "news.");
}

#[test]
fn a_replaced_cache_folder_is_an_explained_gap() {
    let app = App::new();
    let port = ReservedPort::new();
    let server = app.start_on(&port);
    let browser = Browser::start();
    open_page(&browser, &server);
    browser.reload();
    wait_for_text(&browser, "#resumed", "Resumed");
    server.kill();
    fs::remove_dir_all(app.path().join("writable")).unwrap();
    let _server = app.start_on(&port);
    wait_for_text(&browser, "#arrived .gap", "Events may have been missed");
    wait_for_text(&browser, "#arrived .gap", "journal was replaced");
    wait_for_text(&browser, "#toasts", "Events may have been missed");
    wait_until_hidden(&browser, "#resumed");
}

#[test]
fn every_gap_reason_is_explained() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    for (reason, explanation) in [
        ("unknown-id", "does not know the last event id"),
        ("other-epoch", "lost events in a power failure"),
        ("expired", "time to live of the missed events"),
        ("swept", "removed the oldest"),
        ("unreadable", "cannot read some"),
        ("connection-lost", "connection was lost before"),
        // A newer library may send reasons that the page does not know.
        ("constructor", "should reload it now"),
    ] {
        browser.evaluate(&format!(
            "import('/js/sse.js').then(({{ SseEvent }}) => {{
                const data = JSON.stringify({{ reason: '{reason}' }});
                sse.dispatchEvent(new SseEvent('sse.gap', {{ data }}));
            }})"
        ));
        let item = format!("#arrived [data-gap={reason}]");
        wait_for_text(&browser, &item, explanation);
        wait_for_text(&browser, &item, reason);
    }
}
