//! Page after page in one tab.

use std::{thread, time::Duration};

use support::{Browser, Engine, until};

use super::site::Site;

const SAVES: usize = 1000;
const HOPS: usize = 100;

/// What all documents together have written down; `None` from one that is just being left.
fn written(browser: &Browser, what: &str) -> Option<Vec<String>> {
    let text = browser.evaluate(&format!("localStorage.getItem('{what}') ?? ''"));
    let items = text.as_str()?.split_terminator(',');
    Some(items.map(str::to_owned).collect())
}

pub(crate) fn miss_and_repeat_nothing(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    browser.open(&site.url("/"));
    browser.wait("window.sse?.status === 'open'");
    browser.execute(&format!(
        "localStorage.setItem('hops', {HOPS}); location.reload();"
    ));
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=SAVES {
                site.save("a", value);
                // Spread over the changes of pages, which take about as long.
                thread::sleep(Duration::from_millis(8));
            }
        });
    });
    until("the pages have changed", || {
        (written(&browser, "hops")? == ["0"]).then_some(())
    });
    until("all values are received", || {
        (written(&browser, "received")?.len() >= SAVES).then_some(())
    });
    let expected: Vec<String> = (1..=SAVES).map(|value| value.to_string()).collect();
    assert_eq!(written(&browser, "received"), Some(expected));
    assert_eq!(written(&browser, "gaps"), Some(Vec::new()));
}

/// The browser may keep a page that is left, and show it again as it was. A page that is kept catches up
/// with what it has not received; one that is loaded again resumes where the tab was.
pub(crate) fn come_back_and_catch_up(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    visit(&browser, &site, "/first", 1);
    visit(&browser, &site, "/second", 2);

    browser.back();
    let is_kept = return_to(&browser, &site, "/first", 3, [1, 2, 3].as_slice());
    // Firefox keeps no page that has had a stream.
    assert!(is_kept || engine == Engine::Firefox);

    browser.forward();
    return_to(&browser, &site, "/second", 4, [2, 3, 4].as_slice());
}

/// Opens a page, which hears this value.
fn visit(browser: &Browser, site: &Site, path: &str, value: usize) {
    browser.open(&site.url(path));
    browser.wait("window.sse?.status === 'open'");
    browser.execute(&format!("window.visited = '{path}';"));
    site.has_streams(1);
    site.save("a", value);
    browser.wait(&format!("received.join() === '{value}'"));
}

/// What the page hears that the browser went back to, after this value is saved; and whether it is the
/// one that was left.
fn return_to(browser: &Browser, site: &Site, path: &str, value: usize, all: &[usize]) -> bool {
    browser.wait(&format!(
        "location.pathname === '{path}' && window.sse?.status === 'open'"
    ));
    let is_kept = browser.evaluate("window.visited !== undefined") == true;
    site.has_streams(1);
    site.save("a", value);
    browser.wait(&format!("received.at(-1) === {value}"));
    let expected = if is_kept { all } else { &[value] };
    assert_eq!(browser.evaluate("received"), serde_json::json!(expected));
    assert_eq!(browser.evaluate("restored"), usize::from(is_kept));
    assert_eq!(browser.evaluate("gaps.length"), 0);
    is_kept
}
