//! The starter's pages under axe, a checker of accessibility.

use support::{App, Browser};

use super::{open_page, wait_for_text};
use crate::axe;

const VIEWPORTS: [(u32, u32); 3] = [(360, 640), (900, 700), (1440, 900)];

#[track_caller]
fn assert_accessible(browser: &Browser, what: &str) {
    axe::assert_accessible(browser, what, &VIEWPORTS);
}

#[test]
fn the_start_page_is_accessible_in_every_state() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    assert_accessible(&browser, "without events");

    for order in 1..=12 {
        app.save("event_cache_key1", &format!("{{\"order\": {order}}}"));
    }
    wait_for_text(&browser, "#toasts", "Order 12 was placed");
    assert_accessible(&browser, "with toasts");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('.toast').length"),
        3
    );

    server.kill();
    wait_for_text(&browser, "#reason", "The app does not answer.");
    assert_accessible(&browser, "without a connection");
}

#[test]
fn the_page_after_an_order_is_accessible() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    browser.click("#place-order");
    wait_for_text(&browser, "#order-event", "Order 1 was placed");
    assert_accessible(&browser, "after an order");
}

/// A checker that finds nothing anywhere would pass the other tests.
#[test]
fn axe_finds_a_control_without_a_name() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/order"));
    browser.execute("document.querySelector('main').append(document.createElement('button'))");
    axe::load(&browser);
    assert!(
        axe::find_violations(&browser, "undefined")
            .to_string()
            .contains("button-name")
    );
    browser.execute(
        "const main = document.querySelector('main');
        main.append('pale');
        Object.assign(main.style, { color: '#888', background: '#999' });",
    );
    for scheme in ["light", "dark"] {
        browser.emulate_media(&[("prefers-color-scheme", scheme)]);
        let found = axe::find_violations(&browser, axe::COLOUR_RULES).to_string();
        assert!(found.contains("color-contrast"), "{scheme}: {found}");
    }
}
