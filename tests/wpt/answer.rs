//! One response of the server, byte for byte.

use std::{convert::Infallible, future, iter};

use actix_web::{HttpResponse, http::StatusCode, web::Bytes};
use futures_util::{StreamExt, stream};

use crate::plays::OpenRequest;

/// The answer to one request.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    chunks: Vec<Bytes>,
    ends: bool,
}

impl Answer {
    /// A stream that ends after these bytes.
    pub(crate) fn stream(text: impl Into<String>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "text/event-stream".to_owned())],
            chunks: vec![text.into().into()],
            ends: true,
        }
    }

    /// A stream that sets a short retry delay and ends. The client reconnects a second after its request,
    /// which `timers.js` makes 100 ms.
    pub(crate) fn retry_soon() -> Self {
        Self::stream("retry:1\nevent:retry_soon\ndata\n\n")
    }

    /// A stream with the event at which a page stops listening.
    pub(crate) fn end() -> Self {
        Self::stream("event:end\ndata\n\n")
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::stream(text).of_type("text/plain")
    }

    /// A response with this status, whose body would be an event.
    pub(crate) fn status(status: u16) -> Self {
        let mut answer = Self::stream("data:data\n\n");
        answer.status = status;
        answer
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::status(status)
            .without_body()
            .with("location", location)
    }

    pub(crate) fn without_body(mut self) -> Self {
        self.chunks.clear();
        self
    }

    /// Appends a chunk to the body.
    pub(crate) fn then(mut self, text: &str) -> Self {
        self.chunks.push(Bytes::copy_from_slice(text.as_bytes()));
        self
    }

    /// The body does not end.
    pub(crate) fn kept_open(mut self) -> Self {
        self.ends = false;
        self
    }

    pub(crate) fn of_type(mut self, content_type: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "content-type");
        self.with("content-type", content_type)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Pages of this origin may read it, with cookies: the headers that our server sends to the origins
    /// in `SSE_ALLOWED_ORIGINS`.
    pub(crate) fn for_origin(self, origin: &str) -> Self {
        self.with("access-control-allow-origin", origin)
            .with("access-control-allow-credentials", "true")
    }

    /// `request` is dropped with the body.
    pub(crate) fn response(self, request: OpenRequest) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap());
        for header in &self.headers {
            response.append_header((header.0, header.1.as_str()));
        }
        if self.chunks.is_empty() {
            return response.finish();
        }
        let chunks = self.chunks.into_iter().map(Ok::<_, Infallible>);
        // This item is never ready, so the body does not end.
        let open = iter::repeat_n((), usize::from(!self.ends));
        let open = stream::iter(open).then(|()| future::pending());
        response.streaming(stream::iter(chunks).chain(open).inspect(move |_| {
            let _ = &request;
        }))
    }
}
