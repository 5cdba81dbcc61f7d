//! Private events for logged-in users, as docs/guides/authorize-streams.md describes them.

use std::{
    iter,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};
use support::{Stream, best_of_three, number_in_id, until};

use crate::{
    account::Account,
    app::App,
    express::EXPRESS,
    laravel::LARAVEL,
    plain::PLAIN,
    site::{Options, Site},
};

pub(crate) const PRIVATE: Options = Options {
    events: "invoice:invoices:private,news:news",
    prefix: "",
    is_private: true,
    is_installed: false,
};

/// As `maxAge` in express/app.mjs.
const EXPRESS_SESSION_LIFETIME: Duration = Duration::from_secs(60);

/// Less than the examples wait for a save, and more than for a revocation.
const MAX_LOGOUT_TIME: Duration = Duration::from_secs(4);

/// Long enough for an event to arrive that must not.
const SILENCE: Duration = Duration::from_millis(300);

#[test]
fn users_of_a_php_app_receive_their_own_events() {
    users_receive_their_own_events(&PLAIN);
}

#[test]
fn users_of_a_laravel_app_receive_their_own_events() {
    users_receive_their_own_events(&LARAVEL);
}

#[test]
fn users_of_an_express_app_receive_their_own_events() {
    users_receive_their_own_events(&EXPRESS);
}

pub(crate) fn users_receive_their_own_events(app: &'static App) {
    let site = Site::start(app, &PRIVATE);
    let stranger = Stream::open(site.nginx.address(), "/sse/stream", None);
    assert_eq!(stranger.status, 401, "{}{}", stranger.body, site.logs());

    let anne = Account::log_in(&site, "anne", "garden");
    a_question_does_not_change_the_session(&site, &anne);

    let bob = Account::log_in(&site, "bob", "window");
    let anne_in_another_browser = Account::log_in(&site, "anne", "garden");
    let [stream, stream_of_bob, other_stream] =
        [&anne, &bob, &anne_in_another_browser].map(Account::stream);
    let id = other_stream.next().id.unwrap();
    anne.order();
    for stream in [&stream, &other_stream] {
        assert_eq!(stream.next_event().value(), json!({"order": 42}));
    }
    stream_of_bob.expect_silence(SILENCE);

    anne.log_out();
    assert!(stream.has_ended() && other_stream.has_ended());
    assert_eq!(anne.stream().status, 401);
    let other_stream = anne_in_another_browser.stream_with("/sse/stream", Some(&id));
    assert_eq!(other_stream.next_event().value(), json!({"order": 42}));
    bob.order();
    assert_eq!(stream_of_bob.next_event().value(), json!({"order": 42}));

    let anne = Account::log_in(&site, "anne", "garden");
    let stream = anne.stream();
    stream.next();
    anne.order();
    assert_eq!(stream.next_event().value(), json!({"order": 42}));
    a_logout_does_not_wait_for_the_server(&site);
}

fn a_logout_does_not_wait_for_the_server(site: &Site) {
    best_of_three(MAX_LOGOUT_TIME, || {
        let account = Account::log_in(site, "anne", "garden");
        site.server.suspend();
        let logs_out_at = Instant::now();
        account.log_out();
        let waited = logs_out_at.elapsed();
        site.server.resume();
        assert_eq!(account.stream().status, 401, "{}", site.logs());
        waited
    });
}

/// The session keeps the message for the next page, and its lifetime does not begin again.
fn a_question_does_not_change_the_session(site: &Site, account: &Account) {
    let logged_in_at = SystemTime::now();
    let sessions = site.sessions();
    for _ in 0..2 {
        let stream = account.stream();
        assert_eq!(stream.status, 200, "{}{}", stream.body, site.logs());
        stream.next();
        assert!(!stream.headers.contains_key("set-cookie"));
    }
    assert_eq!(site.sessions(), sessions);
    let session = account.session();
    assert_eq!(session["message"], "welcome");
    if let Some(time) = session["expires"].as_str() {
        let expires_at = humantime::parse_rfc3339(time).unwrap();
        assert!(expires_at <= logged_in_at + EXPRESS_SESSION_LIFETIME);
    }
    assert_eq!(account.session()["message"], Value::Null);
}

/// Streams that begin while their session ends receive nothing afterwards.
#[test]
fn a_logout_ends_the_streams_that_are_about_to_begin() {
    no_stream_outlives_its_session(&PLAIN, 5);
}

pub(crate) fn no_stream_outlives_its_session(app: &'static App, rounds: u64) {
    let site = Site::start(app, &PRIVATE);
    let witness = Account::log_in(&site, "anne", "garden");
    for round in 0..rounds {
        let account = Account::log_in(&site, "anne", "garden");
        let is_logged_out = AtomicBool::new(false);
        let open_streams = || -> Vec<Stream> {
            let opened = iter::from_fn(|| {
                (!is_logged_out.load(Ordering::Relaxed)).then(|| account.stream())
            });
            opened.filter(|stream| stream.status == 200).collect()
        };
        let streams: Vec<Stream> = thread::scope(|scope| {
            let opening: Vec<_> = (0..4).map(|_| scope.spawn(open_streams)).collect();
            account.log_out();
            is_logged_out.store(true, Ordering::Relaxed);
            let opened = opening.into_iter().map(|streams| streams.join().unwrap());
            opened.flatten().collect()
        });
        witness.order();
        // A revocation and an order for each round. New clients receive those of the last seconds, too.
        let revocation = 2 * round + 1;
        for stream in streams {
            while let Some(event) = stream.next_until_end() {
                if event.is_from_app() {
                    let number = number_in_id(event.id.as_ref().unwrap());
                    assert!(number < revocation, "{event:?}");
                }
            }
        }
    }
}

#[test]
fn a_page_receives_the_names_that_it_asks_for_and_may_see() {
    let site = Site::start(&PLAIN, &PRIVATE);
    let anne = Account::log_in(&site, "anne", "garden");
    let stream = anne.stream_with("/sse/stream?to=order:4", None);
    stream.next();
    assert_eq!(anne.stream_with("/sse/stream?to=order:5", None).status, 403);
    until("the value is saved", || {
        let saved = support::sse_in(site.path())
            .args(["save", "--quiet", "invoices", "7", "--to", "order:4"])
            .status();
        saved.unwrap().success().then_some(())
    });
    assert_eq!(stream.next_event().value(), 7);
}
