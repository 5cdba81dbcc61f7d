//! How the page looks, and how the keyboard and the browser's cache work with it.

use std::{
    fs,
    time::{Instant, SystemTime},
};

use support::{App, Browser};

use super::{A_SECOND, open_page, toasts, wait_for_events, wait_for_text};

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

/// A window in which all of a page's animations have ended.
fn wait_until_still(browser: &Browser) {
    browser.wait("document.getAnimations().every(({ playState }) => playState !== 'running')");
}

fn dismiss_all_toasts(browser: &Browser) {
    while browser.evaluate("document.querySelectorAll('.toast').length") != 0 {
        browser.press("Escape");
    }
}

#[test]
fn several_toasts_fit_on_a_phone_and_are_announced_once_each() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    for (width, height, toasts) in [(360, 640, 2), (900, 700, 3), (1440, 900, 3)] {
        browser.set_viewport(width, height);
        open_page(&browser, &server);
        let sentences = [1, 2, 3, 4].map(|order| format!("Order {order} was placed"));
        for order in 1..=4 {
            app.save("event_cache_key1", &format!("{{\"order\": {order}}}"));
        }
        wait_for_text(&browser, "#toasts", &sentences[3]);
        wait_until_still(&browser);
        let shown = browser.evaluate(
            "[...document.querySelectorAll('.toast .message')].map(({ innerText }) => innerText)",
        );
        let newest = &sentences[sentences.len() - toasts..];
        assert_eq!(shown, serde_json::json!(newest), "{width}");
        let are_visible = "[...document.querySelectorAll('.toast button')].every((button) => {
            const { left, top, width, height } = button.getBoundingClientRect();
            return document.elementFromPoint(left + width / 2, top + height / 2) === button;
        })";
        assert_eq!(browser.evaluate(are_visible), true, "{width}");
        let is_newest_event_visible = "(({ left, bottom }) => document.elementFromPoint(left + 1, bottom - 2)
            ?.closest('#arrived li') !== null)(document.querySelector('#arrived li').getBoundingClientRect())";
        assert_eq!(browser.evaluate(is_newest_event_visible), true, "{width}");
        let announced = browser.evaluate(
            "[...document.querySelectorAll('[role=log] p')].map(({ textContent }) => textContent)",
        );
        assert_eq!(announced, serde_json::json!(sentences), "{width}");
    }
}

#[test]
fn a_phone_shows_the_buttons_and_the_newest_events_without_scrolling() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.set_viewport(360, 640);
    open_page(&browser, &server);
    for order in [1, 2] {
        app.save("event_cache_key1", &format!("{{\"order\": {order}}}"));
        wait_for_events(&browser, order, Instant::now());
    }
    dismiss_all_toasts(&browser);
    let is_in_window = "[...document.querySelectorAll('#buttons button, #arrived li')]
        .map((element) => element.getBoundingClientRect())
        .every(({ top, bottom, left, right }) => top >= 0 && left >= 0 && bottom <= 640 && right <= 360)";
    assert_eq!(browser.evaluate(is_in_window), true);
    let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.evaluate(overflow), 0);
}

/// Scroll bars that take space, as on a desktop.
const CLASSIC_SCROLL_BAR: &str = "
    const style = new CSSStyleSheet();
    style.replaceSync('html { overflow-y: scroll } ::-webkit-scrollbar { width: 15px }');
    document.adoptedStyleSheets.push(style);
";

#[test]
fn a_narrow_window_with_a_scroll_bar_leaves_a_margin_and_whole_words() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.set_viewport(360, 640);
    open_page(&browser, &server);
    browser.execute(CLASSIC_SCROLL_BAR);
    browser.wait("document.documentElement.clientWidth < 360");
    for order in 1..=12 {
        app.save("event_cache_key1", &format!("{{\"order\": {order}}}"));
    }
    wait_for_events(&browser, 12, Instant::now());
    wait_until_still(&browser);
    let margins = "(({ left, right }) => [left, document.documentElement.clientWidth - right])(
        document.querySelector('.toast').getBoundingClientRect())";
    assert_eq!(browser.evaluate(margins), serde_json::json!([16, 16]));
    let lines = "[...document.querySelectorAll('.buttons .key')].map((key) => {
        const range = document.createRange();
        range.selectNodeContents(key);
        return range.getClientRects().length;
    })";
    assert_eq!(browser.evaluate(lines), serde_json::json!([1, 1]));
    // One scroll bar, for the page.
    let scrolls = "(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight)(document.querySelector('#arrived'))";
    assert_eq!(browser.evaluate(scrolls), false);
    let visible = "[...document.querySelectorAll('#arrived li')].filter((item) => item.checkVisibility()).length";
    assert_eq!(browser.evaluate(visible), 8);
}

#[test]
fn a_lost_connection_and_a_toast_move_nothing() {
    const PLACES: &str =
        "[...document.querySelectorAll('.bar, main section, main h2, main button, footer')]
        .filter((element) => element.checkVisibility())
        .map((element) => {
            const { left, top, width, height } = element.getBoundingClientRect();
            return [element.id || element.className || element.innerText, left, top, width, height];
        })";
    let browser = Browser::start();
    for (width, height) in [(360, 640), (1440, 900)] {
        let app = App::with_lasting_streams();
        let server = app.start();
        browser.set_viewport(width, height);
        open_page(&browser, &server);
        app.save("event_cache_key1", "1");
        wait_for_events(&browser, 1, Instant::now());
        dismiss_all_toasts(&browser);
        let before = browser.evaluate(PLACES);
        app.save("event_cache_key2", "2");
        wait_for_text(&browser, "#toasts", "2");
        server.kill();
        wait_for_text(&browser, "#reason", "The app does not answer.");
        let item_height = "document.querySelector('#arrived li').getBoundingClientRect().height";
        let added = browser.evaluate(item_height).as_f64().unwrap();
        let after = browser.evaluate(PLACES);
        for (before, after) in before
            .as_array()
            .unwrap()
            .iter()
            .zip(after.as_array().unwrap())
        {
            let moved = after[2].as_f64().unwrap() - before[2].as_f64().unwrap();
            // The new event has made the list longer, and only on a phone is something below it.
            let expected = if width == 360 && moved != 0.0 {
                added
            } else {
                0.0
            };
            assert!(
                (moved - expected).abs() < 1.0,
                "{width}, {added}: {before} became {after}"
            );
        }
    }
}

#[test]
fn escape_dismisses_the_newest_toast_and_leaves_the_focus() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    app.save("event_cache_key1", "\"one\"");
    wait_for_text(&browser, "#toasts", "one");
    // A toast with the focus stays until it is dismissed.
    browser.execute("document.querySelector('.toast button').focus()");
    app.save("event_cache_key1", "\"two\"");
    wait_for_text(&browser, "#toasts", "two");
    browser.press("Escape");
    wait_for_text(&browser, "#toasts", "one");
    assert!(!toasts(&browser).contains("two"));
    browser.wait("document.activeElement.closest('.toast')?.innerText.includes('one') === true");
    // The focus of a toast that is dismissed would be lost.
    browser.press("Escape");
    browser.wait("document.activeElement.id === 'arrived'");
    assert_eq!(toasts(&browser), "\"\"");

    browser.execute("document.querySelector('#place-order').focus()");
    app.save("event_cache_key1", "\"three\"");
    wait_for_text(&browser, "#toasts", "three");
    browser.press("Escape");
    browser.wait("document.querySelector('.toast') === null");
    assert_eq!(browser.evaluate("document.activeElement.id"), "place-order");
}

#[test]
fn a_dismissed_toast_passes_its_focus_on() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    app.save("event_cache_key1", "\"one\"");
    wait_for_text(&browser, "#toasts", "one");
    browser.execute("document.querySelector('.toast button').focus()");
    app.save("event_cache_key1", "\"two\"");
    wait_for_text(&browser, "#toasts", "two");
    browser.execute("document.activeElement.click()");
    browser.wait("document.activeElement.closest('.toast')?.innerText.includes('two') === true");
    browser.execute("document.activeElement.click()");
    browser.wait("document.activeElement.id === 'arrived'");
}

#[test]
fn the_keyboard_reaches_every_control_in_the_order_of_the_page() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    open_page(&browser, &server);
    app.save("event_cache_key1", "1");
    wait_for_text(&browser, "#toasts", "1");
    browser.execute("document.querySelector('.toast button').focus()");
    let mut reached = Vec::new();
    for _ in 0..6 {
        let visible = "getComputedStyle(document.activeElement).outlineStyle !== 'none'";
        browser.press("Tab");
        assert_eq!(browser.evaluate(visible), true, "{reached:?}");
        let name = "(({ id, dataset }) => id || dataset.eventButton || dataset.copy)(document.activeElement)";
        reached.push(browser.evaluate(name).as_str().unwrap().to_owned());
    }
    assert_eq!(
        reached,
        [
            "event_name1",
            "event_name2",
            "arrived",
            "place-order",
            "echo-command",
            "save-command"
        ]
    );
}
