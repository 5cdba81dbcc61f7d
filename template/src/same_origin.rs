//! Refuses requests from pages of other origins that change something. Such a page could send them with
//! the cookies of its visitor, or to the visitor's own machine.

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderValue},
    middleware::Next,
};

const FORBIDDEN: &str = "error: pages of other origins may not send this request\n\
    help: use the app's own page, or send the request without a browser\n";

pub(crate) async fn same_origin<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if !request.method().is_safe() && !is_same_origin(&request) {
        let refusal = HttpResponse::Forbidden()
            .content_type("text/plain; charset=utf-8")
            .body(FORBIDDEN);
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Browsers send `Sec-Fetch-Site` over https and to this machine. Over plain http to other machines they
/// send only `Origin`, with all methods except GET and HEAD. Other programs send neither header.
fn is_same_origin(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    if let Some(site) = headers.get("sec-fetch-site").map(text) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN).map(text) else {
        return true;
    };
    // HTTP/2 has `:authority` instead of `Host`.
    let authority = request
        .uri()
        .authority()
        .map(|host| host.as_str().to_ascii_lowercase());
    let host = authority.or_else(|| headers.get(header::HOST).map(text));
    origin
        .split_once("://")
        .is_some_and(|(_, origin)| Some(origin) == host.as_deref())
}
