//! What the page looks like, and whether everybody can use it.

use std::{env, thread, time::Duration};

use serde_json::json;
use support::{Browser, Stream, workspace};

use super::{open, site::Site};
use crate::axe::assert_accessible;

/// If this is set, the test takes the picture that the documentation shows, after the charts have filled.
const RENEW: &str = "RENEW_SCREENSHOTS";

const VIEWPORTS: [(u32, u32); 2] = [(360, 740), (1440, 900)];

/// How often values are saved until the page has something to show, and until its charts are full.
const A_FEW: u32 = 3;
const MANY: u32 = 800;

/// A shop in which something happens all the time: opens streams, and saves values at an uneven rate.
fn open_shop(site: &Site, rounds: u32) -> Vec<Stream> {
    let open = |path: &str| Stream::open(site.0.address(), path, None);
    let mut streams = Vec::new();
    for round in 0..rounds {
        if streams.len() < 48 && round % 5 < 3 {
            streams.push(match round % 3 {
                0 => open("/sse/stream?events=order_placed"),
                _ => open("/sse/stream"),
            });
        }
        for order in 0..=(round * 7 % 11) / 4 {
            let value = json!({"order": 4200 + round, "items": order + 1});
            site.save("orders", value);
        }
        if round % 3 == 1 {
            let message = site.0.cache.save("messages", "Your order has left");
            message.to("user:42").blocking().unwrap();
        }
        if round % 4 == 2 {
            site.save("stock", json!({"article": 17, "left": 300 - round % 90}));
        }
        thread::sleep(Duration::from_millis(200));
    }
    streams
}

#[test]
fn everybody_can_use_the_page_in_every_state() {
    let events = "order_placed:orders,message_received:messages:private,stock_changed:stock";
    let site = Site::with_events(events);
    let browser = Browser::start();
    open(&browser, &site);
    browser.wait("document.querySelector('#hint').textContent.startsWith('No stream is open')");
    assert_accessible(&browser, "without streams and events", &VIEWPORTS);

    let renews = env::var_os(RENEW).is_some();
    browser.emulate_media(&[("prefers-color-scheme", "light")]);
    browser.set_viewport(1120, 800);
    let mut streams = open_shop(&site, if renews { MANY } else { A_FEW });
    browser.wait("document.querySelector('#recent tbody').rows.length > 4");
    browser.wait("document.querySelector('#health').dataset.level === 'good'");
    if renews {
        browser.execute("document.documentElement.style.overflow = 'hidden'");
        browser.screenshot(&workspace().join("docs/dashboard.png"));
        browser.execute("document.documentElement.style.overflow = ''");
    }

    let unknown = Some("no id of this server");
    streams.push(Stream::open(site.0.address(), "/sse/stream", unknown));
    browser.wait("document.querySelector('#health').dataset.level === 'warn'");
    browser.wait("document.querySelector('#problems').textContent.includes('a last event id that is not known')");
    assert_accessible(&browser, "with a gap", &VIEWPORTS);
    // At 360 pixels, tables scroll, and the page does not.
    browser.set_viewport(360, 740);
    let root = "document.documentElement";
    let fits = browser.evaluate(&format!("{root}.scrollWidth <= {root}.clientWidth"));
    assert_eq!(fits, true);

    drop((streams, site));
    browser.wait("document.body.dataset.connection === 'lost'");
    browser.execute("document.querySelector('#health').dataset.level = 'bad'");
    assert_accessible(&browser, "without a connection", &VIEWPORTS);
}
