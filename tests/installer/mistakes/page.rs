//! The page does not load the listeners, or listens to something else.

use std::fs;

use support::App;

use crate::{
    doctor::findings::{
        Finding, examine, examine_app_and_url, installed, of_check, only, problems,
    },
    hello::Hello,
};

const RIGHT_TAG: &str = "write <script src=\"/js/sse-client.js\"></script>";

#[test]
fn the_tag_is_forgotten() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    hello.write("templates/page.html", "<p>Hello</p>");
    only(&problems(&examine(&hello))).assert_is(
        "warning",
        "page",
        "no page in public, static, assets, templates, views, src loads sse-client.js",
        "add <script src=\"/js/sse-client.js\"></script> at the end of templates/page.html",
    );
    hello.write("public/index.html", "<html>\n<body>\n</body>\n</html>\n");
    hello.write("public/about.html", "<html>\n<body>\n</body>\n</html>\n");
    let place =
        "</script> in public/index.html:3, before </body>, and to the other pages that show events";
    only(&problems(&examine(&hello))).assert_is("warning", "page", "no page", place);
}

#[test]
fn a_tag_with_a_similar_name_is_found() {
    for (url, what) in [
        ("/js/sse_client.js", "but the file is sse-client.js"),
        (
            "/js/sse.js",
            "the client without the listeners, which are in sse-client.js",
        ),
    ] {
        let found = with_page("templates/page.html", url);
        let what = format!("templates/page.html:2 loads `{url}`, {what}");
        only(&found).assert_is("warning", "page", &what, RIGHT_TAG);
    }
}

fn with_page(path: &str, url: &str) -> Vec<Finding> {
    let hello = installed();
    fs::remove_file(hello.path().join("templates/page.html")).unwrap();
    hello.write(path, &format!("<p>\n<script src=\"{url}\"></script>\n"));
    problems(&examine(&hello))
}

#[test]
fn a_tag_with_a_wrong_path_is_found_without_a_server() {
    for (page, url, requested) in [
        ("public/index.html", "sse-client.js", "/sse-client.js"),
        (
            "templates/page.html",
            "/public/js/sse-client.js",
            "/public/js/sse-client.js",
        ),
        (
            "public/shop/index.html",
            "js/sse-client.js",
            "/shop/js/sse-client.js",
        ),
        ("static/index.html", "/sse-client.js", "/sse-client.js"),
    ] {
        let found = with_page(page, url);
        let what = format!(
            "{page}:2 loads `{url}`, which browsers request as {requested}, but the script is at \
             /js/sse-client.js"
        );
        only(&found).assert_is("warning", "page", &what, RIGHT_TAG);
    }
    for (page, url) in [
        ("public/index.html", "js/sse-client.js"),
        ("public/shop/index.html", "../js/sse-client.js"),
        ("templates/page.html", "/js/sse-client.js?v=1"),
        ("templates/page.html", "{{ base }}/js/sse-client.js"),
        ("templates/page.html", "https://cdn.example/sse-client.js"),
    ] {
        assert_eq!(with_page(page, url), [], "{page} {url}");
    }
}

#[test]
fn a_tag_with_a_wrong_path_is_requested_from_the_server() {
    let app = App::new();
    let server = app.start();
    let page = |name: &str, url: &str| {
        let page = app.path().join("public").join(name);
        fs::create_dir_all(page.parent().unwrap()).unwrap();
        fs::write(page, format!("<script src=\"{url}\"></script>\n")).unwrap();
    };
    let examine = || problems(&examine_app_and_url(&app, &server.url(""), &[]));
    assert_eq!(examine(), []);
    page("shop/index.html", "js/sse-client.js");
    only(&examine()).assert_is(
        "warning",
        "page",
        "public/shop/index.html:1 loads `js/sse-client.js`, but the server responds to /shop/js/sse-client.js \
         with 404",
        RIGHT_TAG,
    );
    // An app may serve a script of its own.
    fs::write(app.path().join("public/shop/sse-client.js"), "").unwrap();
    page("shop/index.html", "sse-client.js");
    assert_eq!(examine(), []);
}

/// Nobody answers, so the path is compared with the routes.
#[test]
fn a_tag_with_a_wrong_path_is_found_while_the_server_is_down() {
    let app = App::new();
    fs::write(
        app.path().join("public/wrong.html"),
        "<script src='sse-client.js'></script>",
    )
    .unwrap();
    let found = problems(&examine_app_and_url(&app, "http://127.0.0.1:1", &[]));
    of_check(&found, "page")[0].assert_is("warning", "page", "public/wrong.html:1", RIGHT_TAG);
}

/// Only the page's console shows it, because only the browser knows the names that scripts compute.
#[cfg(feature = "tools")]
#[test]
fn a_listener_is_misspelt() {
    let app = App::new();
    let public = app.path().join("public");
    let listeners = public.join("js/sse-client.js");
    let text = fs::read_to_string(&listeners).unwrap();
    assert!(text.contains("'event_name1'"), "{text}");
    fs::write(&listeners, text.replace("'event_name1'", "'event_nmae1'")).unwrap();
    fs::write(
        public.join("record.js"),
        "window.warnings = []; console.warn = (text) => warnings.push(text);",
    )
    .unwrap();
    let page = "<script src=\"/record.js\"></script><script src=\"/js/sse-client.js\"></script>";
    fs::write(public.join("misspelt.html"), page).unwrap();
    let server = app.start();
    let browser = support::Browser::start();
    browser.open(&server.url("/misspelt.html"));
    browser.wait("warnings.length > 0");
    assert_eq!(
        browser.evaluate("warnings"),
        serde_json::json!([
            "sse.js: the listener for \"event_nmae1\" is never called, because this page receives no event of this \
             name. Did you mean \"event_name1\"? Its events are: event_name1, event_name2."
        ])
    );
}
