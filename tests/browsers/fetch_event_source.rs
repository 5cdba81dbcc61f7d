//! `@microsoft/fetch-event-source`, with the code of docs/guides/other-clients.md.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::json;
use support::{
    App, Browser, ReservedPort, app_with_short_streams, block_of_document, interrupt, until,
    workspace,
};

/// Collects what the guide's code prints.
const PAGE: &str = "<!doctype html>
<script>const printed = []; console.log = (value) => printed.push(value);</script>
<script type=\"module\" src=\"/news.js\"></script>";

/// Bundles the code into a page of the app.
fn bundle(app: &App, code: &str) {
    let packages = workspace().join("tests/browsers/packages/node_modules");
    assert!(
        packages.is_dir(),
        "the packages are missing\nhelp: run `tests/setup`"
    );
    symlink(packages, app.path().join("node_modules")).unwrap();
    fs::write(app.path().join("news.js"), code).unwrap();
    fs::write(app.path().join("public/news.html"), PAGE).unwrap();
    let esbuild = workspace().join("client/node_modules/esbuild/bin/esbuild");
    let mut command = Command::new(esbuild);
    command.args(["news.js", "--bundle", "--format=esm", "--log-level=error"]);
    command
        .arg("--outfile=public/news.js")
        .current_dir(app.path());
    assert!(command.status().unwrap().success());
}

#[test]
fn the_guides_options_show_each_value_once_even_in_a_hidden_tab() {
    let app = app_with_short_streams();
    let code = block_of_document("guides/other-clients.md", "fetch-event-source", "js");
    bundle(&app, &code);
    let port = ReservedPort::new();
    let server = app.start_on(&port);
    let browser = Browser::start();
    browser.open(&server.url("/news.html"));
    browser.execute(
        "Object.defineProperty(document, 'hidden', { value: true });
         document.dispatchEvent(new Event('visibilitychange'));",
    );
    interrupt(&app, &port, server, |saved| {
        let expected = json!((1..=saved).collect::<Vec<_>>());
        until("the page has all values", || {
            let printed = browser.evaluate("printed");
            let length = printed.as_array().unwrap().len();
            (length >= expected.as_array().unwrap().len()).then(|| assert_eq!(printed, expected))
        });
    });
}
