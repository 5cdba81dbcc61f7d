//! Pages of other origins: who may read the stream, and what browsers ask before they send an id.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::header::{self, HeaderName, HeaderValue},
};

use super::sse::Sse;
use crate::error::Error;

/// What the stream's route answers to.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// Chromium remembers a preflight for two hours at most.
const PREFLIGHT_MAX_AGE_SECONDS: &str = "7200";

impl Sse {
    /// The answer to OPTIONS. Pages of `SSE_ALLOWED_ORIGINS` that listen with `fetch` return with the
    /// header `Last-Event-ID`, and browsers ask first whether they may. Other pages get no permission.
    pub(crate) fn preflight(&self, request: &HttpRequest) -> HttpResponse {
        if let Err(error) = self.check_host(request) {
            return self.refusal(request, &error);
        }
        // "A successful HTTP response to a CORS-preflight request is similar, except it is restricted
        // to an ok status, e.g., 200 or 204." (Fetch)
        let mut response = HttpResponse::NoContent();
        response.insert_header((header::ALLOW, METHODS));
        // "A CORS-preflight request is a CORS request that checks to see if the CORS protocol is
        // understood. It uses `OPTIONS` as method and includes the following header:
        // `Access-Control-Request-Method`" (Fetch). Any other OPTIONS asks for the methods only.
        let is_preflight = request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let origin = self.for_origin(request);
        let is_allowed = origin
            .iter()
            .any(|(name, _)| name == header::ACCESS_CONTROL_ALLOW_ORIGIN);
        for header in origin {
            response.insert_header(header);
        }
        if is_preflight && is_allowed {
            // "For `Access-Control-Expose-Headers`, `Access-Control-Allow-Methods`, and
            // `Access-Control-Allow-Headers` response headers, the value `*` counts as a wildcard for
            // requests without credentials." (Fetch) So they are listed.
            response
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
                .insert_header((
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "Last-Event-ID, Cache-Control",
                ))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_SECONDS));
        }
        response.finish()
    }

    /// The answer to a request that gets no stream, with the status and the text of the error. Pages of
    /// `SSE_ALLOWED_ORIGINS` can read it, as they could read the stream: without that, a browser
    /// tells them no more than that something failed, and they would come again and again.
    #[must_use]
    pub fn refusal(&self, request: &HttpRequest, error: &Error) -> HttpResponse {
        let mut response = error.error_response();
        let headers = response.headers_mut();
        for (name, value) in self.for_origin(request) {
            headers.insert(name, value);
        }
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            let readable = HeaderValue::from_static("Retry-After");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        }
        response
    }

    /// Pages of other origins are let in by exact name, and with their cookies.
    pub(crate) fn for_origin(&self, request: &HttpRequest) -> Vec<(HeaderName, HeaderValue)> {
        let config = self.server.hub.config();
        let allowed = config.allowed_origins();
        if allowed.is_empty() {
            return Vec::new();
        }
        let mut headers = vec![(header::VARY, HeaderValue::from_static("Origin"))];
        let origin = request.headers().get(header::ORIGIN);
        let is_allowed = |origin: &&HeaderValue| {
            let mut names = allowed.iter();
            names.any(|name| name.as_bytes() == origin.as_bytes())
        };
        if let Some(origin) = origin.filter(is_allowed) {
            let yes = HeaderValue::from_static("true");
            headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
            headers.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes));
        }
        headers
    }
}
