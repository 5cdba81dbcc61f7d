//! Browsers may cache the starter's files, but must revalidate them at each visit.

use std::fs;

use support::{App, Stream};

const FILES: [&str; 8] = [
    "/",
    "/app.js",
    "/favicon.svg",
    "/js/sse-client.js",
    "/js/sse.js",
    "/order",
    "/order.html",
    "/style.css",
];

#[test]
fn a_file_is_cached_and_revalidated() {
    let app = App::new();
    let server = app.start();
    for file in FILES {
        let first = Stream::request(server.address(), file, &[]);
        assert_eq!(first.status, 200, "{file}");
        assert_eq!(first.headers["cache-control"], "no-cache", "{file}");
        let tag = first
            .headers
            .get("etag")
            .unwrap_or_else(|| panic!("{file}"));
        for tags in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = Stream::request(server.address(), file, &[("If-None-Match", &tags)]);
            assert_eq!(
                (again.status, again.body.as_str()),
                (304, ""),
                "{file} {tags}"
            );
            assert_eq!(again.headers["cache-control"], "no-cache", "{file}");
            assert_eq!(again.headers.get("etag"), Some(tag), "{file}");
        }
        let other = Stream::request(server.address(), file, &[("If-None-Match", "\"other\"")]);
        assert_eq!((other.status, &other.body), (200, &first.body), "{file}");
    }
}

#[test]
fn an_edited_file_is_sent_again() {
    let app = App::new();
    let server = app.start();
    for (file, path) in [
        ("/", "index.html"),
        ("/style.css", "style.css"),
        ("/js/sse-client.js", "js/sse-client.js"),
    ] {
        let first = Stream::request(server.address(), file, &[]);
        let tag = first.headers["etag"].as_str();
        let path = app.path().join("public").join(path);
        fs::write(path, first.body.replace('e', "E")).unwrap();
        let edited = Stream::request(server.address(), file, &[("If-None-Match", tag)]);
        assert_eq!(edited.status, 200, "{file}");
        assert_eq!(edited.body, first.body.replace('e', "E"), "{file}");
    }
}

#[test]
fn a_missing_script_is_named_in_the_log_and_not_to_visitors() {
    let app = App::new();
    let script = app.path().join("public/js/sse-client.js");
    fs::remove_file(&script).unwrap();
    let server = app.start();
    let response = Stream::request(server.address(), "/js/sse-client.js", &[]);
    let (status, text) = (response.status, &response.body);
    assert_eq!(status, 404);
    assert!(text.contains("its log names the file"), "{text}");
    assert!(!text.contains(app.path().to_str().unwrap()), "{text}");
    server.wait_for_log(&format!("{}: No such file", script.display()));
}
