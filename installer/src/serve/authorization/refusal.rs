//! The responses to clients that get no stream.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

/// When refused clients return, in seconds. A range, because thousands may be refused at the same time.
const RETRY_AFTER: std::ops::RangeInclusive<u32> = 5..=20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    LogIn,
    Forbidden,
    /// The credentials are longer than apps accept.
    TooLarge,
    /// The app cannot be asked, or has given no valid answer.
    Unavailable,
    ShuttingDown,
}

impl Refusal {
    pub(super) fn into_response(self) -> HttpResponse {
        let (status, text) = match self {
            Self::LogIn => (
                StatusCode::UNAUTHORIZED,
                "error: the app does not know who this client is\nhelp: log in\n",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "error: the app does not allow this client the stream\n",
            ),
            Self::TooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "error: the cookies and other headers of the request are too long\n\
                 help: remove cookies of this site, or ask for fewer audiences\n",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "error: the app cannot be asked what this client may receive\n\
                 help: try again later; the server's log says why\n",
            ),
            Self::ShuttingDown => (
                StatusCode::SERVICE_UNAVAILABLE,
                "error: this server is shutting down\n",
            ),
        };
        let mut response = HttpResponse::build(status);
        response
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, fastrand::u32(RETRY_AFTER)));
        }
        response.body(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_that_are_refused_together_return_at_different_times() {
        let mut seconds: Vec<u32> = (0..1_000)
            .map(|_| retry_after(Refusal::Unavailable))
            .collect();
        seconds.sort_unstable();
        seconds.dedup();
        assert_eq!(seconds, RETRY_AFTER.collect::<Vec<_>>());
    }

    fn retry_after(refusal: Refusal) -> u32 {
        let response = refusal.into_response();
        let value = response.headers().get(header::RETRY_AFTER);
        let value = value.expect("it is set").to_str().expect("it is text");
        value.parse().expect("it is a number")
    }

    #[test]
    fn only_an_outage_has_the_client_return() {
        for (refusal, status) in [
            (Refusal::LogIn, 401),
            (Refusal::Forbidden, 403),
            (Refusal::TooLarge, 431),
        ] {
            let response = refusal.into_response();
            assert_eq!(response.status(), status);
            assert!(!response.headers().contains_key(header::RETRY_AFTER));
        }
    }
}
