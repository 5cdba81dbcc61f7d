//! What the log shows of requests for streams.

use actix_web::HttpRequest;
use log::Level;

use crate::{
    error::{Error, excerpt, one_line},
    runtime::LimitedLog,
};

/// Logs that a stream has opened, or why it was refused: at most five of each in ten seconds, and then the
/// number of the others, because clients decide how often they connect. Long requests are cut off.
pub(super) fn log_stream<T>(request: &HttpRequest, stream: &Result<T, Error>) {
    static OPENED: LimitedLog = LimitedLog::new(Level::Info, "streams opened");
    static REFUSED: LimitedLog = LimitedLog::new(Level::Warn, "streams were refused");
    match stream {
        Ok(_) => OPENED.log(|| format!("{}: a stream opens", request_line(request))),
        Err(error) => REFUSED.log(|| format!("{}: {error}", request_line(request))),
    }
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
    let target = one_line(&excerpt(&request.uri().to_string()));
    format!("{} {target}", excerpt(request.method().as_str()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_long_request_makes_a_short_line() {
        let line = |uri: &str| request_line(&TestRequest::with_uri(uri).to_http_request());
        assert_eq!(line("/sse/stream?events=a"), "GET /sse/stream?events=a");
        let long = line(&format!("/sse/stream?events={}", "x".repeat(60_000)));
        assert!(long.starts_with("GET /sse/stream?events=xxx"));
        assert!(long.chars().count() < 210, "{long}");
    }
}
