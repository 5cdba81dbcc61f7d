//! Takes the picture of the starter's page that the README shows:
//! `cargo run -p sse-tests --features tools --example screenshot -- docs/starter.png`

use std::path::PathBuf;

use support::{App, Browser};

/// Wide enough for the page's two columns, and high enough for what is left of them.
const WIDTH: u32 = 900;
const HEIGHT: u32 = 510;

/// Leaves what happens when a value is saved: the buttons, the toasts and the list of events. The commands for a terminal
/// would show a path of this machine.
const CROP: &str = "
    for (const part of document.querySelectorAll('.ways, footer')) part.remove();
    document.documentElement.style.overflow = 'hidden';
";

fn main() {
    let path = PathBuf::from(std::env::args_os().nth(1).expect("name the file to write"));
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.set_viewport(WIDTH, HEIGHT);
    browser.open(&server.url("/"));
    browser.wait("document.querySelector('[data-event-button=event_name2]') !== null");
    browser.wait("document.querySelector('#status').dataset.status === 'open'");
    browser.execute(CROP);
    for (toasts, event) in [(1, "event_name2"), (2, "event_name1")] {
        browser.click(&format!("[data-event-button={event}]"));
        browser.wait(&format!(
            "document.querySelectorAll('.toast').length === {toasts}"
        ));
    }
    browser.wait("document.getAnimations().every((a) => a.playState !== 'running')");
    browser.screenshot(&path);
}
