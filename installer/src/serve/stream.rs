//! The route of the stream.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Either, Error, HttpRequest, Responder, ResponseError};
use actix_web_sse::{Sse, Subscription};

use super::authorization::Authorizer;

const STREAM_PATH: &str = "/sse/stream";

/// What the workers of the server share.
pub(super) struct StreamServer {
    pub(super) sse: Sse,
    /// Without it, the stream is public.
    pub(super) authorizer: Option<Authorizer>,
}

pub(super) fn routes(app: &mut ServiceConfig) {
    app.service(web::resource(STREAM_PATH).to(stream));
}

/// Whether the answer may be a stream, or its headers.
fn may_open(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

async fn stream(
    request: HttpRequest,
    server: Data<StreamServer>,
    subscription: Subscription,
) -> impl Responder {
    let authorized = match &server.authorizer {
        Some(authorizer) if may_open(&request) => {
            authorizer.authorize(&request, subscription).await
        }
        _ => Ok(subscription),
    };
    match authorized {
        Ok(subscription) => Either::Left(server.sse.respond(subscription)),
        Err(refusal) => Either::Right(refusal),
    }
}

/// Whether the route of the stream checks the host itself. Its refusals count.
fn checks_host(request: &HttpRequest) -> bool {
    let has_stream = request.app_data::<Data<StreamServer>>().is_some();
    has_stream && request.path() == STREAM_PATH && may_open(request)
}

/// Refuses requests for hosts that are not this server's, on every route.
pub(super) async fn check_host<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let sse = request.app_data::<Data<Sse>>();
    let sse = sse.filter(|_| !checks_host(request.request()));
    let refusal = sse.and_then(|sse| sse.check_host(request.request()).err());
    match refusal {
        // Without a configuration, the stream and the health checks say why.
        Some(error) if error.kind() == actix_web_sse::ErrorKind::Host => {
            let response = error.error_response();
            Ok(request.into_response(response).map_into_right_body())
        }
        _ => Ok(next.call(request).await?.map_into_left_body()),
    }
}
