//! Sessions that end, and sessions of pages that send a token.

use serde_json::json;

use super::Setup;

pub(super) fn that_end_stop_the_page_until_the_next_login(setup: &Setup) {
    let Setup { site, browser, .. } = setup;
    setup.log_in("carol");
    let page = setup.open("/");
    site.save("a", 1, "user:carol");
    assert_eq!(setup.received_up_to(&page, 1), [1]);

    log_out(setup);
    site.save("a", 2, "user:carol");
    browser.minimize();
    browser.wait("document.hidden");
    setup.fetch("GET", "/login/carol");
    setup.expect(&page, "sse.status", &json!("closed"));
    browser.resize(1280, 900);
    browser.wait("!document.hidden && sse.status === 'open'");
    site.save("a", 3, "user:carol");
    assert_eq!(setup.received_up_to(&page, 3), [1, 2, 3]);
    assert_eq!(site.refused(), 1);

    log_out(setup);
    site.save("a", 4, "user:carol");
    setup.fetch("GET", "/login/carol");
    setup.expect(&page, "sse.status", &json!("closed"));
    browser.execute("sse.connect()");
    assert_eq!(setup.received_up_to(&page, 4), [1, 2, 3, 4]);
    assert_eq!(site.refused(), 2);
    setup.expect(&page, "identityChanges", &json!(0));
    // The revocations end no stream of a later session.
    let errors = json!(["network", 401, "network", 401]);
    setup.expect(&page, "errors", &errors);
}

/// Logs out, and waits until the page knows that.
fn log_out(setup: &Setup) {
    setup.fetch("POST", "/logout");
    setup.browser.wait("sse.status === 'closed'");
    assert_eq!(setup.browser.evaluate("errors.at(-1)"), 401);
    let reason = setup.browser.evaluate("refusals.at(-1)");
    assert_eq!(reason, "log in first");
}

pub(super) fn with_tokens_share_no_connection(setup: &Setup) {
    let site = &setup.site;
    let [mia, noah] = ["mia", "noah"].map(|user| format!("/?token={}", site.token(user)));
    let of_mia = setup.open(&mia);
    let of_noah = setup.open_tab(&noah);
    site.has_streams(2);
    let shared = [(); 2].map(|()| setup.open_tab(&format!("{mia}&share=mia")));
    site.has_streams(3);
    site.save("a", 1, "user:mia");
    site.save("a", 2, "user:noah");
    site.save("a", 3, "user:mia");
    site.save("a", 4, "user:noah");
    assert_eq!(setup.received_up_to(&of_noah, 4), [2, 4]);
    for tab in [&of_mia, &shared[0], &shared[1]] {
        assert_eq!(setup.received_up_to(tab, 3), [1, 3]);
    }
    let unknown = setup.open_tab("/?token=unknown");
    setup.expect(&unknown, "[sse.status, errors[0]]", &json!(["closed", 401]));
}
