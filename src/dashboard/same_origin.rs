//! Refuses requests that pages of other sites send with the cookies of a visitor, or to the visitor's own machine.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderName},
};

use crate::error::{Error, ErrorKind};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Fails if the request is from a page of another origin.
///
/// Browsers send `Sec-Fetch-Site` over https and to this machine. Over plain http to other machines they send only
/// `Origin`, with all methods except GET and HEAD. Other programs send neither header.
pub(super) fn check(request: &HttpRequest) -> Result<(), Error> {
    if is_same_origin(request) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forbidden,
        "pages of other origins may not send events",
    )
    .with_help(
        "use the form of the dashboard, or send the request without a browser. If this is the form, the proxy before \
        the server changes the header `Host`: nginx keeps it with `proxy_set_header Host $http_host;`",
    ))
}

fn is_same_origin(request: &HttpRequest) -> bool {
    let headers = request.headers();
    if let Some(site) = text(headers, SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(headers, header::ORIGIN) else {
        return true;
    };
    // HTTP/2 has `:authority` instead of `Host`.
    let authority = request.uri().authority();
    let authority = authority.map(|host| host.as_str().to_ascii_lowercase());
    let host = authority.or_else(|| text(headers, header::HOST));
    origin
        .split_once("://")
        .is_some_and(|(_, origin)| Some(origin) == host.as_deref())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap_or_default().to_ascii_lowercase())
}
