//! Checks the host of requests for an app's own pages. Also hides the reason why the stream is off from
//! requests for other hosts, because that reason is a text from the app's configuration.

use std::{
    sync::{Arc, LazyLock},
    time::Instant,
};

use actix_web::{
    ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::{
    env_allowed_hosts::{AllowedHosts, EnvAllowedHosts},
    requested_host::RequestedHost,
};
use crate::{config::app_dir, error::Error};

/// The hosts that the middleware allows.
static HOSTS: LazyLock<EnvAllowedHosts> = LazyLock::new(|| EnvAllowedHosts::new(app_dir()));

/// Middleware that protects a server on this machine from DNS rebinding: it refuses requests for hosts
/// that are not this server's.
///
/// A request that arrives on a loopback address is answered only if its `Host` is `localhost`, a name
/// below it, an IP address, or listed in `SSE_ALLOWED_HOSTS`. If that setting is set, it applies to
/// requests on every address. Other requests get 421 (Misdirected Request) and a text that says what
/// to do. A request whose `Host` is empty or invalid gets 400 on every address.
///
/// ```no_run
/// use actix_web::{App, HttpServer, middleware::from_fn};
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// HttpServer::new(|| {
///     App::new()
///         .configure(actix_web_sse::routes)
///         .wrap(from_fn(actix_web_sse::check_host))
/// })
/// .on_connect(actix_web_sse::on_connect)
/// .bind(("127.0.0.1", 8080))?
/// .run()
/// .await
/// # }
/// ```
///
/// The stream needs no middleware: it makes the same check itself. A server that is bound to all
/// addresses (`0.0.0.0`) needs [`on_connect`](crate::on_connect()) to know on which address a request
/// arrived.
///
/// The middleware reads `SSE_ALLOWED_HOSTS` from the `.env` in [`app_dir()`] and follows edits. It
/// does not know hosts set by [`Config::with_allowed_hosts`](crate::Config::with_allowed_hosts). To
/// check those, call [`Sse::check_host`](crate::Sse::check_host) in a middleware of your own.
///
/// # Errors
///
/// Returns the errors of the wrapped service. A refused request is a response, not an error.
pub async fn check_host<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let host = RequestedHost::new(request.request());
    if !matches!(host, RequestedHost::Loopback | RequestedHost::Ip)
        && let Err(error) = host.check(hosts_allowed_by_env().await.as_deref())
    {
        let refusal = request.into_response(error.error_response());
        return Ok(refusal.map_into_right_body());
    }
    let response = next.call(request).await?;
    Ok(response.map_into_left_body())
}

async fn hosts_allowed_by_env() -> AllowedHosts {
    let now = Instant::now();
    if let Some(hosts) = HOSTS.cached(now) {
        return hosts;
    }
    // Reading fails only if the runtime is shutting down. Then only loopback names are allowed.
    let refreshed = web::block(move || HOSTS.refresh(now)).await;
    refreshed.unwrap_or_else(|_| Some(Arc::default()))
}

/// Replaces the reason why the stream is off by a general one, unless the request's host is allowed. While
/// the configuration cannot be used, only the middleware knows the list of allowed hosts.
pub(super) fn public_reason(host: &RequestedHost, error: Error) -> Error {
    let allowed = HOSTS.cached(Instant::now()).flatten();
    match host.check(allowed.as_deref()) {
        Ok(()) => error,
        Err(_) => Error::new(error.kind(), "live notifications are unavailable").with_help(
            "the app's log contains the reason, as does the response to a request for localhost",
        ),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        middleware::from_fn,
        test::{TestRequest, call_service, init_service},
    };

    use super::*;
    use crate::error::ErrorKind;

    fn request(host: &str) -> TestRequest {
        TestRequest::with_uri("/")
            .peer_addr(([127, 0, 0, 1], 50_000).into())
            .insert_header(("host", host))
    }

    #[test]
    fn a_page_of_another_host_does_not_learn_what_is_wrong_with_the_configuration() {
        let reason = |host: &str| {
            let error = Error::new(ErrorKind::Config, "SSE_TTL is `secret`");
            let request = request(host).to_http_request();
            public_reason(&RequestedHost::new(&request), error)
        };
        assert_eq!(reason("localhost").to_string(), "SSE_TTL is `secret`");
        let hidden = reason("evil.example");
        assert_eq!(hidden.kind(), ErrorKind::Config);
        assert!(!hidden.to_string().contains("secret"));
    }

    #[actix_web::test]
    async fn the_middleware_refuses_a_request_before_it_reaches_the_app() {
        let app = App::new()
            .wrap(from_fn(check_host))
            .default_service(web::to(HttpResponse::NoContent));
        let app = init_service(app).await;
        for (host, status) in [("localhost", 204), ("evil.example", 421)] {
            let request = request(host).to_request();
            assert_eq!(call_service(&app, request).await.status(), status);
        }
    }
}
