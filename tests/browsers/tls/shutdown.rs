//! The end of the app while clients keep connections of HTTP/2 open.

use std::time::{Duration, Instant};

use support::{App, Browser, Server};

/// What the template's README promises.
const MAX_SHUTDOWN: Duration = Duration::from_secs(3);

#[test]
fn the_app_ends_although_a_browser_keeps_its_connection_and_the_page_returns_without_a_loss() {
    let app = App::with_lasting_streams();
    let server = app.start_with_tls(&[]);
    let port = server.port().to_owned();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    browser.wait("document.querySelector('#status')?.dataset.status === 'open'");
    app.save("event_cache_key1", "1");
    browser.wait("document.querySelectorAll('#arrived [data-id]').length === 1");
    let start_of_end = Instant::now();
    assert!(server.terminate().success());
    let time = start_of_end.elapsed();
    assert!(time < MAX_SHUTDOWN, "{time:?}");
    app.save("event_cache_key1", "2");
    let settings = [
        ("TLS_CERT", "cert.pem"),
        ("TLS_KEY", "key.pem"),
        ("PORT", port.as_str()),
    ];
    let _server = Server::start(app.path(), &settings);
    browser.wait("document.querySelectorAll('#arrived [data-id]').length === 2");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('.gap').length"),
        0
    );
}
