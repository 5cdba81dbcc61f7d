//! The end of the app while clients keep connections of HTTP/2 open.

use std::time::{Duration, Instant};

use support::{App, Browser, ReservedPort, attempts};

/// What the template's README promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(3);

#[test]
fn the_app_ends_although_a_browser_keeps_its_connection_and_the_page_returns_without_a_loss() {
    let app = App::with_lasting_streams();
    // Nothing else takes the port while the app is down.
    let port = ReservedPort::new();
    let start = || app.start_with_tls(&[("PORT", &port.number().to_string())]);
    let server = start();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    let mut server = Some(server);
    browser.wait("document.querySelector('#status')?.dataset.status === 'open'");
    let mut saved = 0;
    let mut save = || {
        saved += 1;
        app.save("event_cache_key1", &saved.to_string());
        saved
    };
    let wait_for = |count| {
        let shown = "document.querySelectorAll('#arrived [data-id]').length";
        browser.wait(&format!("{shown} === {count}"));
    };
    wait_for(save());
    attempts("the app ends in time", || {
        let start_of_end = Instant::now();
        assert!(server.take().unwrap().terminate().success());
        let time = start_of_end.elapsed();
        let count = save();
        server = Some(start());
        wait_for(count);
        (time < MAX_SHUTDOWN).then_some(())
    });
    assert_eq!(
        browser.evaluate("document.querySelectorAll('.gap').length"),
        0
    );
}
