//! Notes how far the journal was when a request was authenticated, so that a later revocation ends its stream.

use actix_web::{
    HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::sse::Sse;
use crate::event_id::EventId;

/// In the extensions of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuthorizationPosition(pub(super) EventId);

/// In the data of an app that was configured with the routes: where its positions come from.
pub(super) struct PositionSource(pub(super) Sse);

/// Middleware that notes, for each request, the [position](crate::Sse::position) that this server has reached in the
/// cache. Add it after the middleware that authenticates requests: actix-web runs the middleware first that was added
/// last.
///
/// ```no_run
/// # use actix_web::middleware::NormalizePath as Session;
/// use actix_web::{App, HttpServer, middleware::from_fn};
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// HttpServer::new(|| {
///     App::new()
///         .configure(actix_web_sse::routes)
///         .wrap(Session::trim())                  // authenticates
///         .wrap(from_fn(actix_web_sse::track_authorization))
/// })
/// .bind(("127.0.0.1", 8080))?
/// .run()
/// .await
/// # }
/// ```
///
/// A user may be revoked while a request is on its way: after the session was read, and before the stream opens.
/// With this middleware, such a revocation ends the stream, and earlier ones do not. Without it, every
/// [revocation](crate::Cache::revoke) of the last ten seconds ends the stream as soon as it opens, so a user who
/// logs out and in again has no stream for up to ten seconds.
///
/// It takes the position from the `Sse` of [`routes`](crate::routes()), or from the `web::Data<Sse>` of the app.
/// An app that authenticates in the handler can call [`Sse::position`](crate::Sse::position) itself, and pass the
/// result to [`Subscription::authorized_at`](crate::Subscription::authorized_at).
///
/// # Errors
///
/// Returns the errors of the wrapped service.
pub async fn track_authorization<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if let Some(position) = position(&request) {
        request
            .extensions_mut()
            .insert(AuthorizationPosition(position));
    }
    next.call(request).await
}

fn position(request: &ServiceRequest) -> Option<EventId> {
    if let Some(PositionSource(sse)) = request.app_data() {
        return Some(sse.position());
    }
    match request.app_data::<web::Data<Sse>>() {
        Some(sse) => Some(sse.position()),
        None => Sse::position_from_env(),
    }
}

#[cfg(test)]
mod tests;
