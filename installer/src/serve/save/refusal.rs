//! The answers to requests that save nothing.

use actix_web::http::{StatusCode, header};
use actix_web::web::Payload;
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use actix_web_sse::cli_support::{may_be_saved, one_line, with_more_help};
use actix_web_sse::{Error, ErrorKind};

use super::unread_body;

/// When the server is busy, writers return after so many seconds. A range, because many may be refused together.
const RETRY_AFTER_SECONDS: std::ops::RangeInclusive<u32> = 1..=4;

/// The answer to a request that saves nothing.
#[derive(Debug)]
pub(super) struct Refusal(Box<HttpResponse>);

impl Refusal {
    /// Saving over HTTP was not enabled.
    pub(super) fn disabled() -> Self {
        Self::text(
            &mut HttpResponse::NotFound(),
            "this server accepts neither values nor revocations over HTTP",
            "start it with --save-token-file FILE, or with SSE_SAVE_TOKEN_FILE in .env",
        )
    }

    pub(super) fn wrong_method() -> Self {
        Self::text(
            HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "POST")),
            "this route takes only POST",
            "send a POST request; to save a value, send it as the body",
        )
    }

    pub(super) fn no_token() -> Self {
        Self::text(
            HttpResponse::Unauthorized().insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            "the request has no token",
            "send one header `Authorization: Bearer TOKEN`, with the token in the server's file SSE_SAVE_TOKEN_FILE; a \
         proxy may have removed it",
        )
    }

    pub(super) fn wrong_token() -> Self {
        let challenge = "Bearer error=\"invalid_token\"";
        Self::text(
            HttpResponse::Unauthorized().insert_header((header::WWW_AUTHENTICATE, challenge)),
            "the token of the request is not that of the server",
            "send the first line of the server's file SSE_SAVE_TOKEN_FILE",
        )
    }

    pub(super) fn unusable_token_file() -> Self {
        Self::text(
            &mut unavailable(),
            "the server has no token to compare with",
            "see the server's log, which says why",
        )
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self::text(
            &mut HttpResponse::PayloadTooLarge(),
            &format!("the value has more than {limit} bytes; nothing was saved"),
            "save an id and let the page fetch the rest",
        )
    }

    /// `found` is the type, or another description of the format.
    pub(super) fn unknown_format(found: &str) -> Self {
        Self::text(
            &mut HttpResponse::UnsupportedMediaType(),
            &format!("the value is sent as `{}`", one_line(found)),
            "send JSON with `Content-Type: application/json`, or text with `Content-Type: text/plain`, both in UTF-8 and \
         not compressed (curl: --header 'Content-Type: application/json')",
        )
    }

    pub(super) fn incomplete() -> Self {
        Self::text(
            &mut HttpResponse::RequestTimeout(),
            "the value did not arrive in time; nothing was saved",
            "repeat the request",
        )
    }

    pub(super) fn busy() -> Self {
        Self::text(
            &mut unavailable(),
            "the server is busy with other saves; nothing was done",
            "repeat the request",
        )
    }

    /// A part of the request is not valid.
    pub(super) fn invalid(problem: &str, help: &str) -> Self {
        Self::text(&mut HttpResponse::UnprocessableEntity(), problem, help)
    }

    pub(super) fn other_save() -> Self {
        Self::invalid(
            "this Idempotency-Key belongs to a save with another cache key, value, audience or time to live; nothing was \
         saved",
            "send a new Idempotency-Key with each value, for example a random UUID",
        )
    }

    /// The error of a save.
    pub(super) fn of_save(error: &Error, has_idempotency_key: bool) -> Self {
        if error.kind() != ErrorKind::Cache {
            return Self(Box::new(error.error_response()));
        }
        let advice = match (may_be_saved(error), has_idempotency_key) {
            (_, true) => {
                "repeat the request with the same Idempotency-Key: the value is saved once"
            }
            (true, false) => {
                "to repeat such a request without a second event, send an Idempotency-Key with it"
            }
            (false, false) => "repeat the request",
        };
        Self(Box::new(with_more_help(error, advice).error_response()))
    }

    /// The error of a revocation, which can be repeated.
    pub(super) fn of_revocation(error: &Error) -> Self {
        let response = match error.kind() {
            ErrorKind::Cache => with_more_help(error, "repeat the request").error_response(),
            _ => error.error_response(),
        };
        Self(Box::new(response))
    }

    /// `unread` is what is left of the request, which is not read any more.
    pub(super) fn into_response(self, unread: Payload) -> HttpResponse {
        unread_body::end_with(*self.0, unread)
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// In the form of the library's errors.
    fn text(response: &mut HttpResponseBuilder, problem: &str, help: &str) -> Self {
        let response = response
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            // The text may quote the request.
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(format!("error: {problem}\nhelp: {help}\n"));
        Self(Box::new(response))
    }
}

fn unavailable() -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE);
    let seconds = fastrand::u32(RETRY_AFTER_SECONDS);
    response.insert_header((header::RETRY_AFTER, seconds));
    response
}
