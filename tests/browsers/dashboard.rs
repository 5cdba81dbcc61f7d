//! The dashboard in three real browsers.

mod looks;
mod site;
mod words;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Browser, Engine, until};

use self::site::{HOSTILE_EVENT, HOSTILE_KEY, Site};

/// What a save must not take longer than until the page shows it.
const A_SECOND: Duration = Duration::from_secs(1);

const HOSTILE_VALUE: &str = "<img src=x onerror=window.hacked=1>";

/// The text of the row that this key has in the list of recent events.
fn recent_row(key: &str) -> String {
    format!(
        "[...document.querySelectorAll('#recent tbody tr')]
            .find((row) => row.cells[0].textContent === {})",
        json!(key)
    )
}

/// Opens the page and waits until it is live.
fn open(browser: &Browser, site: &Site) {
    browser.open(&site.url("/admin/dashboard"));
    browser.wait("document.body.dataset.connection === 'live'");
    browser.wait("document.querySelector('#settings tbody').rows.length > 5");
    browser.wait("document.querySelector('#server').textContent.includes(' · started ')");
    browser.wait("document.title.includes(' · ')");
}

/// One browser after the other: the page must be live within a second.
#[test]
fn in_every_browser_the_page_is_live_and_safe() {
    let site = Site::start();
    for engine in Engine::ALL {
        let browser = Browser::start_with(engine);
        open(&browser, &site);
        a_save_appears_within_a_second(&browser, &site, engine);
        texts_are_no_html(&browser, &site);
        hidden_characters_are_shown(&browser, &site);
        the_form_sends_an_event(&browser, &site);
        other_origins_cannot_send_events(&browser, &site);
        open(&browser, &site);
        nothing_violates_the_policy(&browser, &site);
    }
}

/// How often a save is tried again on a machine that is busy with something else.
const MAX_SAVES: usize = 5;

#[track_caller]
fn a_save_appears_within_a_second(browser: &Browser, site: &Site, engine: Engine) {
    let delays =
        (0..MAX_SAVES).map(|save| delay_of_save(browser, site, &format!("{engine} {save}")));
    let delays: Vec<_> = delays.take_while(|delay| *delay >= A_SECOND).collect();
    assert!(delays.len() < MAX_SAVES, "{engine}: {delays:?}");
}

/// By the clock of the page, because WebDriver takes its time.
#[track_caller]
fn delay_of_save(browser: &Browser, site: &Site, value: &str) -> Duration {
    browser.execute(&format!(
        "window.shownAt = undefined;
        const list = document.querySelector('#recent tbody');
        new MutationObserver((_, observer) => {{
            if (!list.textContent.includes({})) return;
            observer.disconnect();
            window.shownAt = Date.now();
        }}).observe(list, {{ subtree: true, childList: true, characterData: true }});",
        json!(value)
    ));
    let saved_at = site.save("event_cache_key1", json!(value));
    browser.wait("window.shownAt !== undefined");
    let shown_at = browser.evaluate("window.shownAt").as_u64().unwrap();
    Duration::from_millis(shown_at.saturating_sub(saved_at))
}

#[track_caller]
fn texts_are_no_html(browser: &Browser, site: &Site) {
    site.save(HOSTILE_KEY, json!(HOSTILE_VALUE));
    let row = recent_row(HOSTILE_KEY);
    browser.wait(&format!("{row} !== undefined"));
    let texts = browser.evaluate(&format!("[...{row}.cells].map((cell) => cell.textContent)"));
    assert_eq!(texts[2], HOSTILE_EVENT);
    assert_eq!(texts[5], json!(HOSTILE_VALUE).to_string());
    let made = browser.evaluate("document.querySelectorAll('main img, main i').length");
    assert_eq!(
        (made, browser.evaluate("window.hacked ?? null")),
        (json!(0), Value::Null)
    );
}

#[track_caller]
fn hidden_characters_are_shown(browser: &Browser, site: &Site) {
    site.save("k\u{202e}evil", json!(1));
    browser.wait(&format!("{} !== undefined", recent_row(r"k\u202eevil")));
    site.save("event_cache_key1", json!("\u{2066}v"));
    let row = recent_row("event_cache_key1");
    browser.wait(&format!(r#"{row}?.cells[5].textContent === '"\\u2066v"'"#));
}

#[track_caller]
fn the_form_sends_an_event(browser: &Browser, site: &Site) {
    let send = |value: &str, to: &str| {
        browser.execute(&format!(
            "document.querySelector('#test-key').value = 'event_cache_key2';
            document.querySelector('#test-value').value = {};
            document.querySelector('#test-to').value = {};",
            json!(value),
            json!(to)
        ));
        browser.click("#test-form button");
        browser.wait(
            "!['', 'pending'].includes(document.querySelector('#test-result').dataset.level ?? '')",
        );
        let result = browser.evaluate("document.querySelector('#test-result').textContent");
        result.as_str().unwrap().to_owned()
    };
    let before = site.saved();
    let mistake = send("{1", "");
    assert!(mistake.starts_with("The value is not JSON"), "{mistake}");
    assert_eq!(browser.evaluate("document.activeElement.id"), "test-value");
    let mistake = send("1", "*");
    assert!(mistake.contains("contains a `*`"), "{mistake}");
    assert_eq!(site.saved(), before, "nothing is saved by mistake");
    let sent = send("12345678901234567890", "user:1, user:2");
    assert!(sent.starts_with("Saved. It triggers event_name2"), "{sent}");
    assert_eq!(site.saved(), before + 1);
    let entry = site.newest("event_cache_key2", "user:2");
    assert_eq!(entry.value(), "12345678901234567890");
    let row = recent_row("event_cache_key2");
    browser.wait(&format!("{row}?.cells[3].textContent === 'private'"));
    let text = browser.evaluate("document.body.innerText").to_string();
    let form = browser
        .evaluate("document.querySelector('#test-form').innerText")
        .to_string();
    assert!(!text.replace(&form, "").contains("user:2"), "{text}");
}

/// From another port and from another host, with a type that needs no permission and with one that does.
#[track_caller]
fn other_origins_cannot_send_events(browser: &Browser, site: &Site) {
    let (before, url) = (site.saved(), site.url("/admin/dashboard/test-events"));
    for origin in site.other_origins() {
        browser.open(&format!("{origin}/elsewhere"));
        let attempts = site.attempts();
        for (mode, kind) in [("no-cors", "text/plain"), ("cors", "application/json")] {
            let options = json!({
                "method": "POST", "mode": mode, "headers": {"Content-Type": kind},
                "body": r#"{"key": "event_cache_key1", "value": 1}"#,
            });
            browser.evaluate(&format!("fetch('{url}', {options}).then(() => 1, () => 2)"));
        }
        assert!(
            site.attempts() > attempts,
            "the browser sends the first from {origin}"
        );
    }
    assert_eq!(site.saved(), before);
}

#[track_caller]
fn nothing_violates_the_policy(browser: &Browser, site: &Site) {
    assert_eq!(site.violations(), 0);
    // Without this, a browser that reports nothing would pass.
    browser.execute("document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))");
    until("a violation is reported", || {
        (site.violations() > 0).then_some(())
    });
    site.forget_violations();
}

/// Each answer of the server has its reason on the page, which becomes live again by itself.
#[test]
fn a_page_that_is_refused_says_why_and_tries_again() {
    let site = Site::start();
    let browser = Browser::start();
    site.refuse(503);
    browser.open(&site.url("/admin/dashboard"));
    let failure = "document.querySelector('#failure').innerText";
    browser.wait(&format!(
        "{failure}.includes('status 503. Too many pages watch. Close one of them.')"
    ));
    assert_eq!(
        browser.evaluate("document.querySelector('#connection').textContent"),
        "No connection"
    );
    site.refuse(401);
    browser.wait(&format!(
        "{failure}.startsWith('Your session is over: load the page again.')"
    ));
    site.refuse(410);
    browser.wait(&format!("{failure}.includes('status 410')"));
    site.refuse(0);
    browser.wait(
        "document.body.dataset.connection === 'live' && !document.querySelector('#main').hidden",
    );
    assert_eq!(browser.evaluate(failure), "");
}
