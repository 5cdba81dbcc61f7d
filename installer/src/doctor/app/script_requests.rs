//! What a running server responds when a page loads `sse-client.js`.

use std::time::Duration;

use hyper::Uri;
use hyper::header::ACCEPT;

use super::pages::{CHECK, LISTENERS_URL_PATH};
use crate::doctor::finding::Finding;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::http::{Client, RequestError, Timeouts};
use crate::listen::STREAM_PATH;
use crate::sources::script_tags::{RequestTarget, ScriptTag};

/// As for the stream: far longer than a working server needs.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUTS: Timeouts = Timeouts {
    connect: STEP_TIMEOUT,
    response: STEP_TIMEOUT,
};

/// The server that pages load their scripts from.
pub(super) struct ScriptServer<'a> {
    client: &'a Client,
    /// Scheme, host and port.
    origin: String,
    /// The path below which the library's routes are: empty, unless they are in a scope.
    scope: String,
    /// Whether the code of an app may serve the scripts.
    may_be_rust: bool,
}

impl<'a> ScriptServer<'a> {
    /// The server of the client's stream. `None` if it does not respond: the check of the stream says why.
    pub(super) fn of_stream(client: &'a Client, may_be_rust: bool) -> Option<Self> {
        let uri: Uri = client.url().parse().ok()?;
        let scope = uri.path().strip_suffix(STREAM_PATH);
        let server = Self {
            client,
            origin: format!("{}://{}", uri.scheme_str()?, uri.authority()?),
            scope: scope.unwrap_or_default().to_owned(),
            may_be_rust,
        };
        server.problem_of("/").is_ok().then_some(server)
    }

    /// `None` if the file does not show what browsers request, else what is wrong, if anything.
    pub(super) fn judge(&self, tag: &ScriptTag<'_>) -> Option<Option<Finding>> {
        let RequestTarget::Path(path) = tag.target() else {
            return None;
        };
        let problem = self.problem_of(&path).ok()?;
        Some(problem.map(|problem| {
            let (location, url) = (tag.location(), tag.url);
            let message = format!(
                "{location} loads `{url}`, but the server responds to {path} with {problem}"
            );
            CHECK.warning(message, self.help())
        }))
    }

    fn help(&self) -> String {
        let path = format!("{}{LISTENERS_URL_PATH}", self.scope);
        match self.problem_of(&path) {
            Ok(None) => format!("write <script src=\"{path}\"></script>"),
            _ if !self.may_be_rust => format!(
                "the server has no script at {path}: let the web server serve the folder of SSE_PUBLIC at /, or \
                 forward /js/sse-client.js and /js/sse.js to `sse serve`"
            ),
            _ => format!(
                "the server has no script at {path}. If the app has `{ROUTES_CALL}` in a scope, write the scope's \
                 path before it, and pass the URL of the stream below the scope; if the app has no such call, run \
                 `sse install`"
            ),
        }
    }

    /// Why a browser cannot run the response as a script.
    fn problem_of(&self, path: &str) -> Result<Option<String>, RequestError> {
        let url = format!("{}{path}", self.origin);
        let head = self.client.get(&url, &[(ACCEPT, "*/*")], TIMEOUTS)?.head;
        let mime_type = head.mime_type();
        Ok(match head.status {
            // Only the browser knows where these lead, or whether it is logged in.
            300..=399 | 401 | 403 => None,
            200 if mime_type.ends_with("javascript") => None,
            200 => Some(format!("`{mime_type}` instead of JavaScript")),
            status => Some(status.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::cli::HttpArgs;
    use crate::sources::script_tags;
    use crate::sources::source_files::{FileKind, SourceFile};

    fn client(url: &str) -> Client {
        Client::new(url, &HttpArgs::default()).unwrap_or_else(|_| panic!("{url} is a URL"))
    }

    /// A server that sends these responses, in this order.
    fn server(responses: &'static [&str]) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            for response in responses {
                let (mut client, _) = listener.accept().expect("a client");
                let _ = client.read(&mut [0; 4096]);
                let head = "Content-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = client.write_all(format!("HTTP/1.1 {response}\r\n{head}").as_bytes());
            }
        });
        let url = format!("http://{address}/members{STREAM_PATH}");
        client(&url)
    }

    fn judge(responses: &'static [&str]) -> Option<Finding> {
        let page = SourceFile::for_test(
            "public/a.html",
            FileKind::Page,
            "<script src='sse-client.js'>",
        );
        let sources = [page];
        let tags = script_tags::find_all(&sources);
        let client = server(responses);
        let server = ScriptServer::of_stream(&client, true).expect("it responds");
        server.judge(&tags[0]).expect("the path is known")
    }

    const JAVASCRIPT: &str = "200 OK\r\nContent-Type: text/javascript; charset=utf-8";
    const PAGE: &str = "200 OK\r\nContent-Type: text/html";

    #[test]
    fn a_response_that_is_not_javascript_is_a_warning_with_the_path_that_is_right() {
        let found = judge(&[PAGE, PAGE, JAVASCRIPT]).expect("it is wrong");
        let expected = "responds to /sse-client.js with `text/html` instead of JavaScript";
        assert!(found.message.ends_with(expected), "{}", found.message);
        let help = found.help.unwrap_or_default();
        assert_eq!(
            help,
            "write <script src=\"/members/js/sse-client.js\"></script>"
        );
        let found = judge(&[PAGE, "404 Not Found", "404 Not Found"]).expect("it is wrong");
        assert!(found.message.ends_with("with 404"), "{}", found.message);
        let help = found.help.unwrap_or_default();
        assert!(help.contains(ROUTES_CALL), "{help}");
    }

    #[test]
    fn javascript_and_a_login_are_right() {
        assert_eq!(judge(&[PAGE, JAVASCRIPT]), None);
        assert_eq!(
            judge(&[PAGE, "200 OK\r\nContent-Type: application/javascript"]),
            None
        );
        assert_eq!(judge(&[PAGE, "403 Forbidden"]), None);
    }

    #[test]
    fn a_server_that_does_not_respond_judges_nothing() {
        assert!(ScriptServer::of_stream(&client("http://127.0.0.1:1/sse/stream"), true).is_none());
    }
}
