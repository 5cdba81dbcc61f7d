//! Page changes in one tab.

use std::{thread, time::Duration};

use support::{Browser, Engine, until};

use super::site::Site;

const SAVES: usize = 1000;
const PAGE_CHANGES: usize = 100;

/// The list that all pages of the tab have written together; `None` while a page is being left.
fn written(browser: &Browser, what: &str) -> Option<Vec<String>> {
    let text = browser.try_evaluate(&format!("localStorage.getItem('{what}') ?? ''"))?;
    let items = text.as_str()?.split_terminator(',');
    Some(items.map(str::to_owned).collect())
}

pub(crate) fn lose_and_repeat_nothing(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    browser.open(&site.url("/"));
    browser.wait("window.sse?.status === 'open'");
    browser.execute(&format!(
        "localStorage.setItem('hops', {PAGE_CHANGES}); location.reload();"
    ));
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=SAVES {
                site.save("a", value);
                // Spread over the page changes, which take about as long.
                thread::sleep(Duration::from_millis(8));
            }
        });
    });
    // A page changes within seconds even on a busy machine, but all hundred may take a minute.
    for left in (0..PAGE_CHANGES).rev() {
        until(&format!("{left} page changes are left"), || {
            let hops: usize = written(&browser, "hops")?.first()?.parse().unwrap();
            (hops <= left).then_some(())
        });
    }
    let received = until("all values have arrived", || {
        written(&browser, "received").filter(|values| values.len() >= SAVES)
    });
    let expected: Vec<String> = (1..=SAVES).map(|value| value.to_string()).collect();
    let wrong = received.iter().zip(&expected).position(|(a, b)| a != b);
    let around = wrong.map(|at| &received[at.saturating_sub(5)..received.len().min(at + 5)]);
    assert_eq!(around, None, "at value {wrong:?} of {}", received.len());
    assert_eq!(received.len(), SAVES);
    let gaps = until("the page is complete", || written(&browser, "gaps"));
    assert!(gaps.is_empty(), "{gaps:?}");
}

/// A browser may cache a page that is left, and show it again. A cached page catches up with the events
/// that it missed; a page that is loaded again continues where the tab was.
pub(crate) fn catch_up_when_shown_again(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    visit(&browser, &site, "/first", 1);
    visit(&browser, &site, "/second", 2);

    browser.back();
    let is_cached = expect_after_return(&browser, &site, "/first", 3, [1, 2, 3].as_slice());
    // Firefox does not cache pages that have had a stream.
    assert!(is_cached || engine == Engine::Firefox);

    browser.forward();
    expect_after_return(&browser, &site, "/second", 4, [2, 3, 4].as_slice());
}

/// Opens a page, which receives this value.
fn visit(browser: &Browser, site: &Site, path: &str, value: usize) {
    browser.open(&site.url(path));
    browser.wait("window.sse?.status === 'open'");
    browser.execute(&format!("window.visited = '{path}';"));
    site.has_streams(1);
    site.save("a", value);
    browser.wait(&format!("received.join() === '{value}'"));
}

/// Expects that the page to which the browser has returned receives this value. Returns whether it is
/// the cached page.
fn expect_after_return(
    browser: &Browser,
    site: &Site,
    path: &str,
    value: usize,
    all: &[usize],
) -> bool {
    browser.wait(&format!(
        "location.pathname === '{path}' && window.sse?.status === 'open'"
    ));
    let is_cached = browser.evaluate("window.visited !== undefined") == true;
    site.has_streams(1);
    site.save("a", value);
    browser.wait(&format!("received.at(-1) === {value}"));
    let expected = if is_cached { all } else { &[value] };
    assert_eq!(browser.evaluate("received"), serde_json::json!(expected));
    assert_eq!(browser.evaluate("restored"), usize::from(is_cached));
    assert_eq!(browser.evaluate("gaps.length"), 0);
    is_cached
}
