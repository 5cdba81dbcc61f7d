//! The app does not serve the stream where the page and the user expect it.

use crate::{
    doctor::findings::{Finding, examine, examine_url, installed, of_check, only, problems},
    hello::{Hello, Ran, command, serve},
};

/// In the app's folder, with the URL of its server.
fn examine_server(hello: &Hello, url: &str) -> Vec<Finding> {
    let arguments = ["doctor", url, "--json", "--wait", "0.5"];
    let output = command(hello.path()).args(arguments).output().unwrap();
    problems(&Ran::from_output(&output))
}

#[test]
fn the_routes_are_removed() {
    let hello = installed();
    hello.replace("src/main.rs", ".configure(actix_web_sse::routes)", "");
    only(&problems(&examine(&hello))).assert_is(
        "error",
        "wiring",
        "no code in src serves the stream",
        "add `.configure(actix_web_sse::routes)` after `App::new()`, src/main.rs:6",
    );
}

#[test]
fn the_routes_are_behind_a_file_service() {
    let hello = installed();
    let with_files = "App::new().service(Files::new(\"/\", \"public\"))\n            .configure(actix_web_sse::routes)";
    hello.replace(
        "src/main.rs",
        "App::new().configure(actix_web_sse::routes)",
        with_files,
    );
    let remedy = "move `.configure(actix_web_sse::routes)` before `.service(Files::new(\"/\", …))`";
    let what = "the file service for every path (src/main.rs:6) hides the routes that are added after it \
                (src/main.rs:7)";
    only(&problems(&examine(&hello))).assert_is("warning", "wiring", what, remedy);

    // As the running server shows it: the page's script is a file, but the stream is not.
    let (_server, url) = serve(hello.path(), "routes behind a file service");
    let found = problems(&examine_url(&url, &[]));
    only(&found).assert_is(
        "error",
        "response",
        "the response is 404, from a file service of the app",
        remedy,
    );
    let found = examine_server(&hello, &url);
    assert_eq!(found.len(), 2, "{found:#?}");

    // The order that works.
    hello.replace(
        "src/main.rs",
        with_files,
        "App::new().configure(actix_web_sse::routes).service(Files::new(\"/\", \".\"))",
    );
    assert_eq!(problems(&examine(&hello)), []);
}

#[test]
fn a_file_service_for_some_paths_hides_no_routes() {
    for before in [
        ".service(Files::new(\"/static\", \".\"))",
        ".service(Files::new(\"/\", \".\").guard(guard::Host(\"files.example\")))",
        ".service(web::scope(\"/files\").service(Files::new(\"/\", \".\")))",
        ".default_service(Files::new(\"/\", \".\"))",
    ] {
        let hello = installed();
        let app = format!("App::new(){before}.configure(actix_web_sse::routes)");
        hello.replace(
            "src/main.rs",
            "App::new().configure(actix_web_sse::routes)",
            &app,
        );
        assert_eq!(problems(&examine(&hello)), [], "{before}");
    }
    // The scope is asked after the file service.
    let hello = installed();
    hello.replace(
        "src/main.rs",
        "App::new().configure(actix_web_sse::routes)",
        "App::new().service(actix_files::Files::new(\"/\", \".\")).service(web::scope(\"/a\").configure(actix_web_sse::routes))",
    );
    only(&problems(&examine(&hello))).assert_is("warning", "wiring", "hides the routes", "move");
}

#[test]
fn the_routes_are_under_another_path() {
    let hello = installed();
    let (_server, url) = serve(hello.path(), "routes in a scope");
    let found = examine_server(&hello, &url);
    of_check(&found, "response")[0].assert_is(
        "error",
        "response",
        "the response is 404",
        "it is in a scope whose path must be part of the URL",
    );
    of_check(&found, "page")[0].assert_is(
        "warning",
        "page",
        "the server responds to /js/sse-client.js with 404",
        "pass the URL of the stream below the scope",
    );
    only(&examine_server(&hello, &format!("{url}/members/sse/stream"))).assert_is(
        "warning",
        "page",
        "templates/page.html:1 loads `/js/sse-client.js`, but the server responds to /js/sse-client.js with 404",
        "write <script src=\"/members/js/sse-client.js\"></script>",
    );
    // The URL's path is that of the scope, and then the app's code shows the scope.
    let address = format!("the stream is at {url}/members/sse/stream");
    let assert_address = |examined: &str| {
        let found = examine_server(&hello, examined);
        let remedy = format!("run `sse doctor {url}/members/sse/stream`");
        of_check(&found, "response")[0].assert_is("error", "response", &address, &remedy);
        let ran = hello.sse(&[
            "listen",
            examined,
            "--events",
            "event_name1",
            "--timeout",
            "5",
        ]);
        ran.fails(1, &address);
        let remedy = format!("run `sse listen {url}/members/sse/stream`");
        assert!(ran.err.contains(&remedy), "{}", ran.err);
    };
    assert_address(&format!("{url}/members"));
    hello.replace(
        "src/main.rs",
        ".configure(actix_web_sse::routes)",
        ".service(web::scope(\"/members\").configure(actix_web_sse::routes))",
    );
    assert_address(&url);

    hello.write(
        "templates/page.html",
        "<script src=\"/members/js/sse-client.js\"></script>",
    );
    assert_eq!(
        examine_server(&hello, &format!("{url}/members/sse/stream")),
        []
    );
}
