//! Logins while pages of another user are open.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;
use support::Engine;

use super::{
    super::tabs::{SetOnDrop, assert_unbroken, received},
    Setup,
};

/// Added to the values of the second user.
const SECOND: usize = 1_000_000;
/// Enough values for the new connections of all pages to be among them.
const VALUES_AFTER_LOGIN: usize = 50;

/// Values of both users are saved all the time.
pub(super) fn as_another_user_end_the_pages_of_the_first(setup: &Setup) {
    let Setup { site, browser, .. } = setup;
    let (saved, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    setup.log_in("erin");
    let of_erin = setup.open("/");
    let (of_frank, erin_again) = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let value = saved.fetch_add(1, Ordering::SeqCst) + 1;
                site.save("a", value, "user:erin");
                site.save("b", SECOND + value, "user:frank");
                // Spread over the logins.
                thread::sleep(Duration::from_millis(5));
            }
        });
        let _done = SetOnDrop(&done);
        browser.wait("sse.leading && received.length > 0");
        let log_in_elsewhere = |user| {
            browser.switch_to(&browser.new_tab());
            setup.log_in(user);
            let tab = setup.open("/");
            browser.wait(&format!("received.length > {VALUES_AFTER_LOGIN}"));
            tab
        };
        let of_frank = log_in_elsewhere("frank");
        browser.switch_to(&of_erin);
        browser.wait("identityChanges === 1");
        setup.expect(
            &of_frank,
            "[sse.leading, sse.status]",
            &json!([true, "open"]),
        );

        let erin_again = log_in_elsewhere("erin");
        browser.switch_to(&of_frank);
        browser.wait("identityChanges === 1");
        browser.switch_to(&of_erin);
        browser.execute("sse.connect()");
        browser.wait("sse.status === 'open'");
        browser.switch_to(&of_frank);
        browser.execute("sse.connect()");
        browser.wait("identityChanges === 2");
        (of_frank, erin_again)
    });
    let last = saved.load(Ordering::SeqCst);
    for tab in [&of_erin, &erin_again] {
        let received = setup.received_up_to(tab, last);
        assert_unbroken(&received, received[0], last);
    }
    browser.switch_to(&of_frank);
    let received = received(browser);
    assert!(received[0] > SECOND as u64, "{received:?}");
    let last = usize::try_from(received[received.len() - 1]).unwrap();
    assert_unbroken(&received, received[0], last);
    site.has_streams(1);
    for (tab, changes, statuses) in [
        (&of_erin, 1, json!(["open", "closed", "connecting", "open"])),
        (
            &of_frank,
            2,
            json!(["open", "closed", "connecting", "closed"]),
        ),
        (&erin_again, 0, json!(["open"])),
    ] {
        setup.expect(
            tab,
            "[identityChanges, statuses]",
            &json!([changes, statuses]),
        );
    }
}

/// No page of the second user is open, so the page itself makes the request.
pub(super) fn are_noticed_when_a_stream_is_revoked(setup: &Setup) {
    setup.log_in("ruth");
    let page = setup.open("/");
    setup.site.save("a", 1, "user:ruth");
    assert_eq!(setup.received_up_to(&page, 1), [1]);
    setup.fetch("GET", "/login/sam");
    setup.site.revoke("user:ruth");
    setup.site.save("a", 2, "user:sam");
    setup.browser.wait("sse.status === 'closed'");
    let seen = "[received, identityChanges, errors.includes(401)]";
    setup.expect(&page, seen, &json!([[1], 1, false]));
    setup.site.has_streams(0);
}

/// The second user's page is open in another tab when the browser shows the first user's page again.
pub(super) fn are_noticed_in_the_back_forward_cache(setup: &Setup) {
    let Setup {
        site,
        browser,
        engine,
    } = setup;
    setup.log_in("heidi");
    let first = setup.open("/first");
    site.save("a", 1, "user:heidi");
    assert_eq!(setup.received_up_to(&first, 1), [1]);
    setup.log_in("ivan");
    let of_ivan = setup.open_tab("/");
    site.has_streams(1);
    site.save("a", 2, "user:ivan");

    browser.switch_to(&first);
    browser.back();
    browser.wait("location.pathname === '/first' && window.sse !== undefined");
    let is_cached = browser.evaluate("restored") == 1;
    // Firefox does not cache pages that have had a stream.
    assert!(is_cached || *engine == Engine::Firefox);
    let status = if is_cached { "closed" } else { "open" };
    browser.wait(&format!("sse.status === '{status}'"));
    site.save("a", 3, "user:heidi");
    site.save("a", 4, "user:ivan");
    assert_eq!(setup.received_up_to(&of_ivan, 4), [2, 4]);
    if is_cached {
        setup.expect(&first, "[received, identityChanges]", &json!([[1], 1]));
        setup.expect(&first, "statuses.slice(1)", &json!(["closed"]));
    } else {
        assert_eq!(setup.received_up_to(&first, 4).last(), Some(&4));
    }
    setup.expect(&of_ivan, "identityChanges", &json!(0));
}
