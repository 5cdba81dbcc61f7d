//! Pages of an app in real browsers.

use support::{Browser, Engine};

use crate::{
    app::{App, GUIDE, edit, write_file},
    plain::PLAIN,
    private::PRIVATE,
    site::{Options, Site},
};

/// What the users of an EventSource write.
const LISTENER: &str = "
  source.addEventListener('event_name1', function(e) {
    const data = JSON.parse(e.data);
    alert('Event 1 triggered at ' + data.timestamp);
  });
";

const ACCOUNT_PAGE: &str = r#"<!DOCTYPE html>
<title>Account</title>
<button id="order" onclick="fetch('/order', { method: 'POST' })">Order</button>
<button id="logout" onclick="fetch('/logout', { method: 'POST', redirect: 'manual' })">Log out</button>
<script src="/js/sse-client.js"></script>
"#;

#[test]
fn an_alert_shows_an_event_of_a_php_app() {
    an_alert_shows_an_event(&PLAIN, Engine::Chromium);
}

/// The practical example: the page itself saves a value.
pub(crate) fn an_alert_shows_an_event(app: &'static App, engine: Engine) {
    let site = Site::start(
        app,
        &Options {
            is_installed: true,
            ..Options::default()
        },
    );
    let source = "  const source = sse;\n";
    edit(
        &site.path().join("public/js/sse-client.js"),
        source,
        &format!("{source}{LISTENER}"),
    );
    let browser = Browser::start_with(engine);
    browser.open(&format!("http://{}/", site.nginx.address()));
    let text = browser.accept_alert();
    let timestamp = text.strip_prefix("Event 1 triggered at ").expect(&text);
    let is_recent = format!("Date.now() - new Date('{timestamp}') < 60_000");
    assert_eq!(browser.evaluate(&is_recent), true, "{timestamp}");
}

#[test]
fn the_pages_of_users_show_their_own_events() {
    pages_of_users_show_their_own_events(&PLAIN);
}

pub(crate) fn pages_of_users_show_their_own_events(app: &'static App) {
    let site = Site::start(
        app,
        &Options {
            is_installed: true,
            ..PRIVATE
        },
    );
    let listeners = support::block_of_document(GUIDE, "In the page", "js");
    let source = "  const source = sse;\n";
    edit(
        &site.path().join("public/js/sse-client.js"),
        source,
        &format!("{source}{listeners}"),
    );
    write_file(&site.path().join("public/account.html"), ACCOUNT_PAGE);
    let [anne, bob] = [
        (Engine::Chromium, "anne", "garden"),
        (Engine::Firefox, "bob", "window"),
    ]
    .map(|(engine, name, password)| {
        let browser = Browser::start_with(engine);
        log_in(&browser, &site, name, password);
        browser
    });

    anne.click("#order");
    assert_eq!(anne.accept_alert(), "The invoice for order 42 is ready.");
    bob.click("#order");
    assert_eq!(bob.accept_alert(), "The invoice for order 42 is ready.");

    anne.click("#logout");
    anne.wait("location.pathname === '/login'");
    bob.click("#order");
    assert_eq!(bob.accept_alert(), "The invoice for order 42 is ready.");
    // While an alert is open, the browser evaluates nothing.
    for browser in [&anne, &bob] {
        assert_eq!(browser.evaluate("document.hidden"), false);
    }
}

fn log_in(browser: &Browser, site: &Site, name: &str, password: &str) {
    let url = |path: &str| format!("http://{}{path}", site.nginx.address());
    browser.open(&url("/login"));
    let form = format!("new URLSearchParams({{ name: '{name}', password: '{password}' }})");
    let post =
        format!("fetch('/login', {{ method: 'POST', body: {form} }}).then(({{ ok }}) => ok)");
    assert_eq!(browser.evaluate(&post), true, "{}", site.logs());
    browser.open(&url("/account.html"));
    browser.wait("window.sse?.readyState === 1");
}
