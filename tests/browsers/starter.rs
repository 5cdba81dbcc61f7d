//! The starter's page in a real browser.

mod accessibility;
mod connection;
mod events;
mod history;
mod layout;
mod refusal;

use std::time::{Duration, Instant};

use support::{Browser, Server};

const A_SECOND: Duration = Duration::from_secs(1);

/// Opens the page and waits until it receives events.
fn open_page(browser: &Browser, server: &Server) {
    browser.open(&server.url("/"));
    wait_until_listening(browser);
    keep_toasts(browser);
}

/// Has toasts stay as if the user pointed at each, but only at that one. A busy machine may need more than the few
/// seconds after which a toast disappears.
fn keep_toasts(browser: &Browser) {
    browser.execute(
        "new MutationObserver((records) => {
            for (const toast of records.flatMap(({ addedNodes }) => [...addedNodes]))
                toast.dispatchEvent(new Event('pointerenter'));
        }).observe(document.querySelector('#toasts'), { childList: true });",
    );
}

fn wait_until_listening(browser: &Browser) {
    wait_for_status(browser, "open");
    browser.wait("document.querySelector('[data-event-button=event_name2]') !== null");
}

fn wait_for_status(browser: &Browser, status: &str) {
    browser.wait(&format!(
        "document.querySelector('#status')?.dataset.status === '{status}'"
    ));
}

/// Waits until the visible text of an element contains this one.
#[track_caller]
fn wait_for_text(browser: &Browser, css: &str, text: &str) {
    let text = serde_json::json!(text);
    browser.wait(&format!(
        "document.querySelector('{css}')?.innerText.includes({text}) === true"
    ));
}

#[track_caller]
fn wait_until_hidden(browser: &Browser, css: &str) {
    browser.wait(&format!(
        "document.querySelector('{css}')?.checkVisibility() === false"
    ));
}

fn toasts(browser: &Browser) -> String {
    browser
        .evaluate(
            "[...document.querySelectorAll('.toast')].map((toast) => toast.textContent).join()",
        )
        .to_string()
}

/// Waits until the page shows this many events, and returns the time since `triggered`.
fn wait_for_events(browser: &Browser, count: usize, triggered: Instant) -> Duration {
    browser.wait(&format!(
        "document.querySelectorAll('#arrived [data-id]').length >= {count}"
    ));
    triggered.elapsed()
}

fn newest_event(browser: &Browser) -> String {
    browser
        .evaluate("document.querySelector('#arrived [data-id]').innerText")
        .to_string()
}
