//! The starter's pages under axe, a checker of accessibility.

use std::fs;

use serde_json::{Value, json};
use support::{App, Browser, workspace};

use super::{open_page, wait_for_text};

const VIEWPORTS: [(u32, u32); 3] = [(360, 640), (900, 700), (1440, 900)];

/// The rules that the colour scheme affects.
const COLOUR_RULES: &str = "['color-contrast', 'link-in-text-block']";

/// Expects that axe finds nothing, at each size and in both colour schemes.
#[track_caller]
fn assert_accessible(browser: &Browser, what: &str) {
    let axe = workspace().join("tests/axe/node_modules/axe-core/axe.min.js");
    let script =
        fs::read_to_string(axe).expect("axe-core is missing\nhelp: `tests/setup` installs it");
    browser.execute(&script);
    for (scheme, rules) in [("light", "undefined"), ("dark", COLOUR_RULES)] {
        browser.emulate_media(&[
            ("prefers-color-scheme", scheme),
            ("prefers-reduced-motion", "reduce"),
        ]);
        for (width, height) in VIEWPORTS {
            browser.set_viewport(width, height);
            browser
                .wait("document.getAnimations().every(({ playState }) => playState !== 'running')");
            assert_eq!(
                find_violations(browser, rules),
                json!([]),
                "{what}: {scheme} at {width}"
            );
        }
    }
}

/// What these rules find, or all of them if they are `undefined`.
fn find_violations(browser: &Browser, rules: &str) -> Value {
    browser.evaluate(&format!(
        "axe.run({{ resultTypes: ['violations'], runOnly: {rules} }}).then(({{ violations }}) =>
            violations.map(({{ id, nodes }}) => [id, ...nodes.map(({{ html, failureSummary }}) => html + failureSummary)]))",
    ))
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
    // Toasts stay while one is pointed at, but only that one.
    browser.execute("for (const toast of document.querySelectorAll('.toast')) toast.dispatchEvent(new Event('pointerenter'))");
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
    let axe = workspace().join("tests/axe/node_modules/axe-core/axe.min.js");
    browser.execute(&fs::read_to_string(axe).unwrap());
    assert!(
        find_violations(&browser, "undefined")
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
        let found = find_violations(&browser, COLOUR_RULES).to_string();
        assert!(found.contains("color-contrast"), "{scheme}: {found}");
    }
}
