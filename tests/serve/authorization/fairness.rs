//! One client whose questions fail or last long keeps no other client out.

use std::{
    thread,
    time::{Duration, Instant},
};

use support::{Answer, AuthEndpoint, best_of_three, until};

use super::{ENV, Site, endpoints::with_timeout};

/// A session that another request has locked, for example.
#[test]
fn a_client_whose_questions_fail_keeps_no_other_client_out() {
    let site = with_timeout("4", |question| match question.header("cookie") {
        Some("session=locked") => Answer::SendAndWait(String::new()),
        Some("session=broken") => Answer::status("500 Internal Server Error", &[]),
        Some("session=limited") => {
            Answer::status("429 Too Many Requests", &[("Retry-After", "3600")])
        }
        Some(_) => Answer::granted(&[("SSE-Audiences", "user:4")]),
        None => Answer::status("401 Unauthorized", &[]),
    });
    for cookie in ["session=locked", "session=broken", "session=limited"] {
        thread::scope(|scope| {
            let clients: Vec<_> = (0..12)
                .map(|_| scope.spawn(|| site.open(&[("Cookie", cookie)]).status))
                .collect();
            for _ in 0..12 {
                let stream = site.open(&[("Cookie", "session=4")]);
                assert_eq!(stream.status, 200, "{cookie}");
            }
            for client in clients {
                assert_eq!(client.join().unwrap(), 503);
            }
        });
        assert_eq!(
            site.open(&[("Cookie", "session=4")]).status,
            200,
            "{cookie}"
        );
    }
    let log = site.server.wait_for_log("the answer is 429");
    assert!(!log.contains("new clients get no stream"), "{log}");
    assert!(!log.contains("session="), "{log}");
}

/// More connections than there are slots.
#[test]
fn the_clients_of_one_address_do_not_take_all_slots() {
    const TIMEOUT: Duration = Duration::from_secs(4);
    // Without a limit for each address, the others would wait until the first question ends.
    best_of_three(TIMEOUT / 2, || {
        let endpoint = AuthEndpoint::start(|question| match question.header("cookie") {
            Some("session=locked") => Answer::SendAndWait(String::new()),
            Some(_) => Answer::granted(&[("SSE-Audiences", "user:4")]),
            None => Answer::status("401 Unauthorized", &[]),
        });
        let site = Site::with_options(ENV, &["--auth-timeout", "4"], endpoint);
        let open = |cookie, address| {
            let stream = site.open(&[("Cookie", cookie), ("X-Forwarded-For", address)]);
            stream.status
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..40)
                .map(|_| scope.spawn(|| open("session=locked", "192.0.2.1")))
                .collect();
            until("the first questions are asked", || {
                (site.endpoint.question_count() >= 4).then_some(())
            });
            let started = Instant::now();
            for _ in 0..4 {
                assert_eq!(open("session=4", "192.0.2.2"), 200);
            }
            let waited = started.elapsed();
            for client in clients {
                assert_eq!(client.join().unwrap(), 503);
            }
            waited
        })
    });
}
