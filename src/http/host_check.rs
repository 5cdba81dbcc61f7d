//! Checks the host of requests for an app's own pages. Also hides the reason why the stream is off from
//! requests for other hosts, because that reason is a text from the app's configuration.

use std::sync::{Arc, OnceLock};

use actix_web::{
    HttpRequest, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::{refusal_count::count_refusal_of_host, requested_host::RequestedHost, sse::Sse};
use crate::{
    cache::cache,
    config::{Config, ConfigPoller, app_dir},
    error::Error,
};

/// Follows the `.env` of the app for the middleware, which has no `Sse`. It logs nothing, because the stream and
/// the cache log the same errors.
static ENV: OnceLock<ConfigPoller> = OnceLock::new();

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
        && let Err(error) = check_against_env(&host).await
    {
        count_refusal_of_host(request.request(), &error, cache);
        let refusal = request.into_response(error.error_response());
        return Ok(refusal.map_into_right_body());
    }
    let response = next.call(request).await?;
    Ok(response.map_into_left_body())
}

async fn check_against_env(host: &RequestedHost) -> Result<(), Error> {
    let config = match ENV.get() {
        Some(poller) if !poller.is_check_due() => Some(poller.current()),
        // Reading fails only if the runtime is shutting down.
        _ => web::block(read_env).await.ok().and_then(Result::ok),
    };
    match config {
        Some(config) => host.check(config.allowed_authorities()),
        None => host.check(Some(&[])),
    }
}

fn read_env() -> Result<Arc<Config>, Error> {
    let poller = match ENV.get() {
        Some(poller) => poller,
        None => {
            let config = Config::with_access_of_env(app_dir())?;
            ENV.get_or_init(|| ConfigPoller::silent(config))
        }
    };
    poller.reload_if_due(|_| Ok(()));
    Ok(poller.current())
}

impl Sse {
    /// Like [`check_host`](Self::check_host), and passes the hosts that may be allowed while the configuration cannot be
    /// used.
    pub(crate) fn check_host_without_config(&self, request: &HttpRequest) -> Result<(), Error> {
        if self.config().is_ok() {
            return self.check_host(request);
        }
        let config = ENV.get().map(ConfigPoller::current);
        let allowed = (config.as_ref()).and_then(|config| config.allowed_authorities());
        RequestedHost::new(request).check(allowed)
    }
}

/// Replaces the reason why the stream is off by a general one, unless the request's host is allowed. While
/// the configuration cannot be used, only the middleware knows the list of allowed hosts.
pub(super) fn public_reason(host: &RequestedHost, error: Error) -> Error {
    let config = ENV.get().map(ConfigPoller::current);
    match host.check(
        config
            .as_ref()
            .and_then(|config| config.allowed_authorities()),
    ) {
        Ok(()) => error,
        Err(_) => Error::new(error.kind(), "live notifications are unavailable").with_help(
            "the app's log contains the reason, as does the response to a request for localhost",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

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

    fn allowed(config: &Config) -> Option<Vec<String>> {
        let hosts = config.allowed_authorities()?;
        Some(hosts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_edit_takes_effect_and_an_invalid_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let edit = |text: &str| std::fs::write(dir.path().join(".env"), text).unwrap();
        edit("SSE_EVENTS=a\nSSE_ALLOWED_HOSTS=a.example\n");
        let config = Config::with_access_of_env(dir.path().to_owned()).unwrap();
        let (poller, start) = (ConfigPoller::silent(config), Instant::now());
        let allowed_after = |seconds: u64| {
            // Twice, because an edit has to stay the same for a moment.
            for pause in [0, 200].map(Duration::from_millis) {
                let now = start + Duration::from_secs(seconds) + pause;
                poller.reload_if_due_at(now, |_| Ok(()));
            }
            allowed(&poller.current())
        };
        let list = |name: &str| Some(vec![name.to_owned()]);
        assert_eq!(
            allowed_after(0),
            list("a.example"),
            "although SSE_EVENTS is broken"
        );
        edit("SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=b.example\n");
        assert_eq!(allowed_after(1), list("a.example"), "not at every request");
        assert_eq!(allowed_after(3), list("b.example"));
        edit("");
        assert_eq!(
            allowed_after(6),
            list("b.example"),
            "an editor empties a file first"
        );
        edit("SSE_EVENTS=a:k\n");
        assert_eq!(allowed_after(9), None);
    }

    #[test]
    fn an_invalid_list_allows_only_loopback_names() {
        let dir = tempfile::tempdir().unwrap();
        let env = "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=https://a.example/\n";
        std::fs::write(dir.path().join(".env"), env).unwrap();
        let config = Config::with_access_of_env(dir.path().to_owned()).unwrap();
        assert_eq!(allowed(&config), Some(vec!["localhost".to_owned()]));
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
