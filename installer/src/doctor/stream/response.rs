//! Whether the server responds, and with a stream.

use std::path::Path;

use super::file_service;
use super::headers::software_names;
use super::probe::{STEP_TIMEOUT, StreamProbe};
use crate::app::layout::AppLayout;
use crate::doctor::finding::{Check, Finding};
use crate::http::{Client, ErrorKind, RequestError, ResponseHead, ServerError};
use crate::listen::{ScopedStream, credentials_help};

const CHECK: Check = Check("response");

/// The help for everything that arrives late.
pub(super) const BUFFERING_HELP: &str = "a proxy between the server and this machine buffers the \
    response: turn buffering off for this path (nginx: `proxy_buffering off;`), or let the proxy \
    obey the response header X-Accel-Buffering";

/// From the pages of nginx and Apache for requests without TLS.
const TLS_PORT_TEXTS: [&str; 2] = ["sent to HTTPS port", "to an SSL-enabled server port"];

const NO_STREAM_HELP: &str = "the server has no stream at this path: either \
    `.configure(actix_web_sse::routes)` is missing, or it is in a scope whose path must be part of the URL, \
    or another app's server listens at this address, or a proxy removes part of the path, or a guard of the \
    route lets only some requests through (pass what it asks for with --header or --cookie)";

/// For an app beside `sse serve`.
const NOT_FORWARDED_HELP: &str = "this request does not reach `sse serve`: let the web server forward /sse/ to it, with the \
    lines that `sse install` prints, and see whether another route of the app has this path. The address of `sse serve` \
    itself shows whether that works: `sse doctor http://127.0.0.1:8090`";

/// The server sent no response that can be read.
pub(super) fn unreachable_finding(url: &str, error: &RequestError) -> Finding {
    match error.kind {
        ErrorKind::NoResponse => {
            let seconds = STEP_TIMEOUT.as_secs();
            CHECK.error(
                format!("{url} accepts the request, but sends no response within {seconds} s"),
                BUFFERING_HELP,
            )
        }
        ErrorKind::HostNotFound => CHECK.error(
            format!("{url}: {}", error.reason),
            "check the host name, and this machine's connection to its name server",
        ),
        ErrorKind::NotHttp => CHECK.error(
            format!("{url} responds, but not as HTTP requires: {}", error.reason),
            error.help.unwrap_or_default(),
        ),
        ErrorKind::Unreachable => {
            let help = error.help.unwrap_or(if url.starts_with("https:") {
                "start the server, and check host and port; the URL of a server without TLS begins \
                 with http:"
            } else {
                "start the server, and check host, port and firewall"
            });
            CHECK.error(format!("{url} cannot be reached: {}", error.reason), help)
        }
    }
}

/// Judges a response, which should be a stream.
pub(super) fn check(client: &Client, app: &Path, probe: &mut StreamProbe) -> Finding {
    if probe.head().status == 200 && probe.head().is_event_stream() {
        return CHECK.ok(format!("{} responds with 200", client.url()));
    }
    if matches!(probe.head().status, 200 | 404) && is_beside_serve(app) {
        let text = probe.error_text();
        let finding = explain(probe.head(), &text, client.has_credentials());
        return CHECK.error(finding.message, NOT_FORWARDED_HELP);
    }
    if probe.head().status == 404 && file_service::answers(client) {
        let message = "the response is 404, from a file service of the app";
        return CHECK.error(message, file_service::HELP);
    }
    let text = probe.error_text();
    let finding = explain(probe.head(), &text, client.has_credentials());
    match ScopedStream::find(client, probe.head().status, Some(app)) {
        None => finding,
        Some(found) => Finding {
            message: format!("{}, but {}", finding.message, found.description()),
            help: Some(found.help("doctor")),
            ..finding
        },
    }
}

/// Whether the app's own code serves no stream.
fn is_beside_serve(app: &Path) -> bool {
    !AppLayout::of_files(app).may_be_rust
}

fn explain(head: &ResponseHead, text: &str, has_credentials: bool) -> Finding {
    let status = head.status;
    if status == 200 {
        let mime_type = head.mime_type();
        return CHECK.error(
            format!(
                "the response is not a stream: its content-type is `{mime_type}` instead of \
                 text/event-stream"
            ),
            "this URL belongs to something else: the library's routes serve the stream at \
             /sse/stream, below the scope that they are configured in",
        );
    }
    if status == 400 && TLS_PORT_TEXTS.iter().any(|part| text.contains(part)) {
        return CHECK.error(
            "the response is 400, because the server expects TLS at this port",
            "use a URL that begins with https:",
        );
    }
    if let 300..=399 = status {
        let location = head.header("location").unwrap_or_default();
        return CHECK.warning(
            format!("the response is {status}, a redirect to {location}"),
            format!(
                "if it is a login page, {}; otherwise, use the redirect's target in sse-client.js and with \
                 `sse doctor`",
                credentials_help(has_credentials)
            ),
        );
    }
    let error = server_error(text);
    let mut message = format!("the response is {status}");
    if !error.message.is_empty() {
        message.push_str(&format!(": {}", error.message));
    }
    // The library's server sends no such headers.
    if let Some(names) = software_names(head) {
        message.push_str(&format!(" ({names})"));
    }
    CHECK.error(message, status_help(head, &error, has_credentials))
}

fn status_help(head: &ResponseHead, server_error: &ServerError, has_credentials: bool) -> String {
    let server_help = server_error.help.as_deref().unwrap_or_default();
    if let 401 | 403 = head.status {
        let credentials_help = credentials_help(has_credentials);
        return match server_help {
            "" => credentials_help.to_owned(),
            _ => format!("{server_help}; {credentials_help}"),
        };
    }
    let help = match head.status {
        204 => {
            "clients that receive 204 do not connect again: if your own handler sends it, return \
             `Sse::respond` instead, or 503 if the stream is closed for a while; otherwise, a proxy \
             sends it"
        }
        404 => NO_STREAM_HELP,
        421 if server_help.is_empty() => {
            "the server does not serve this host name: if a reverse proxy forwards it, add it to \
             SSE_ALLOWED_HOSTS in the app's .env"
        }
        502 => {
            "a proxy responded because it cannot reach the app, or received no valid response: \
             start the app, or `sse serve` beside it, check the address and port that the proxy \
             forwards to, and read the proxy's error log"
        }
        503 if !server_error.is_from_library => {
            "probably a proxy responded because it considers no server of the app healthy: start \
             the app, check the address and port that the proxy forwards to, and its health check \
             (HAProxy with the starter app: `option httpchk GET /health`)"
        }
        504 => {
            "a proxy responded because the app did not respond in time: check the address and \
             port that the proxy forwards to, whether a firewall drops its connections, and \
             whether the app responds to `sse doctor` without the proxy"
        }
        _ if server_help.is_empty() => "see the server's log",
        _ => server_help,
    };
    match head.header("retry-after") {
        Some(seconds) if head.status == 503 => format!("{help}; retry after {seconds} s"),
        _ => help.to_owned(),
    }
}

/// Empty if the text is a web page or data for programs.
fn server_error(text: &str) -> ServerError {
    let text = text.trim();
    if text.starts_with('<') || text.starts_with('{') || text.contains('\0') {
        return ServerError::default();
    }
    ServerError::parse(text)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::super::tests::head;
    use super::*;
    use crate::cli::HttpArgs;
    use crate::doctor::finding::Level;

    fn message_and_help(
        status: u16,
        headers: &[(&'static str, &'static str)],
        text: &str,
    ) -> (String, String) {
        let finding = explain(&head(status, headers), text, false);
        assert!(finding.is_problem());
        (finding.message, finding.help.unwrap_or_default())
    }

    #[test]
    fn an_event_stream_is_recognized_by_its_content_type() {
        let is_stream = |mime| head(200, &[("content-type", mime)]).is_event_stream();
        assert!(is_stream("text/event-stream"));
        assert!(is_stream("text/event-stream; charset=utf-8"));
        assert!(!is_stream("text/html"));
    }

    #[test]
    fn each_status_has_its_own_help() {
        for (status, expected) in [
            (204, "do not connect again"),
            (404, "actix_web_sse::routes"),
            (404, "--header or --cookie"),
            (401, "--cookie 'NAME=VALUE' or --header"),
            (403, "--cookie 'NAME=VALUE' or --header"),
            (421, "SSE_ALLOWED_HOSTS"),
            (502, "a proxy responded because it cannot reach the app"),
            (503, "probably a proxy"),
            (
                504,
                "a proxy responded because the app did not respond in time",
            ),
            (500, "the server's log"),
        ] {
            let (message, help) = message_and_help(status, &[], "<html>");
            assert_eq!(message, format!("the response is {status}"));
            assert!(help.contains(expected), "{status}: {help}");
        }
    }

    /// That of the server is for users of the app.
    #[test]
    fn a_refusal_has_the_help_of_the_server_and_that_of_the_command() {
        let text = "error: the app does not know who this client is\nhelp: log in\n";
        let (message, help) = message_and_help(401, &[], text);
        assert_eq!(
            message,
            "the response is 401: the app does not know who this client is"
        );
        assert!(help.starts_with("log in; the stream is behind"), "{help}");
        assert!(help.contains("--cookie"), "{help}");
    }

    #[test]
    fn refused_credentials_have_another_help_than_missing_ones() {
        let finding = explain(&head(401, &[]), "", true);
        assert!(finding.help.unwrap_or_default().contains("has expired"));
        let finding = explain(&head(302, &[]), "", true);
        assert!(finding.help.unwrap_or_default().contains("has expired"));
    }

    #[test]
    fn a_response_that_is_not_http_has_its_own_help() {
        let help = |response: Vec<u8>| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("it is bound"));
            let server = thread::spawn(move || {
                let (mut client, _) = listener.accept().expect("a client");
                let _ = client.read(&mut [0; 4096]);
                let _ = client.write_all(&response);
            });
            let client = Client::new(&url, &HttpArgs::default()).expect("no options");
            let error = StreamProbe::open(&client, &url, &[]);
            let error = error.err().expect("it is not HTTP");
            server.join().expect("it has responded");
            let finding = unreachable_finding(&url, &error);
            assert!(
                finding.message.contains("not as HTTP requires"),
                "{finding:?}"
            );
            finding.help.unwrap_or_default()
        };
        let no_http = help(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
        assert!(no_http.contains("begins with https:"), "{no_http}");
        let many = "a: b\r\n".repeat(1_000);
        let long = format!("a: {}\r\n", "b".repeat(1_000_000));
        for headers in [many, long] {
            let help = help(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes());
            assert!(help.contains("send fewer and shorter headers"), "{help}");
        }
    }

    #[test]
    fn a_503_shows_the_servers_error_and_when_to_retry() {
        let text = "error: SSE_EVENTS is missing\nhelp: add it\n";
        let (message, help) = message_and_help(503, &[("retry-after", "7")], text);
        assert_eq!(message, "the response is 503: SSE_EVENTS is missing");
        assert_eq!(help, "add it; retry after 7 s");
        let (_, help) = message_and_help(503, &[("retry-after", "7")], "");
        assert!(help.ends_with("; retry after 7 s"), "{help}");
    }

    #[test]
    fn a_response_of_a_proxy_names_the_proxy() {
        let headers = [("server", "nginx/1.22.1"), ("via", "1.1 varnish")];
        let (message, _) = message_and_help(502, &headers, "<html>");
        let expected = "the response is 502 (server: nginx/1.22.1, via: 1.1 varnish)";
        assert_eq!(message, expected);
    }

    #[test]
    fn a_421_shows_the_servers_help() {
        let text = "error: this server does not answer for the host `app.example`\n\
                    help: add it to the app's .env: SSE_ALLOWED_HOSTS=app.example\n";
        let (message, help) = message_and_help(421, &[], text);
        let start = "the response is 421: this server";
        assert!(message.starts_with(start), "{message}");
        let expected = "add it to the app's .env: SSE_ALLOWED_HOSTS=app.example";
        assert_eq!(help, expected);
    }

    #[test]
    fn a_redirect_is_a_warning_with_its_target() {
        let finding = explain(&head(302, &[("location", "/login")]), "", false);
        assert_eq!(finding.level, Level::Warning);
        assert!(
            finding.message.ends_with("to /login"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn a_web_page_is_not_a_stream() {
        let headers = [("content-type", "text/html; charset=utf-8")];
        let (message, _) = message_and_help(200, &headers, "<p>");
        assert!(message.contains("`text/html`"), "{message}");
    }
}
