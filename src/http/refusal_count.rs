//! Counts the refusal of a request for a stream once, whatever refuses it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpMessage, HttpRequest, http::Method};

use super::routes::STREAM_PATH;
use crate::{
    cache::Cache,
    error::Error,
    observe::{Observations, RefusalReason},
};

/// Whether the refusal of one request was counted. An app may refuse with a response of its own what a call of the
/// library has refused.
#[derive(Debug, Clone, Default)]
pub(super) struct RefusalCount(Arc<AtomicBool>);

impl RefusalCount {
    /// That of the request, which all its subscriptions share.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        known.unwrap_or_else(|| {
            let count = Self::default();
            request.extensions_mut().insert(count.clone());
            count
        })
    }

    /// Counts the refusal, unless one was counted before.
    pub(super) fn add(&self, observations: &Observations, reason: RefusalReason) {
        if !self.0.swap(true, Ordering::Relaxed) {
            observations.stream_refused(reason);
        }
    }
}

/// Counts the refusal by a check of the host, if the request is for a stream. `cache` is that of the stream.
pub(super) fn count_refusal_of_host<'a>(
    request: &HttpRequest,
    error: &Error,
    cache: impl FnOnce() -> &'a Cache,
) {
    if is_for_stream(request) {
        RefusalCount::of(request).add(cache().observations(), error.kind().into());
    }
}

/// Whether the request is for a stream of [`routes`](crate::routes()), in whatever scope. A check of the host, which
/// comes before the routes, cannot know others.
fn is_for_stream(request: &HttpRequest) -> bool {
    let opens = matches!(*request.method(), Method::GET | Method::HEAD);
    opens && request.path().ends_with(STREAM_PATH)
}
