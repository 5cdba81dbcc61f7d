//! Requests that change something are for this app's own pages, and for programs that are not browsers.
//! A page of another origin could send them with its visitor's cookies, or to its visitor's own machine.

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderValue},
    middleware::Next,
};

const REFUSED: &str = "error: a page of another origin may not do this\n\
    help: open the app's own page, or send the request without a browser\n";

pub(crate) async fn same_origin<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if !request.method().is_safe() && !is_same_origin(&request) {
        let refusal = HttpResponse::Forbidden()
            .content_type("text/plain; charset=utf-8")
            .body(REFUSED);
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Browsers say where a request comes from in `Sec-Fetch-Site`, over https and on this machine. Over
/// plain http elsewhere there is only `Origin`, whenever the method is neither GET nor HEAD. Other
/// programs send neither.
fn is_same_origin(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    if let Some(site) = headers.get("sec-fetch-site").map(text) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN).map(text) else {
        return true;
    };
    // In HTTP/2, `:authority` takes the place of `Host`.
    let authority = request
        .uri()
        .authority()
        .map(|host| host.as_str().to_ascii_lowercase());
    let host = authority.or_else(|| headers.get(header::HOST).map(text));
    origin
        .split_once("://")
        .is_some_and(|(_, origin)| Some(origin) == host.as_deref())
}
