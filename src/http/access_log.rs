//! What the log shows of requests for streams.

use std::iter;

use actix_web::HttpRequest;
use tracing::Level;

use crate::{
    error::{Error, excerpt, one_line},
    runtime::LimitedLog,
};

/// The parameters whose values the log shows: none names an audience. Parameters of the app's own may be tokens.
const SHOWN_PARAMETERS: [&str; 5] = ["events", "last_event_id", "lookback", "latest", "data"];

/// Logs that a stream has opened, or why it was refused: at most five of each in ten seconds, and then the
/// number of the others, because clients decide how often they connect. Long requests are cut off.
pub(super) fn log_stream<T>(request: &HttpRequest, stream: &Result<T, Error>) {
    static OPENED: LimitedLog = LimitedLog::new(Level::INFO, "streams opened");
    static REFUSED: LimitedLog = LimitedLog::new(Level::WARN, "streams were refused");
    match stream {
        Ok(_) => OPENED.log(|| format!("{}: a stream opens", stream_line(request))),
        Err(error) => REFUSED.log(|| format!("{}: {error}", stream_line(request))),
    }
}

/// The line of a request for a stream: the values of other parameters than the library's own are left out, and those of
/// `to`.
fn stream_line(request: &HttpRequest) -> String {
    let uri = request.uri();
    let mut target = uri.path().to_owned();
    let parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    for (parameter, separator) in parameters.zip(iter::once('?').chain(iter::repeat('&'))) {
        target.push(separator);
        match parameter.split_once('=') {
            Some((name, _)) if SHOWN_PARAMETERS.contains(&name) => target.push_str(parameter),
            Some((name, _)) => target.extend([name, "=…"]),
            None => target.push('…'),
        }
    }
    line(request, &target)
}

/// Returns a request's method and target for a log, on one line and cut off after 200 characters.
///
/// actix-web's `Logger` writes the whole target with `%r`, up to 100 KB. This replaces it:
///
/// ```
/// use actix_web::middleware::Logger;
///
/// let logger = Logger::new("%{request}xi %s %Ts")
///     .custom_request_replace("request", |request| actix_web_sse::request_line(request.request()));
/// ```
#[must_use]
pub fn request_line(request: &HttpRequest) -> String {
    line(request, &request.uri().to_string())
}

fn line(request: &HttpRequest, target: &str) -> String {
    let target = one_line(&excerpt(target));
    format!("{} {target}", excerpt(request.method().as_str()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_line_of_a_stream_shows_neither_audiences_nor_parameters_of_the_app() {
        let line = |uri: &str| stream_line(&TestRequest::with_uri(uri).to_http_request());
        assert_eq!(line("/sse/stream"), "GET /sse/stream");
        assert_eq!(
            line("/sse/stream?events=a,b&to=user:4&latest=true&token=secret&secret&%74o=user:4"),
            "GET /sse/stream?events=a,b&to=…&latest=true&token=…&…&%74o=…"
        );
        assert!(line(&format!("/?{}", "a=b&".repeat(9_000))).chars().count() < 210);
    }

    #[test]
    fn a_long_request_makes_a_short_line() {
        let line = |uri: &str| request_line(&TestRequest::with_uri(uri).to_http_request());
        assert_eq!(line("/sse/stream?events=a"), "GET /sse/stream?events=a");
        let long = line(&format!("/sse/stream?events={}", "x".repeat(60_000)));
        assert!(long.starts_with("GET /sse/stream?events=xxx"));
        assert!(long.chars().count() < 210, "{long}");
    }
}
