//! Where the stream is if the requested URL is another one: the library's routes may be in a scope.

use std::path::Path;
use std::time::{Duration, Instant};

use hyper::Uri;

use super::stream_url::STREAM_PATH;
use crate::app::layout::AppLayout;
use crate::http::{Client, Timeouts};
use crate::sources::source_files;

/// Apps rarely have more scopes, and each costs a request.
const MAX_CANDIDATES: usize = 8;
/// For all candidates. Far longer than a working server needs, and the user waits for the error.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The path of a scope that no app has.
const UNKNOWN_SCOPE: &str = "/sse-unknown-scope";

/// A URL that looks more like the stream's than the client's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScopedStream {
    pub(crate) url: String,
    path: String,
    /// `None` if it responds with a stream, otherwise the status.
    refusal: Option<u16>,
}

impl ScopedStream {
    /// Requests the stream below the path of the client's URL, and below the scopes in the code of the app
    /// in this folder. To be called if the client's URL responds with this status, and not with a stream.
    pub(crate) fn find(client: &Client, status: u16, app: Option<&Path>) -> Option<Self> {
        // Other responses are of a server that has a stream there, or of a proxy.
        if !matches!(status, 200..=399 | 404) {
            return None;
        }
        let uri: Uri = client.url().parse().ok()?;
        let origin = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
        let sources = app
            .map(|app| AppLayout::of(app, None).sources())
            .unwrap_or_default();
        let scopes = source_files::scopes(&sources);
        let deadline = Instant::now() + SEARCH_TIMEOUT;
        let request = |path: String| Self::request(client, &origin, path, deadline);
        let paths = candidates(uri.path(), &scopes).into_iter();
        // A server that does not respond to one path may not respond to the others either.
        let mut found = paths.map_while(request).filter(Self::is_stream_or_refusal);
        let first = found.next()?;
        let found = match first.refusal {
            None => first,
            Some(_) => found.find(|other| other.refusal.is_none()).unwrap_or(first),
        };
        // Some servers refuse every path.
        let is_known = found.refusal.is_none()
            || request(format!("{UNKNOWN_SCOPE}{STREAM_PATH}"))
                .is_some_and(|other| other.refusal != found.refusal);
        is_known.then_some(found)
    }

    /// `None` if the server does not respond.
    fn request(client: &Client, origin: &str, path: String, deadline: Instant) -> Option<Self> {
        let url = format!("{origin}{path}");
        // Half of the time for each step.
        let step = deadline.saturating_duration_since(Instant::now()) / 2;
        let timeouts = Timeouts {
            connect: step,
            response: step,
        };
        let head = client.get(&url, &[], timeouts).ok()?.head;
        let is_stream = head.status == 200 && head.is_event_stream();
        let refusal = (!is_stream).then_some(head.status);
        Some(Self { url, path, refusal })
    }

    /// Other responses, such as redirects, do not differ from those to unknown paths of many servers.
    fn is_stream_or_refusal(&self) -> bool {
        matches!(self.refusal, None | Some(401 | 403))
    }

    /// To be appended to a message about the client's URL.
    pub(crate) fn description(&self) -> String {
        let Self { url, refusal, .. } = self;
        match refusal {
            None => format!("the stream is at {url}"),
            Some(status) => format!("{url} responds with {status}"),
        }
    }

    /// `command` is the name of the command to run instead.
    pub(crate) fn help(&self, command: &str) -> String {
        let Self { url, path, refusal } = self;
        let certainty = match refusal {
            None => "the routes are in a scope",
            // So may be everything else in that scope.
            Some(_) => {
                "if the routes are in this scope, pass what it asks for with --header or --cookie"
            }
        };
        format!(
            "{certainty}: run `sse {command} {url}`, and in your pages connect to this path: new SseClient('{path}')"
        )
    }
}

/// The paths where the stream may be instead of `path`.
fn candidates(path: &str, scopes: &[String]) -> Vec<String> {
    let path = path.trim_end_matches('/');
    let prefix = (!path.ends_with(STREAM_PATH)).then_some(path);
    let scopes = scopes.iter().map(|scope| &**scope);
    let mut paths: Vec<String> = Vec::new();
    for scope in prefix.into_iter().chain(scopes).chain([""]) {
        let candidate = format!("{scope}{STREAM_PATH}");
        if candidate != path && !paths.contains(&candidate) {
            paths.push(candidate);
        }
    }
    paths.truncate(MAX_CANDIDATES);
    paths
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::cli::HttpArgs;

    #[test]
    fn the_stream_is_looked_for_below_the_path_and_the_scopes() {
        let scopes = ["/api".to_owned(), "/members".to_owned()];
        for (path, expected) in [
            (
                "/sse/stream",
                &["/api/sse/stream", "/members/sse/stream"][..],
            ),
            (
                "/members/",
                &["/members/sse/stream", "/api/sse/stream", "/sse/stream"],
            ),
            ("/api/sse/stream", &["/members/sse/stream", "/sse/stream"]),
        ] {
            assert_eq!(candidates(path, &scopes), expected, "{path}");
        }
        let many: Vec<String> = (0..100).map(|number| format!("/{number}")).collect();
        assert_eq!(candidates("/", &many).len(), MAX_CANDIDATES);
    }

    /// Looks for the stream of an app with these scopes, after a response with this status. `answer` is the
    /// server's response to a path; `None`: it never responds.
    fn find(
        status: u16,
        scopes: &[&str],
        answer: fn(&str) -> Option<&'static str>,
    ) -> Option<ScopedStream> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut line = String::new();
                let _ = BufReader::new(&stream).read_line(&mut line);
                match answer(line.split(' ').nth(1).unwrap_or_default()) {
                    Some(head) => {
                        let response = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
                        let _ = stream.write_all(response.as_bytes());
                    }
                    None => silent.push(stream),
                }
            }
        });
        let app = tempfile::tempdir().expect("a folder");
        fs::create_dir(app.path().join("src")).expect("it can be created");
        let scopes = scopes.iter().map(|scope| format!("scope(\"{scope}\")"));
        let code: String = scopes.collect();
        fs::write(app.path().join("src/main.rs"), code).expect("it can be written");
        let url = format!("{url}{STREAM_PATH}");
        let client = Client::new(&url, &HttpArgs::default()).expect("no options");
        ScopedStream::find(&client, status, Some(app.path()))
    }

    #[test]
    fn a_response_that_every_path_has_shows_no_stream() {
        for answer in [
            (|_| Some("302 Found\r\nLocation: /page")) as fn(&str) -> Option<&'static str>,
            |_| Some("401 Unauthorized"),
            |_| Some("403 Forbidden"),
        ] {
            assert_eq!(find(404, &["/api"], answer), None);
        }
        let refused = |path: &str| match path {
            "/api/sse/stream" => Some("401 Unauthorized"),
            _ => Some("302 Found\r\nLocation: /page"),
        };
        let found = find(302, &["/pages", "/api"], refused);
        let found = found.expect("only this path is refused");
        assert!(
            found
                .description()
                .ends_with("/api/sse/stream responds with 401")
        );
        let served = |path: &str| match path {
            "/b/sse/stream" => Some("200 OK\r\nContent-Type: text/event-stream"),
            _ => Some("403 Forbidden"),
        };
        let found = find(404, &["/a", "/b"], served).expect("it has a stream");
        assert!(found.description().ends_with("/b/sse/stream"));
    }

    #[test]
    fn a_server_that_stalls_does_not_delay_the_search() {
        let scopes = ["/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8"];
        let start = Instant::now();
        assert_eq!(find(404, &scopes, |_| None), None);
        // Less than the time in which each of them may use up half of the limit.
        assert!(
            start.elapsed() < Duration::from_secs(15),
            "{:?}",
            start.elapsed()
        );
        let found = find(404, &scopes, |path| match path {
            "/1/sse/stream" => Some("200 OK\r\nContent-Type: text/event-stream"),
            _ => None,
        });
        let found = found.expect("it was found before the server stalled");
        assert!(found.description().ends_with("/1/sse/stream"));
    }
}
