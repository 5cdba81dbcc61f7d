//! The response to a request for the stream.

use actix_web::{
    HttpRequest, HttpResponse, Responder, ResponseError,
    body::{self, BoxBody},
    dev::ResponseHead,
    http::{ConnectionType, Method, Version, header},
};

use super::{
    access_log::log_stream, cors::CorsHeaders, host_check::public_reason,
    refusal_count::RefusalCount, sse::Sse, stream::EventStream, subscription::Subscription,
};
use crate::{error::Error, observe::RefusalReason};

/// The complete response to a request for the stream, from [`Sse::respond`]: return it from a handler that
/// takes every method (`web::resource("/my/stream").to(handler)`).
///
/// | request | response |
/// |---|---|
/// | `GET` | 200, with an [`EventStream`] as its body, and headers with which events reach the browser one by one. Over HTTP/1.0, the connection ends with the stream |
/// | `HEAD` | the same headers; opens no stream |
/// | `OPTIONS` | 204, with the answer to a browser's preflight request |
/// | another method | 405, with the header `Allow` |
/// | refused | the status and the text of the [`Error`](crate::Error), and `Retry-After` if the client is to try again later |
///
/// Pages of `SSE_ALLOWED_ORIGINS` can read each of these. Without the headers for that, a browser would
/// hide the status of a refusal from the page, and the page would reconnect again and again.
///
/// To add headers, use [`customize`](Responder::customize). The log shows when a stream opens and why one
/// is refused: at most five of each in ten seconds, and then the number of the others.
#[derive(Debug)]
#[must_use = "a handler must return it"]
pub struct StreamResponse {
    sse: Sse,
    subscription: Subscription,
}

impl Sse {
    /// Responds to a request for the stream: with the stream for GET, its headers for HEAD, the answer
    /// to a browser's preflight request for OPTIONS, 405 for other methods, or the reason why there is no
    /// stream. Pages of `SSE_ALLOWED_ORIGINS` can read each of these. Return it from a handler that takes
    /// every method:
    ///
    /// ```no_run
    /// use actix_web::{Responder, web::{self, Data, ServiceConfig}};
    /// use actix_web_sse::{Sse, Subscription};
    ///
    /// async fn stream(sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    ///     sse.respond(subscription.only(["order", "toast"]))
    ///         .customize()
    ///         .insert_header(("X-Robots-Tag", "none"))
    /// }
    ///
    /// fn routes(app: &mut ServiceConfig) {
    ///     app.service(web::resource("/my/stream").to(stream));     // every method
    /// }
    /// ```
    pub fn respond(&self, subscription: Subscription) -> StreamResponse {
        StreamResponse {
            sse: self.clone(),
            subscription,
        }
    }
}

/// A refusal that pages of `SSE_ALLOWED_ORIGINS` can read, from [`Sse::refuse`].
#[derive(Debug)]
#[must_use = "a handler must return it"]
pub struct StreamRefusal {
    sse: Sse,
    /// In a box, so that it can be an error that costs a success little.
    response: Box<HttpResponse>,
    /// What it counts as when the client gets it.
    reason: RefusalReason,
}

impl StreamRefusal {
    /// The answer to an error of the library.
    pub(super) fn of_error(sse: &Sse, error: &Error) -> Self {
        Self {
            sse: sse.clone(),
            response: Box::new(error.error_response()),
            reason: error.kind().into(),
        }
    }
}

impl Sse {
    /// Refuses a stream with a response of your own, such as 401. Pages of `SSE_ALLOWED_ORIGINS` can read its status
    /// and its `Retry-After`. From any other response of yours, a browser hides the status from such a page, and the
    /// page would reconnect again and again.
    ///
    /// ```no_run
    /// use actix_web::{Either, HttpRequest, HttpResponse, Responder, web::Data};
    /// use actix_web_sse::{Sse, Subscription};
    ///
    /// # fn is_logged_in(_: &HttpRequest) -> bool { false }
    /// async fn stream(request: HttpRequest, sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    ///     if is_logged_in(&request) {
    ///         Either::Left(sse.respond(subscription))
    ///     } else {
    ///         Either::Right(sse.refuse(HttpResponse::Unauthorized().body("error: log in\n")))
    ///     }
    /// }
    /// ```
    ///
    /// A request with OPTIONS is answered as by [`respond`](Self::respond): a browser's preflight request has no
    /// cookies, so it must not be refused for lack of them.
    pub fn refuse(&self, response: HttpResponse) -> StreamRefusal {
        let reason = match response.status().is_server_error() {
            true => RefusalReason::AppError,
            false => RefusalReason::App,
        };
        StreamRefusal {
            sse: self.clone(),
            response: Box::new(response),
            reason,
        }
    }
}

impl Responder for StreamRefusal {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        if request.method() == Method::OPTIONS {
            return self
                .sse
                .respond(Subscription::new(request))
                .respond_to(request);
        }
        let observations = self.sse.observations();
        RefusalCount::of(request).add(observations, self.reason);
        let cors = self.sse.cors_headers(request);
        let response = cors.make_readable(*self.response);
        cors.add_to(response)
    }
}

impl Responder for StreamResponse {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let cors = self.sse.cors_headers(request);
        let response = match *request.method() {
            Method::GET | Method::HEAD => {
                let observations = self.sse.observations().clone();
                let count = self.subscription.refusal_count.clone();
                let refused = |error: &Error| count.add(&observations, error.kind().into());
                self.open(request).inspect_err(refused)
            }
            Method::OPTIONS => self.check_host().map(|()| cors.preflight(request)),
            _ => Ok(CorsHeaders::method_not_allowed()),
        };
        let response = response.unwrap_or_else(|error| cors.refusal(&error));
        cors.add_to(response)
    }
}

impl StreamResponse {
    fn open(self, request: &HttpRequest) -> Result<HttpResponse, Error> {
        self.check_host()?;
        let state = self.sse.state();
        let state = state.map_err(|error| public_reason(&self.subscription.host, error))?;
        let is_logged = self.subscription.is_logged;
        let stream = EventStream::open(state, self.subscription);
        if is_logged || stream.is_err() {
            log_stream(request, &stream);
        }
        Ok(stream_response(request, stream?))
    }

    /// Without a configuration, every host passes: then there is nothing to read but [`public_reason`].
    fn check_host(&self) -> Result<(), Error> {
        match self.sse.config() {
            Ok(config) => self.subscription.host.check(config.allowed_authorities()),
            Err(_) => Ok(()),
        }
    }
}

fn stream_response(request: &HttpRequest, stream: EventStream) -> HttpResponse {
    let is_private = stream.is_private();
    let cache_control = match is_private {
        // "The no-store response directive indicates that a cache MUST NOT store any part of either the
        // immediate request or the response" (RFC 9111, 5.2.2.5).
        true => "no-store, no-transform, private",
        false => "no-cache, no-transform, private",
    };
    let mut response = HttpResponse::Ok();
    response
        // "MIME type text/event-stream", without a parameter: browsers refuse some charsets.
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        // Proxies must neither store the stream nor delay it to compress it.
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"));
    if is_private {
        response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    }
    if request.method() == Method::HEAD {
        // Without a length, because the length of a stream is not known.
        return response.body(body::None::new());
    }
    let mut response = response.body(stream);
    if request.version() < Version::HTTP_11 {
        end_with_connection(response.head_mut());
    }
    response
}

/// Has the end of the connection end the body, instead of a last chunk.
///
/// "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request
/// indicates HTTP/1.1 (or later minor revisions)." (RFC 9112, 6.1) A client of HTTP/1.0 takes the lengths
/// of chunks for data, and so receives values that span chunks damaged. If the connection breaks, the
/// client cannot tell that from the planned end. It loses nothing: it drops an incomplete event, and
/// reconnects with the id of the last complete one.
fn end_with_connection(head: &mut ResponseHead) {
    head.no_chunking(true);
    head.set_connection_type(ConnectionType::Close);
}

#[cfg(test)]
mod tests;
