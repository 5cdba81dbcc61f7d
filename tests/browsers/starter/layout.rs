//! How the page looks, and how the keyboard and the browser's cache work with it.

use std::{
    fs,
    time::{Instant, SystemTime},
};

use support::{App, Browser};

use super::{A_SECOND, open_page, wait_for_events, wait_for_text};

#[test]
fn an_edited_public_file_is_seen_at_the_next_visit() {
    let app = App::new();
    let public = app.path().join("public");
    // Browsers assume that a file that has not changed for long may be cached.
    for file in ["style.css", "app.js", "index.html"] {
        let file = fs::File::options()
            .write(true)
            .open(public.join(file))
            .unwrap();
        file.set_modified(SystemTime::now() - 1_000 * 24 * 3_600 * A_SECOND)
            .unwrap();
    }
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    for (file, addition) in [
        ("style.css", "body { --edited: 1; }"),
        ("app.js", "window.edited = 1;"),
        ("index.html", "<p id=\"edited\"></p>"),
    ] {
        let text = fs::read_to_string(public.join(file)).unwrap();
        fs::write(public.join(file), text + addition).unwrap();
    }
    browser.open(&server.url("/favicon.svg"));
    open_page(&browser, &server);
    assert_eq!(
        browser.evaluate("getComputedStyle(document.body).getPropertyValue('--edited').trim()"),
        "1"
    );
    assert_eq!(browser.evaluate("window.edited"), 1);
    assert_eq!(
        browser.evaluate("document.querySelector('#edited') !== null"),
        true
    );
}

#[test]
fn the_pages_work_under_a_strict_content_security_policy() {
    let app = App::new();
    for page in ["index.html", "order.html"] {
        let path = app.path().join("public").join(page);
        let policy = "<head>
            <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'\">
            <script src=\"/violations.js\"></script>";
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("<head>", policy)).unwrap();
    }
    let script = "window.violations = [];
        addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));";
    fs::write(app.path().join("public/violations.js"), script).unwrap();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    browser.click("[data-event-button=event_name1]");
    wait_for_text(&browser, "#toasts", "event_name1");
    assert_eq!(browser.evaluate("violations.join()"), "");
    browser.click("#place-order");
    wait_for_text(&browser, "#order-event", "event_name1");
    assert_eq!(browser.evaluate("violations.join()"), "");
}

#[test]
fn toasts_are_announced_and_cover_only_their_part_of_the_bar() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    for width in [500, 768, 1280] {
        browser.resize(width, 900);
        open_page(&browser, &server);
        for value in ["\"one\"", "\"two\"", "\"three\"", "\"four\""] {
            app.save("event_cache_key1", value);
        }
        wait_for_text(&browser, "#toasts", "four");
        browser.execute(
            "document.querySelector('.toast:last-child button').focus(); scrollTo(0, 1000);",
        );
        browser.wait("document.getAnimations().every(({ playState }) => playState !== 'running')");
        let within = "(([bar, ...toasts]) => toasts.every(({ top, bottom, left, right }) =>
            top >= bar.top && bottom <= bar.bottom && left >= bar.left && right <= bar.right))
            ([...document.querySelectorAll('.bar, .toast')].filter((node) => node.checkVisibility()).map((node) => node.getBoundingClientRect()))";
        assert_eq!(browser.evaluate(within), true, "{width}");
        let beside = "document.querySelector('.toast:last-child').getBoundingClientRect().right
            <= document.querySelector('#status').getBoundingClientRect().left";
        assert_eq!(browser.evaluate(beside), true, "{width}");
        assert_eq!(
            browser.evaluate(
                "document.querySelector('.toast').closest('[aria-live=polite]') !== null"
            ),
            true
        );
    }
}

#[test]
fn the_keyboard_dismisses_toasts_and_keeps_the_focus() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    app.save("event_cache_key1", "\"one\"");
    wait_for_text(&browser, "#toasts", "one");
    // A toast with the focus stays.
    browser.execute("document.querySelector('.toast button').focus()");
    app.save("event_cache_key1", "\"two\"");
    wait_for_text(&browser, "#toasts", "two");
    browser.execute("document.activeElement.click()");
    browser.wait("document.activeElement.closest('.toast')?.innerText.includes('two') === true");
    browser.execute("document.activeElement.click()");
    browser.wait("document.activeElement.id === 'arrived'");
}

#[test]
fn the_page_fits_on_a_phone() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.resize(500, 900);
    open_page(&browser, &server);
    browser.click("[data-event-button=event_name1]");
    wait_for_events(&browser, 1, Instant::now());
    assert_eq!(
        browser.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ),
        true
    );
}
