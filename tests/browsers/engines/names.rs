//! The names of the events, and warnings of listeners for other names.

use support::{Browser, Engine, Tab};

use super::{site::Site, tabs::open_tabs};

/// Adds a listener, and returns what the console shows.
fn warning_of_listener(browser: &Browser, tab: &Tab, name: &str) -> String {
    browser.switch_to(tab);
    browser.wait("sse.events.length > 0");
    browser.execute(&format!(
        "window.warnings = [];
         console.warn = (text) => warnings.push(text);
         sse.on('{name}', () => {{}});"
    ));
    browser.evaluate("warnings.join()").to_string()
}

pub(crate) fn are_known_in_all_tabs(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    for tab in open_tabs(&browser, &site, "/", 2) {
        let warning = warning_of_listener(&browser, &tab, "x");
        assert!(warning.contains("Its events are: a, b, c."), "{warning}");
        assert_eq!(warning_of_listener(&browser, &tab, "a"), "\"\"");
    }
    site.has_streams(1);
    browser.set_cookie("visitor", "b");
    browser.open(&site.url("/another?share=b"));
    browser.wait("window.sse?.status === 'open'");
    let warning = warning_of_listener(&browser, &browser.current_tab(), "a");
    assert!(warning.contains("Its events are: b."), "{warning}");
}
