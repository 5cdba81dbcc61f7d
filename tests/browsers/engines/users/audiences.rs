//! What pages receive that ask for audiences.

use serde_json::json;

use super::Setup;

pub(super) fn reach_the_pages_that_ask_for_them(setup: &Setup) {
    setup.log_in("anne");
    let order = setup.open("/?to=order:42");
    let other = setup.open_tab("/");
    let same_order = setup.open_tab("/?to=order:42");
    setup.site.has_streams(2);
    setup.site.save("a", 1, "order:42");
    setup.site.save("a", 2, "user:anne");
    setup.site.save("a", 3, "order:43");
    setup.site.save("a", 4, "user:bob");
    setup.site.save("b", 5, "user:anne");
    for tab in [&order, &same_order] {
        assert_eq!(setup.received_up_to(tab, 5), [1, 2, 5]);
    }
    assert_eq!(setup.received_up_to(&other, 5), [2, 5]);
}

pub(super) fn that_are_refused_close_only_the_pages_that_ask_for_them(setup: &Setup) {
    setup.log_in("grace");
    let first = setup.open("/");
    let second = setup.open_tab("/");
    let refused = setup.open_tab("/?to=order:42");
    setup.expect(&refused, "sse.status", &json!("closed"));
    setup.expect(&refused, "errors[0]", &json!(403));
    let names_the_order = "refusals[0].includes('order:42')";
    setup.expect(&refused, names_the_order, &json!(true));
    setup.site.has_streams(1);
    setup.site.save("a", 1, "order:42");
    setup.site.save("a", 2, "user:grace");
    for tab in [&first, &second] {
        assert_eq!(setup.received_up_to(tab, 2), [2]);
        setup.expect(tab, "[sse.status, errors]", &json!(["open", []]));
    }
    setup.expect(&refused, "received", &json!([]));
}

pub(super) fn begin_with_their_latest_values_in_a_tab_that_joins(setup: &Setup) {
    setup.site.save("a", 1, "user:judy");
    setup.site.save("a", 2, "user:judy");
    setup.site.save("b", 3, "user:judy");
    setup.site.save("b", 4, "user:kim");
    setup.log_in("judy");
    let first = setup.open("/?latest=true");
    assert_eq!(setup.received_up_to(&first, 3), [2, 3]);
    let joined = setup.open_tab("/?latest=true");
    assert_eq!(setup.received_up_to(&joined, 3), [2, 3]);
    let other = setup.open_tab("/");
    setup.site.has_streams(1);
    setup.site.save("a", 5, "user:judy");
    for tab in [&first, &joined] {
        assert_eq!(setup.received_up_to(tab, 5), [2, 3, 5]);
    }
    assert_eq!(setup.received_up_to(&other, 5), [5]);
}
