//! Headers for pages of other origins (CORS), and the responses that differ with them.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::header::{self, HeaderName, HeaderValue},
};

use crate::error::Error;

/// The methods of the stream's route.
const STREAM_METHODS: &str = "GET, HEAD, OPTIONS";

/// The request headers that pages of allowed origins may send: those of clients built on `fetch` when
/// they reconnect, and a token for streams behind authentication. Such pages may send the visitor's
/// cookies already.
const ALLOWED_HEADERS: &str = "Last-Event-ID, Cache-Control, Authorization";

/// Two hours, the longest time that Chromium remembers a preflight.
const PREFLIGHT_MAX_AGE_SECONDS: &str = "7200";

/// The headers that let a page of an allowed origin read a response, with cookies.
pub(super) struct CorsHeaders {
    headers: Vec<(HeaderName, HeaderValue)>,
    has_allowed_origin: bool,
}

impl CorsHeaders {
    /// Origins are compared by their exact names.
    pub(super) fn new(allowed: &[String], request: &HttpRequest) -> Self {
        let is_allowed_origin = |origin: &&HeaderValue| {
            let mut names = allowed.iter();
            names.any(|name| name.as_bytes() == origin.as_bytes())
        };
        let origin = request.headers().get(header::ORIGIN);
        let origin = origin.filter(is_allowed_origin);
        let mut headers = Vec::new();
        if !allowed.is_empty() {
            headers.push((header::VARY, HeaderValue::from_static("Origin")));
        }
        if let Some(origin) = origin {
            let credentials = HeaderValue::from_static("true");
            headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
            headers.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials));
        }
        Self {
            headers,
            has_allowed_origin: origin.is_some(),
        }
    }

    pub(super) fn add_to(self, mut response: HttpResponse) -> HttpResponse {
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// The response to a request that gets no stream, without these headers.
    pub(super) fn refusal(&self, error: &Error) -> HttpResponse {
        self.make_readable(error.error_response())
    }

    /// The response, with a `Retry-After` that pages of allowed origins can read.
    pub(super) fn make_readable(&self, mut response: HttpResponse) -> HttpResponse {
        if self.has_allowed_origin {
            let readable = HeaderValue::from_static("Retry-After");
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
        }
        response
    }

    /// The answer to a method that the stream does not have, without these headers. "The origin server
    /// MUST generate an Allow header field in a 405 response" (RFC 9110, 15.5.6).
    pub(super) fn method_not_allowed() -> HttpResponse {
        HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, STREAM_METHODS))
            .finish()
    }

    /// The answer to OPTIONS, without these headers.
    ///
    /// A page that reads the stream with `fetch` sends the header `Last-Event-ID` when it reconnects, and
    /// perhaps `Authorization`, and the browser asks first whether the page may. Only pages of
    /// `SSE_ALLOWED_ORIGINS` get permission.
    pub(super) fn preflight(&self, request: &HttpRequest) -> HttpResponse {
        // "A successful HTTP response to a CORS-preflight request is similar, except it is restricted
        // to an ok status, e.g., 200 or 204." (Fetch)
        let mut response = HttpResponse::NoContent();
        response.insert_header((header::ALLOW, STREAM_METHODS));
        // "A CORS-preflight request is a CORS request that checks to see if the CORS protocol is
        // understood. It uses `OPTIONS` as method and includes the following header:
        // `Access-Control-Request-Method`" (Fetch). Any other OPTIONS asks for the methods only.
        let is_preflight = request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight && self.has_allowed_origin {
            // "For `Access-Control-Expose-Headers`, `Access-Control-Allow-Methods`, and
            // `Access-Control-Allow-Headers` response headers, the value `*` counts as a wildcard for
            // requests without credentials." (Fetch) So they are listed. `*` never covers `Authorization`.
            response
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
                .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_SECONDS));
        }
        response.finish()
    }
}
