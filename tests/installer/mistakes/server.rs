//! Mistakes about the server at a URL.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    guard,
    middleware::{Next, from_fn},
    web,
};
use support::{App, HalfClosed, LocalServer, ReservedPort, attempts, starter};

use crate::{
    doctor::findings::{
        Finding, examine_app_and_url, examine_url, findings, of_check, only, problems,
    },
    hello::{Hello, Ran},
};

#[test]
fn the_server_is_not_running() {
    let app = App::new();
    // Nothing listens there.
    let port = ReservedPort::new();
    let url = format!("http://{}", port.address());
    let found = problems(&examine_url(&url, &[]));
    only(&found).assert_is("error", "response", "cannot be reached", "start the server");
    attempts("a warning within the timeout", || {
        let mut listen = app.sse();
        listen.args(["listen", &url, "--timeout", "0.5"]);
        let ran = Ran::from_output(&listen.output().unwrap());
        assert_eq!(ran.code, 1);
        ran.err
            .contains("cannot reach http://127.0.0.1:")
            .then_some(())
    });
}

#[test]
fn the_starters_port_is_in_use() {
    let app = App::new();
    let server = app.start();
    let again = std::process::Command::new(starter())
        .current_dir(app.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .env("PORT", server.port())
        .output()
        .unwrap();
    let error = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(1), "{error}");
    let port: u16 = server.port().parse().unwrap();
    let next = port.checked_add(2).unwrap_or(8080);
    let expected = format!(
        "error: port {port} is in use: another program listens on 127.0.0.1:{port}, perhaps this app\n\
         help: end that program, or choose another port: PORT={next} in .env or in the environment\n"
    );
    assert!(error.ends_with(&expected), "{error}");
}

/// Without a URL, `sse doctor` says that nothing about the server was examined, and names its address.
#[test]
fn the_server_was_not_checked() {
    let app = App::new();
    let output = app.sse().arg("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "the running server was not checked: run `sse doctor http://127.0.0.1:8080`\n";
    assert!(text.ends_with(expected), "{text}");
    let verdict = text.lines().rev().nth(1).unwrap();
    assert!(
        verdict.contains("problem") || verdict.contains("error"),
        "{text}"
    );
}

/// Another program listens at the address: one with web pages, or one with a stream of its own.
#[test]
fn another_apps_server_is_recognised() {
    let pages = LocalServer::start(
        HalfClosed::Stays,
        "a:k",
        |config, _| config,
        |app, _| {
            app.default_service(web::to(|| async {
                HttpResponse::Ok().content_type("text/html").body("<p>")
            }));
        },
    );
    let found = problems(&examine_url(&pages.url(""), &[]));
    only(&found).assert_is(
        "error",
        "response",
        "`text/html`",
        "belongs to something else",
    );

    let no_stream = LocalServer::start(HalfClosed::Stays, "a:k", |config, _| config, |_, _| {});
    let found = problems(&examine_url(&no_stream.url(""), &[]));
    only(&found).assert_is("error", "response", "404", "another app's server listens");

    let (app, other) = (App::new(), App::new());
    let server = other.start();
    let env = std::fs::read_to_string(app.path().join(".env")).unwrap();
    // The doctor waits for a few poll intervals.
    let env = env.replace("SSE_POLL_INTERVAL=2", "SSE_POLL_INTERVAL=0.1");
    std::fs::write(app.path().join(".env"), env).unwrap();
    let arguments = ["--save", "event_cache_key1"];
    let ran = examine_app_and_url(&app, &server.url(""), &arguments);
    let saves = of_check(&findings(&ran), "saves")[0].clone();
    saves.assert_is("error", "saves", "none arrived", "uses another cache");
}

/// Lets only requests with the right cookie through, as a middleware for logins does.
async fn require_login(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request
        .headers()
        .get("cookie")
        .is_some_and(|cookie| cookie == "id=right")
    {
        return next
            .call(request)
            .await
            .map(ServiceResponse::map_into_boxed_body);
    }
    let is_browser = request.path().starts_with("/pages");
    let refusal = if is_browser {
        HttpResponse::Found()
            .insert_header(("Location", "/login"))
            .finish()
    } else {
        HttpResponse::Unauthorized().finish()
    };
    Ok(request.into_response(refusal))
}

/// The stream behind a middleware that refuses, one that redirects, and a guard.
fn guarded() -> LocalServer {
    LocalServer::start(
        HalfClosed::Stays,
        "a:k",
        |config, _| config,
        |app, sse| {
            let scope = |path: &str| web::scope(path);
            for path in ["/api", "/pages"] {
                let sse = sse.clone();
                app.service(
                    scope(path)
                        .wrap(from_fn(require_login))
                        .configure(move |app| sse.configure(app)),
                );
            }
            let sse = sse.clone();
            app.service(
                scope("/guard")
                    .guard(guard::Header("Authorization", "Bearer right"))
                    .configure(move |app| sse.configure(app)),
            );
            app.route(
                "/login",
                web::get()
                    .to(|| async { HttpResponse::Ok().content_type("text/html").body("<form>") }),
            );
        },
    )
}

#[test]
fn a_guarded_stream_without_credentials_names_the_options() {
    let server = guarded();
    let examined = |path: &str, arguments: &[&str]| -> Vec<Finding> {
        problems(&examine_url(&server.url(path), arguments))
    };
    let (api, pages, guard) = ("/api/sse/stream", "/pages/sse/stream", "/guard/sse/stream");
    let options = "--cookie 'NAME=VALUE' or --header";
    only(&examined(api, &[])).assert_is("error", "response", "401", options);
    only(&examined(pages, &[])).assert_is("warning", "response", "a redirect to /login", options);
    only(&examined(guard, &[])).assert_is("error", "response", "404", "with --header or --cookie");

    let wrong = examined(api, &["--cookie", "id=wrong"]);
    only(&wrong).assert_is("error", "response", "401", "or it has expired");
    for (path, credentials) in [
        (api, ["--cookie", "id=right"]),
        (pages, ["--cookie", "id=right"]),
        (guard, ["--header", "Authorization: Bearer right"]),
    ] {
        assert_eq!(examined(path, &credentials), [], "{path}");
    }
    // The page in front of the stream, and an address without a path.
    let remedy = format!("run `sse doctor {}`", server.url(api));
    let address = format!(
        "the response is 404, but the stream is at {}",
        server.url(api)
    );
    let found = examined("/api", &["--cookie", "id=right"]);
    only(&found).assert_is("error", "response", &address, &remedy);
    let hello = Hello::new();
    hello.write("src/scope.rs", "web::scope(\"/api\")");
    let found = problems(&hello.sse(&["doctor", &server.url(""), "--json", "--wait", "0.5"]));
    let address = format!(
        "the response is 404, but {} responds with 401",
        server.url(api)
    );
    of_check(&found, "response")[0].assert_is("error", "response", &address, &remedy);

    let listen = |path: &str| {
        let url = server.url(path);
        crate::hello::sse_in(
            hello.outside(),
            &["listen", &url, "--count", "1", "--timeout", "20"],
        )
    };
    let refused = listen(api);
    assert!(refused.err.contains(options), "{}", refused.err);
    refused.fails(1, "401");
    let redirected = listen(pages);
    assert!(redirected.err.contains(options), "{}", redirected.err);
    redirected.fails(1, "/login, which is not an event stream");
}
