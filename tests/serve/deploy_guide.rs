//! docs/guides/deploy-serve.md, followed as it is written, with other paths and ports.

mod containers;
mod systemd;

use std::path::Path;

use serde_json::json;
use support::{Server, Stream, blocks_of_document, sse_in};

const GUIDE: &str = "guides/deploy-serve.md";

/// The app's folder in the guide.
const SHOP: &str = "/var/www/shop";

fn blocks(heading: &str, language: &str) -> Vec<String> {
    blocks_of_document(GUIDE, heading, language)
}

#[track_caller]
fn save(shop: &Path, value: &str) {
    let mut save = sse_in(shop);
    save.args(["save", "--quiet", "event_cache_key1", value]);
    assert!(save.status().unwrap().success());
}

/// Waits for the event of a value that is saved from now on, and returns its id.
#[track_caller]
fn assert_delivers(server: &Server, shop: &Path) -> String {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    save(shop, "1");
    let event = stream.next_event();
    assert_eq!((event.name(), event.value()), ("event_name1", json!(1)));
    event.id.unwrap()
}
