//! The web platform's own tests of `EventSource` (<https://github.com/web-platform-tests/wpt>, folder
//! `eventsource`), for our client in three real browsers. They are rewritten; each case has the name
//! of its original, with `_` for `-`, and documents what it expects instead of the original, and why.
//!
//! Our client differs on purpose:
//!
//! - Of the responses that are not a stream, 204, 401, 403, 404 and 410 are final. After all others it
//!   retries, with growing delays, where an EventSource gives up for ever. The `error` event has the
//!   response's `status` and `body`, and `final`.
//! - The last event id is in the URL, as `last_event_id`, and not in the header `Last-Event-ID`.
//! - A retry delay is an upper bound; the client waits for at least half of it. But it makes at most one
//!   request per second.
//! - Its events are made by a script, so none is trusted.
//!
//! These originals are left out, because they test the browser's own class and not its behavior:
//!
//! - `interfaces`, `eventsource-prototype`, `eventsource-constructor-*` test the properties of a class
//!   described in Web IDL, and how it reads its first argument. `sse.d.ts` describes our class, and has
//!   its own tests. (The two in workers that test other origins are here.)
//! - `eventsource-onmessage-realm`: an iframe has its own copy of a script.
//! - `eventsource-from-readable-stream*`: our client reads only streams that it has opened.
//! - `submissions/`: repeats `request-accept`, `format-field-event` and `eventsource-onopen`.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

/// Defines each case as three tests, one for each engine. The tests of a case are neighbors, so that
/// tests that run at the same time seldom wait for the same browser.
macro_rules! cases {
    ($($(#[$attribute:meta])* $name:ident: $case:expr;)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                use super::*;

                #[test]
                fn chromium() {
                    crate::session::run(support::Engine::Chromium, $case);
                }

                #[test]
                fn firefox() {
                    crate::session::run(support::Engine::Firefox, $case);
                }

                #[test]
                fn webkit() {
                    crate::session::run(support::Engine::WebKit, $case);
                }
            }
        )*
    };
}

mod answer;
mod formats;
mod pages;
mod plays;
mod reconnection;
mod requests;
mod session;
mod site;
mod workers;
