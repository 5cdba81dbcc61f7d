//! What the page shows about its connection.

use std::{fs, time::Instant};

use support::{App, Browser, ReservedPort, Server};

use super::{
    open_page, wait_for_events, wait_for_status, wait_for_text, wait_until_hidden,
    wait_until_listening,
};

const HOLDS: &str = "Open, held by this tab";
const SHARES: &str = "Open, held by another tab";

/// What visitors of a deployed app see.
#[test]
fn without_development_tools_the_page_shows_how_to_send_an_event() {
    let app = App::new();
    let server = Server::start(app.path(), &[("DEV_TOOLS", "off")]);
    let browser = Browser::start();
    browser.open(&server.url("/"));
    wait_for_status(&browser, "open");
    wait_for_text(&browser, "#no-tools", "sse save KEY VALUE");
    wait_until_hidden(&browser, "#tools");
    wait_until_hidden(&browser, "#terminal");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#buttons button').length"),
        0
    );
    app.save("event_cache_key1", "\"arrived.\"");
    wait_for_text(&browser, "#arrived", "arrived.");
    wait_for_text(&browser, "#toasts", "arrived.");
    wait_until_hidden(&browser, "#tools");
}

#[test]
fn the_page_shows_why_the_stream_is_unavailable() {
    let app = App::with_env("SSE_EVENTS=event_name1\n");
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    wait_for_text(&browser, "#reason-text", "lacks its `:cache_key`");
    wait_for_text(&browser, "#reason", "This page tries again automatically.");
    wait_until_hidden(&browser, "#again");
    wait_for_text(&browser, "#no-events", "The buttons appear when");
}

#[test]
fn the_page_shows_why_the_running_app_cannot_use_its_env() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    wait_until_hidden(&browser, "#reason");
    let path = app.path().join(".env");
    let env = fs::read_to_string(&path).unwrap();
    let broken = env.replace("event_name2:", "event_name2");
    fs::write(&path, broken).unwrap();
    wait_for_text(&browser, "#reason-title", "The app cannot use its .env");
    wait_for_text(&browser, "#reason-text", "lacks its `:cache_key`");
    wait_for_text(&browser, "#status", "Connected");
    // Not only the buttons of a page that was open before.
    browser.open(&server.url("/"));
    wait_for_text(&browser, "#reason-title", "The app cannot use its .env");
    browser.click("[data-event-button=event_name2]");
    wait_for_text(&browser, "#toasts", "Order 1 was placed");
    fs::write(&path, env).unwrap();
    wait_until_hidden(&browser, "#reason");
}

#[test]
fn the_page_reports_a_client_that_did_not_load() {
    let app = App::new();
    let script = "window.sseReady = import('./missing.js');";
    fs::write(app.path().join("public/js/sse-client.js"), script).unwrap();
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    wait_for_text(&browser, "#reason", "The client did not load");
    wait_for_text(&browser, "#again", "Try again");
}

#[test]
fn the_page_shows_that_the_app_is_down_and_back() {
    let app = App::new();
    let port = ReservedPort::new();
    let server = app.start_on(&port);
    let browser = Browser::start();
    open_page(&browser, &server);
    wait_until_hidden(&browser, "#reason");
    server.kill();
    wait_for_status(&browser, "reconnecting");
    wait_for_text(&browser, "#reason", "The app does not answer.");
    wait_for_text(&browser, "#status", "Reconnecting");
    wait_for_text(&browser, "#tabs", "No connection since ");
    app.save("event_cache_key1", "\"while away.\"");
    let _server = app.start_on(&port);
    wait_for_text(&browser, "#status", "Connected");
    wait_for_text(&browser, "#tabs", HOLDS);
    wait_until_hidden(&browser, "#reason");
    // An event saved while the page is open is new, even if it arrives late.
    wait_for_text(&browser, "#toasts", "while away.");
}

#[test]
fn each_of_two_tabs_shows_whose_connection_it_uses() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    let first = browser.current_tab();
    open_page(&browser, &server);
    wait_for_text(&browser, "#tabs", HOLDS);
    let second = browser.new_tab();
    browser.switch_to(&second);
    open_page(&browser, &server);
    wait_for_text(&browser, "#tabs", SHARES);
    browser.click("[data-event-button=event_name2]");
    wait_for_events(&browser, 1, Instant::now());
    browser.close_tab(&first);
    wait_for_text(&browser, "#tabs", HOLDS);
    app.save("event_cache_key1", "\"from the other connection.\"");
    wait_for_text(&browser, "#arrived", "from the other connection.");
}

/// Browsers provide locks to pages of plain http on loopback addresses only. This address is not one,
/// although it leads to the same machine.
#[test]
fn a_tab_that_cannot_share_shows_that() {
    let app = App::new();
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let browser = Browser::start();
    browser.open(&format!("http://0.0.0.0:{}/", server.port()));
    wait_until_listening(&browser);
    assert_eq!(browser.evaluate("isSecureContext"), false);
    wait_for_text(&browser, "#tabs", "This tab has its own connection.");
    browser.click("[data-event-button=event_name2]");
    wait_for_events(&browser, 1, Instant::now());
}
