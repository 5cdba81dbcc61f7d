//! Takes the picture of the starter's page that the README shows:
//! `cargo run -p sse-tests --features tools --example screenshot -- docs/starter.png`

use std::path::PathBuf;

use support::{App, Browser};

fn main() {
    let path = PathBuf::from(std::env::args_os().nth(1).expect("name the file to write"));
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.resize(1280, 940);
    browser.open(&server.url("/"));
    browser.wait("document.querySelector('[data-event-button=event_name2]') !== null");
    browser.wait("document.querySelector('#status').dataset.status === 'open'");
    app.save("event_cache_key1", "{\"order\": 41}");
    app.save("event_cache_key2", "\"The backup is done\"");
    app.save("event_cache_key1", "{\"order\": 42}");
    browser.wait("document.querySelectorAll('.toast').length === 3");
    browser.wait("document.getAnimations().every((a) => a.playState !== 'running')");
    browser.screenshot(&path);
}
