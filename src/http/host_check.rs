//! Which host a request is for.
//!
//! A page on the network can have its own name resolve to the visitor's machine (DNS rebinding). For the
//! browser it is then of the same origin as a server there, and may read everything. The name is what
//! gives it away: browsers send it as `Host`, and no page can change that.

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Version, header},
    middleware::Next,
    web,
};

use super::app_hosts::{AllowedHosts, AppHosts};
use crate::{
    config::{Authority, app_dir},
    error::{Error, ErrorKind},
    http::connection::LocalAddress,
};

/// The host that a request is for.
#[derive(Debug, Clone, Default)]
pub(crate) enum Target {
    /// A loopback name, or none. Browsers always send one, so a request without is not from a page.
    #[default]
    Loopback,
    /// An address. Nobody can make it resolve to another machine, so a page that a browser loaded from
    /// it is this server's. Health checks and load balancers name a server like that.
    Address,
    /// Something else. `None` cannot be read as a host.
    Other {
        named: Vec<Option<Authority>>,
        arrived_on_loopback: bool,
    },
}

impl Target {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        // "When an origin server receives a request with an absolute-form of request-target, the
        // origin server MUST ignore the received Host header field (if any)" (RFC 9112, 3.2.2). In
        // HTTP/2 this is `:authority`. Neither contradicts the other in a browser's request, so both
        // have to pass.
        let in_target = request
            .uri()
            .authority()
            .map(actix_web::http::uri::Authority::as_str);
        let in_headers = request.headers().get_all(header::HOST);
        let in_headers = in_headers.map(|value| value.to_str().unwrap_or_default());
        let named: Vec<_> = in_target
            .into_iter()
            .chain(in_headers)
            .map(Authority::parse)
            .filter(|name| !name.as_ref().is_some_and(Authority::is_loopback))
            .collect();
        if named.is_empty() {
            return Self::Loopback;
        }
        let is_address =
            |name: &Option<Authority>| name.as_ref().is_some_and(Authority::is_address);
        if named.iter().all(is_address) {
            return Self::Address;
        }
        Self::Other {
            named,
            arrived_on_loopback: arrived_on_loopback(request),
        }
    }

    /// Whether such a request may be answered. Without a list, only loopback addresses are
    /// protected.
    pub(crate) fn check(&self, allowed: Option<&[Authority]>) -> Result<(), Error> {
        let Self::Other {
            named,
            arrived_on_loopback,
        } = self
        else {
            return Ok(());
        };
        if allowed.is_none() && !arrived_on_loopback {
            return Ok(());
        }
        let allowed = allowed.unwrap_or_default();
        named.iter().try_for_each(|name| match name {
            Some(name) if name.is_address() => Ok(()),
            Some(name) if allowed.iter().any(|entry| entry.allows(name)) => Ok(()),
            Some(name) => Err(misdirected(&format!(
                "this server does not answer for the host `{name}`"
            ))
            .with_help(format!(
                "if a reverse proxy forwards this host name, add it to the list in the app's .env: \
                 SSE_ALLOWED_HOSTS={}",
                name.host_only()
            ))),
            None => Err(misdirected("the request's host cannot be read").with_help(
                "send a Host header with a host name and an optional port, as in \
                 localhost:8080; other names than localhost belong in the app's .env, as \
                 SSE_ALLOWED_HOSTS",
            )),
        })
    }
}

fn misdirected(message: &str) -> Error {
    warn_of(message);
    Error::new(ErrorKind::Host, message)
}

/// Such requests may come often, and middleware that logs requests may not see them.
fn warn_of(message: &str) {
    const EVERY: Duration = Duration::from_secs(60);
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let now = Instant::now();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| now.saturating_duration_since(last) >= EVERY) {
        *last = Some(now);
        log::warn!(
            "421: {message}; see SSE_ALLOWED_HOSTS. More of these are not logged for a minute"
        );
    }
}

/// By the accepted connection if [`on_connect`](crate::on_connect()) has seen it, and by the address
/// that the server is bound to if not: actix-web tells no more.
fn arrived_on_loopback(request: &HttpRequest) -> bool {
    // A Unix socket has no peer address, and an invented loopback address in `app_config`. No browser
    // connects to one.
    if request.peer_addr().is_none() {
        return false;
    }
    let local = match request.conn_data::<LocalAddress>() {
        Some(LocalAddress(ip)) => *ip,
        None => request.app_config().local_addr().ip(),
    };
    is_loopback(local)
}

/// Whether a request comes from a program on this machine, straight and to a name of this machine. For
/// endpoints that are for the app's developer only.
///
/// That is so when its peer has a loopback address, its host is a loopback name or none, and no header says
/// that a proxy has forwarded it (`Forwarded`, `X-Forwarded-…`, `X-Real-IP`, `Via`). A proxy on this
/// machine that sends no such header and a loopback name as the host cannot be told from a local browser:
/// turn such endpoints off in production.
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse, get};
///
/// #[get("/debug")]
/// async fn debug(request: HttpRequest) -> HttpResponse {
///     if !actix_web_sse::is_local(&request) {
///         return HttpResponse::NotFound().finish();
///     }
///     HttpResponse::Ok().body("for the developer's eyes only")
/// }
/// ```
#[must_use]
pub fn is_local(request: &HttpRequest) -> bool {
    let is_from_here = request
        .peer_addr()
        .is_some_and(|peer| is_loopback(peer.ip()));
    let mut names = request.headers().keys().map(header::HeaderName::as_str);
    let is_forwarded = names.any(|name| {
        matches!(name, "forwarded" | "x-real-ip" | "via") || name.starts_with("x-forwarded-")
    });
    // Browsers speak HTTP/1.1 at least; proxies such as nginx speak HTTP/1.0 unless they are told
    // otherwise.
    let is_proxy =
        request.version() == Version::HTTP_10 && request.headers().contains_key(header::HOST);
    is_from_here && !is_forwarded && !is_proxy && matches!(Target::of(request), Target::Loopback)
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Hides why there is no stream from pages that might not get one.
///
/// As long as the configuration cannot be used, nobody knows which hosts are allowed.
pub(crate) fn public_reason(request: &HttpRequest, error: Error) -> Error {
    match Target::of(request).check(None) {
        Ok(()) => error,
        Err(_) => Error::new(error.kind(), "Server-Sent Events are off")
            .with_help("the app's log says why, and so does a request for localhost"),
    }
}

/// A middleware that protects the pages of a server on this machine from DNS rebinding. Requests that
/// arrive on a loopback address are answered only if their `Host` is `localhost`, a name below it,
/// a loopback address, or listed in `SSE_ALLOWED_HOSTS`. When that key is set, it applies to requests
/// on every address. Other requests get 421 (Misdirected Request), with what to do.
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
/// The stream makes the same check without it. A server that is bound to all addresses (`0.0.0.0`)
/// needs [`on_connect`](crate::on_connect()) to know on which one a request arrived.
///
/// It reads the `.env` in [`app_dir()`], which it follows; hosts that code has set
/// ([`Config::with_allowed_hosts`](crate::Config::with_allowed_hosts)) are checked by
/// [`Sse::check_host`](crate::Sse::check_host).
///
/// # Errors
///
/// Those of the app behind it.
pub async fn check_host<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let target = Target::of(request.request());
    if let Target::Other { .. } = target
        && let Err(error) = target.check(hosts_of_this_app().await.as_deref())
    {
        let refusal = request.into_response(error.error_response());
        return Ok(refusal.map_into_right_body());
    }
    let response = next.call(request).await?;
    Ok(response.map_into_left_body())
}

async fn hosts_of_this_app() -> AllowedHosts {
    static HOSTS: LazyLock<AppHosts> = LazyLock::new(|| AppHosts::new(app_dir()));
    let now = Instant::now();
    if let Some(hosts) = HOSTS.cached(now) {
        return hosts;
    }
    // The threads that may wait for files are gone if the process ends: then nobody else is answered.
    let refreshed = web::block(move || HOSTS.refresh(now)).await;
    refreshed.unwrap_or_else(|_| Some(Arc::default()))
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        middleware::from_fn,
        test::{TestRequest, call_service, init_service},
    };

    use super::*;

    /// As a browser asks; test requests have a server that is bound to 127.0.0.1.
    fn request(uri: &str) -> TestRequest {
        TestRequest::with_uri(uri).peer_addr(([127, 0, 0, 1], 50_000).into())
    }

    fn is_answered(request: TestRequest, allowed: &[&str]) -> bool {
        let allowed: Vec<_> = allowed
            .iter()
            .map(|host| Authority::parse(host).unwrap())
            .collect();
        Target::of(&request.to_http_request())
            .check((!allowed.is_empty()).then_some(&allowed))
            .is_ok()
    }

    #[test]
    fn the_authority_of_http_2_counts_as_the_host() {
        assert!(is_answered(request("http://localhost:8080/"), &[]));
        assert!(!is_answered(request("http://evil.example/"), &[]));
        assert!(is_answered(
            request("http://app.example/"),
            &["app.example"]
        ));
        let both = request("http://localhost/").insert_header(("host", "evil.example"));
        assert!(!is_answered(both, &[]));
    }

    #[test]
    fn a_second_host_does_not_hide_behind_the_first() {
        let two = || {
            let request = request("/").append_header(("host", "localhost"));
            request.append_header(("host", "evil.example"))
        };
        assert!(!is_answered(two(), &[]));
        assert!(is_answered(two(), &["evil.example"]));
        let two = request("http://app.example/").insert_header(("host", "evil.example"));
        assert!(!is_answered(two, &["app.example"]));
    }

    #[test]
    fn a_host_that_is_not_text_is_refused() {
        let odd = header::HeaderValue::from_bytes(b"localhost\xff").unwrap();
        assert!(!is_answered(request("/").insert_header(("host", odd)), &[]));
    }

    #[test]
    fn no_page_reaches_a_unix_socket() {
        let request = || TestRequest::with_uri("/").insert_header(("host", "app.example"));
        assert!(is_answered(request(), &[]));
        assert!(!is_answered(request(), &["other.example"]));
    }

    #[test]
    fn a_request_is_local_only_if_all_of_it_is() {
        let is_local = |request: TestRequest| is_local(&request.to_http_request());
        let local = || request("/").insert_header(("host", "localhost:8080"));
        assert!(is_local(local()) && is_local(request("/")));
        assert!(is_local(
            local().peer_addr("[::ffff:127.0.0.1]:1".parse().unwrap())
        ));
        assert!(!is_local(local().peer_addr("192.0.2.1:1".parse().unwrap())));
        assert!(!is_local(
            request("/").insert_header(("host", "app.example"))
        ));
        assert!(!is_local(
            local().insert_header(("x-forwarded-for", "127.0.0.1"))
        ));
        assert!(!is_local(local().insert_header(("forwarded", ""))));
        assert!(
            !is_local(TestRequest::with_uri("/")),
            "no peer: a Unix socket"
        );
    }

    #[test]
    fn a_broken_configuration_tells_foreign_pages_nothing() {
        let reason = |host: &str| {
            let request = request("/").insert_header(("host", host)).to_http_request();
            public_reason(
                &request,
                Error::new(ErrorKind::Config, "SSE_TTL is `secret`"),
            )
        };
        assert_eq!(reason("localhost").to_string(), "SSE_TTL is `secret`");
        let hidden = reason("evil.example");
        assert_eq!(hidden.kind(), ErrorKind::Config);
        assert!(!hidden.to_string().contains("secret"));
    }

    #[actix_web::test]
    async fn the_middleware_answers_before_the_app() {
        let app = App::new()
            .wrap(from_fn(check_host))
            .default_service(web::to(HttpResponse::NoContent));
        let app = init_service(app).await;
        for (host, status) in [("localhost", 204), ("evil.example", 421)] {
            let request = request("/").insert_header(("host", host)).to_request();
            assert_eq!(call_service(&app, request).await.status(), status);
        }
    }
}
