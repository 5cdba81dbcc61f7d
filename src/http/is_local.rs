//! Recognises requests from a program on this machine.

use actix_web::{
    HttpRequest,
    http::{Version, header},
};

use super::requested_host::{RequestedHost, is_loopback};

/// Returns whether a request comes directly from a program on this machine and is for a loopback name.
/// Use it for endpoints that only the app's developer may use.
///
/// It returns `true` if the peer has a loopback address, the host is a loopback name or missing, and
/// no header shows that a proxy forwarded the request (`Forwarded`, `X-Forwarded-…`, `X-Real-IP`,
/// `Via`).
///
/// A proxy on this machine that sends none of these headers and a loopback name as the host cannot be
/// told from a local browser. So turn such endpoints off in production.
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
    let is_from_this_machine = request
        .peer_addr()
        .is_some_and(|peer| is_loopback(peer.ip()));
    is_from_this_machine
        && !is_forwarded(request)
        && matches!(RequestedHost::new(request), RequestedHost::Loopback)
}

fn is_forwarded(request: &HttpRequest) -> bool {
    let mut names = request.headers().keys().map(header::HeaderName::as_str);
    let has_proxy_header = names.any(|name| {
        matches!(name, "forwarded" | "x-real-ip" | "via") || name.starts_with("x-forwarded-")
    });
    // Browsers use HTTP/1.1 or newer. Proxies such as nginx use HTTP/1.0 by default.
    let is_proxy_version =
        request.version() == Version::HTTP_10 && request.headers().contains_key(header::HOST);
    has_proxy_header || is_proxy_version
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_request_is_local_only_by_peer_host_and_headers() {
        let is_local = |request: TestRequest| is_local(&request.to_http_request());
        let without_host = || TestRequest::with_uri("/").peer_addr(([127, 0, 0, 1], 50_000).into());
        let local = || without_host().insert_header(("host", "localhost:8080"));
        assert!(is_local(local()) && is_local(without_host()));
        assert!(is_local(
            local().peer_addr("[::ffff:127.0.0.1]:1".parse().unwrap())
        ));
        assert!(!is_local(local().peer_addr("192.0.2.1:1".parse().unwrap())));
        assert!(!is_local(
            without_host().insert_header(("host", "app.example"))
        ));
        assert!(!is_local(
            local().insert_header(("x-forwarded-for", "127.0.0.1"))
        ));
        assert!(!is_local(local().insert_header(("forwarded", ""))));
        assert!(
            !is_local(TestRequest::with_uri("/")),
            "a Unix socket has no peer address"
        );
    }
}
