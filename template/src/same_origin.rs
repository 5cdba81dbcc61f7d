//! Requests that change something are for this app's own pages, and for programs that are not browsers.
//! A page of another site could send them with its visitor's cookies, or to its visitor's own machine.

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderValue},
    middleware::Next,
};

const REFUSED: &str = "error: a page of another site may not do this\n\
    help: open the app's own page, or send the request without a browser\n";

pub(crate) async fn same_origin<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if !request.method().is_safe() && !is_same_origin(request.headers()) {
        let refusal = HttpResponse::Forbidden()
            .content_type("text/plain; charset=utf-8")
            .body(REFUSED);
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Browsers say where a request comes from in `Sec-Fetch-Site`, over https and on this machine, and in
/// `Origin` whenever its method is neither GET nor HEAD. Other programs send neither.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
    let site = headers.get("sec-fetch-site").map(text);
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN).map(text) else {
        return true;
    };
    let host = headers.get(header::HOST).map(text);
    origin.split_once("://").map(|(_, host)| host) == host.as_deref()
}
