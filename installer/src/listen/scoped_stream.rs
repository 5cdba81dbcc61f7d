//! Where the stream is if the requested URL is another one: the library's routes may be in a scope.

use std::path::Path;
use std::time::Duration;

use hyper::Uri;

use super::stream_url::STREAM_PATH;
use crate::http::{Client, Timeouts};
use crate::sources::source_files;

/// Apps rarely have more scopes, and each costs a request.
const MAX_CANDIDATES: usize = 8;
/// Far longer than a working server needs.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUTS: Timeouts = Timeouts {
    connect: STEP_TIMEOUT,
    response: STEP_TIMEOUT,
};

/// A URL that looks more like the stream's than the client's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScopedStream {
    pub(crate) url: String,
    path: String,
    /// `None` if it responds with a stream. Otherwise it refuses the client.
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
        let sources = app.map(source_files::read_all).unwrap_or_default();
        let scopes = source_files::scopes(&sources);
        let paths = candidates(uri.path(), &scopes).into_iter();
        let request = |path: String| Self::request(client, &origin, path);
        let found: Vec<Self> = paths.filter_map(request).collect();
        let is_better = |found: &Self| found.refusal.is_none_or(|refusal| refusal != status);
        let found = found.into_iter().filter(is_better);
        found.min_by_key(|found| found.refusal.is_some())
    }

    fn request(client: &Client, origin: &str, path: String) -> Option<Self> {
        let url = format!("{origin}{path}");
        let head = client.get(&url, &[], TIMEOUTS).ok()?.head;
        let refusal = match head.status {
            200 if head.is_event_stream() => None,
            status @ (300..=399 | 401 | 403) => Some(status),
            _ => return None,
        };
        Some(Self { url, path, refusal })
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
        let Self { url, path, .. } = self;
        format!(
            "the routes are in a scope: run `sse {command} {url}`, and in your pages connect to this path: \
             new SseClient('{path}')"
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
    use super::*;

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
}
