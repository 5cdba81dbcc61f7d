//! Several tabs of one browser.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;
use support::{Browser, Engine, Tab};

use super::site::Site;

const TABS: usize = 12;
const CLOSED_LEADERS: usize = 20;
/// Longer than the twelve seconds within which a tab replaces a silent leader: two heartbeats, and up
/// to ten seconds more.
const STALL: Duration = Duration::from_secs(25);

/// Opens the page in another tab, which becomes the current one.
fn open_tab(browser: &Browser, site: &Site, path: &str) -> Tab {
    let tab = browser.new_tab();
    browser.switch_to(&tab);
    browser.open(&site.url(path));
    browser.wait("window.sse?.status === 'open'");
    tab
}

/// Opens the page in this many tabs, including the first one.
pub(super) fn open_tabs(browser: &Browser, site: &Site, path: &str, count: usize) -> Vec<Tab> {
    browser.open(&site.url(path));
    browser.wait("window.sse?.status === 'open'");
    let mut tabs = vec![browser.current_tab()];
    tabs.extend((1..count).map(|_| open_tab(browser, site, path)));
    tabs
}

pub(super) fn received(browser: &Browser) -> Vec<u64> {
    let received = browser.evaluate("received");
    serde_json::from_value(received).unwrap()
}

/// Waits until the tab has received this value, and returns all values that it has received.
pub(super) fn received_up_to(browser: &Browser, tab: &Tab, last: usize) -> Vec<u64> {
    browser.switch_to(tab);
    browser.wait(&format!("received.includes({last})"));
    assert_eq!(browser.evaluate("gaps"), Value::Array(vec![]));
    received(browser)
}

#[track_caller]
pub(super) fn assert_unbroken(received: &[u64], first: u64, last: usize) {
    let expected: Vec<u64> = (first..=last as u64).collect();
    assert_eq!(received, expected);
}

pub(crate) fn share_one_connection(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    let tabs = open_tabs(&browser, &site, "/", TABS);
    site.has_streams(1);
    for value in 1..=100 {
        site.save("a", value);
    }
    for tab in &tabs {
        assert_unbroken(&received_up_to(&browser, tab, 100), 1, 100);
    }
    site.has_streams(1);
}

/// Sets the flag when it is dropped. That includes a panic: a scope waits for its threads, so a failed
/// test would hang otherwise.
pub(super) struct SetOnDrop<'a>(pub(super) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The leader is closed repeatedly, while values are saved.
pub(crate) fn survive_the_end_of_their_leaders(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    let mut tabs = open_tabs(&browser, &site, "/", TABS);
    let (saved, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                site.save("a", saved.fetch_add(1, Ordering::SeqCst) + 1);
                // Spread over the closing of the tabs.
                thread::sleep(Duration::from_millis(20));
            }
        });
        let _done = SetOnDrop(&done);
        for _ in 0..CLOSED_LEADERS {
            let leader = leader(&browser, &tabs);
            browser.close_tab(&tabs.remove(leader));
            tabs.push(open_tab(&browser, &site, "/"));
        }
    });
    let last = saved.load(Ordering::SeqCst);
    assert!(last > CLOSED_LEADERS, "only {last} saves");
    for tab in &tabs {
        let received = received_up_to(&browser, tab, last);
        assert_unbroken(&received, received[0], last);
    }
    site.has_streams(1);
}

/// The leader's main thread is busy for so long that another tab becomes the leader, and a third tab
/// opens meanwhile.
pub(crate) fn get_events_after_a_stalled_leader_returns(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    let mut tabs = open_tabs(&browser, &site, "/", 2);
    let leader = tabs[leader(&browser, &tabs)].clone();
    browser.switch_to(&leader);
    let stall = format!(
        "setTimeout(() => {{
            const end = Date.now() + {};
            while (Date.now() < end);
            window.returned = true;
        }}, 500);",
        STALL.as_millis()
    );
    browser.execute(&stall);
    // The driver must not wait for the tab that stalls.
    let follower = tabs.iter().find(|tab| **tab != leader).unwrap();
    browser.switch_to(follower);
    tabs.push(open_tab(&browser, &site, "/"));
    site.save("a", 1);
    for tab in tabs.iter().filter(|tab| **tab != leader) {
        assert_unbroken(&received_up_to(&browser, tab, 1), 1, 1);
    }
    browser.switch_to(&leader);
    browser.wait("window.returned");
    site.has_streams(1);
    site.save("a", 2);
    for tab in &tabs {
        assert_unbroken(&received_up_to(&browser, tab, 2), 1, 2);
    }
}

/// Waits until a tab holds the connection, and returns its index.
fn leader(browser: &Browser, tabs: &[Tab]) -> usize {
    support::until("a tab leads", || {
        tabs.iter().position(|tab| {
            browser.switch_to(tab);
            browser.evaluate("sse.leading && sse.status === 'open'") == true
        })
    })
}

pub(crate) fn have_separate_connections_without_locks(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    let tabs = open_tabs(&browser, &site, "/?nolocks", 3);
    site.has_streams(3);
    site.save("a", 1);
    for tab in &tabs {
        assert_unbroken(&received_up_to(&browser, tab, 1), 1, 1);
    }
}

pub(crate) fn get_only_the_events_they_ask_for(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    let first = open_tabs(&browser, &site, "/?events=a", 1).remove(0);
    let second = open_tab(&browser, &site, "/?events=b");
    let all = open_tab(&browser, &site, "/");
    site.has_streams(1);
    for (key, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("b", 5)] {
        site.save(key, value);
    }
    assert_eq!(received_up_to(&browser, &first, 4), [1, 4]);
    assert_eq!(received_up_to(&browser, &second, 5), [2, 5]);
    assert_eq!(received_up_to(&browser, &all, 5), [1, 2, 3, 4, 5]);
}

/// Another visitor logs in, while tabs of the first one are open.
pub(crate) fn of_different_visitors_share_nothing(engine: Engine) {
    let site = Site::with_lasting_streams();
    let browser = Browser::start_with(engine);
    browser.open(&site.url("/?share=none"));
    browser.set_cookie("visitor", "a");
    let first = open_tabs(&browser, &site, "/?share=user-a", 1).remove(0);
    let second = open_tab(&browser, &site, "/?share=user-a");
    site.has_streams(1);
    browser.set_cookie("visitor", "b");
    let other = open_tab(&browser, &site, "/?share=user-b");
    site.has_streams(2);
    site.save("a", 1);
    site.save("b", 2);
    assert_eq!(received_up_to(&browser, &other, 2), [2]);
    for tab in [&first, &second] {
        assert_eq!(received_up_to(&browser, tab, 1), [1]);
    }
}

/// The same without a `share` option for the visitor: a page that joins causes a new connection, with
/// its own cookies.
pub(crate) fn get_no_events_of_an_earlier_visitor(engine: Engine) {
    let site = Site::start();
    let browser = Browser::start_with(engine);
    browser.open(&site.url("/?share=none"));
    browser.set_cookie("visitor", "a");
    let first = open_tabs(&browser, &site, "/", 1).remove(0);
    site.save("a", 1);
    assert_eq!(received_up_to(&browser, &first, 1), [1]);
    browser.set_cookie("visitor", "b");
    let second = open_tab(&browser, &site, "/");
    site.has_streams(1);
    site.save("a", 2);
    site.save("b", 3);
    assert_eq!(received_up_to(&browser, &second, 3), [3]);
}
