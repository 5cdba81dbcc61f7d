//! The web platform's own tests of `EventSource` (<https://github.com/web-platform-tests/wpt>, folder
//! `eventsource`), for our client in three real browsers. They are written anew; each case has the name
//! of its original, with `_` for `-`, and says what it expects otherwise than that, and why.
//!
//! Ours differs on purpose in this:
//!
//! - Of the answers that are no stream, 204, 401, 403, 404 and 410 are final. After all others it tries
//!   again, later and later, where an EventSource gives up for ever. The `error` event has the answer's
//!   `status` and `body`, and `final`.
//! - The place in the stream is in the address, as `last_event_id`, and not in the header
//!   `Last-Event-ID`.
//! - A waiting time is an upper bound, of which at least half is waited.
//! - Its events are made by a script, and so none is trusted.
//!
//! Left out are, because they are about the browser's own class and not about what it does:
//!
//! - `interfaces`, `eventsource-prototype`, `eventsource-constructor-*`: which properties the class has,
//!   and how it reads its first argument, are asked of a class that is described in Web IDL. What ours
//!   has stands in `sse.d.ts`, which has tests of its own. (The two in workers that are about other
//!   origins are here.)
//! - `eventsource-onmessage-realm`: an iframe has its own copy of a script.
//! - `eventsource-from-readable-stream*`: ours reads no streams but those it has opened.
//! - `submissions/`: the same again as `request-accept`, `format-field-event` and `eventsource-onopen`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answer;
mod formats;
mod pages;
mod plays;
mod requests;
mod session;
mod site;
mod workers;

/// The same groups of cases in each engine.
macro_rules! in_engine {
    ($engine:ident: $($name:ident = $group:ident),*) => {
        $(
            #[test]
            fn $name() {
                $group::all(support::Engine::$engine);
            }
        )*
    };
}

in_engine!(Chromium:
    chromium_formats = formats,
    chromium_requests = requests,
    chromium_pages = pages,
    chromium_workers = workers);
in_engine!(Firefox:
    firefox_formats = formats,
    firefox_requests = requests,
    firefox_pages = pages,
    firefox_workers = workers);
in_engine!(WebKit:
    webkit_formats = formats,
    webkit_requests = requests,
    webkit_pages = pages,
    webkit_workers = workers);
