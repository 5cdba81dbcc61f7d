//! Headers and forms that the responses of the dashboard have in common.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    body::BoxBody,
    http::header::{self, HeaderName, HeaderValue},
};
use tracing::Level;

use crate::{error::Error, http::request_line, runtime::LimitedLog};

/// The page loads everything from its own folder, runs no text as code, and is in no frame, where another site could
/// have a visitor click on it.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const PROTECTION: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// A response of the dashboard, with the headers that protect it.
pub(super) fn protected(response: Result<HttpResponse, Error>) -> HttpResponse<BoxBody> {
    let mut response = response.unwrap_or_else(|error| error.error_response());
    for (name, value) in PROTECTION {
        (response.headers_mut()).insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Logs why a request was refused, because the log is where an operator looks for attempts of others.
pub(super) fn log_refusal(request: &HttpRequest, error: &Error) {
    static REFUSED: LimitedLog =
        LimitedLog::new(Level::WARN, "requests for the dashboard were refused");
    REFUSED.log(|| format!("{}: {error}", request_line(request)));
}

/// Answers with a JSON document that nobody stores.
pub(super) fn json(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text)
}

/// The files are relative to the page, so its path has to end in a slash. The location is relative, because a proxy may
/// have removed a part of the path.
pub(super) fn redirect_to_folder(request: &HttpRequest) -> HttpResponse {
    let folder = request.path().rsplit('/').next().unwrap_or_default();
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, format!("./{folder}/")))
        .finish()
}
