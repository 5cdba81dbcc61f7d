//! Turns an [`Error`] into a response.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use crate::error::{Error, ErrorKind};

/// When a client may retry after a 503. Long enough for some streams to end, short
/// enough that the page is soon live again.
const RETRY_AFTER_SECONDS: &str = "5";

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self.kind() {
            ErrorKind::Request => StatusCode::BAD_REQUEST,
            ErrorKind::Host => StatusCode::MISDIRECTED_REQUEST,
            ErrorKind::Key | ErrorKind::Value | ErrorKind::Audience => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::Config | ErrorKind::Cache | ErrorKind::Busy => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            // The text may quote the request.
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        response.body(public_text(self))
    }
}

/// The text for clients. It names a file without its folders, because clients on other machines need
/// not know them.
fn public_text(error: &Error) -> String {
    let mut text = format!("error: {}", error.message());
    if let Some(location) = error.location() {
        text.push_str(&format!(" ({})", location.without_folders()));
    }
    text.push('\n');
    if let Some(help) = error.help() {
        text.push_str(&format!("help: {help}\n"));
    }
    text
}
