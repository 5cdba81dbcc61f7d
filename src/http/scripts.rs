//! Serves the two scripts that browsers load.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    http::header::{self, EntityTag, IfNoneMatch},
    web,
};
use log::Level;

use crate::{client_files::client_files, config::app_dir, runtime::LimitedLog};

/// Without the path, which only the log names: visitors read this.
const NO_LISTENERS: &str = "error: the app has no public/js/sse-client.js\n\
    help: create the file, or run `sse install` in the app's folder; if it is there, start the app in that folder \
    (if the app has a logger, its log names the file)\n";

/// Answers with the embedded client.
pub(super) async fn sse_js(request: HttpRequest) -> HttpResponse {
    let file = client_files().find(|file| file.name == "sse.js");
    let text = file.map_or("", |file| file.contents);
    respond(&request, text)
}

/// Answers with the app's listeners.
pub(super) async fn sse_client_js(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    let read = web::block(|| {
        let path = app_dir().join("public/js/sse-client.js");
        fs::read(&path).map_err(|error| (error, path))
    })
    .await?;
    match read {
        Ok(text) => Ok(respond(&request, text)),
        Err((error, path)) => {
            static LOG: LimitedLog =
                LimitedLog::new(Level::Error, "requests for sse-client.js failed");
            LOG.log(|| format!("{}: {error}", path.display()));
            Ok(HttpResponse::NotFound()
                .content_type("text/plain; charset=utf-8")
                .body(NO_LISTENERS))
        }
    }
}

/// Answers with the script, or with 304 if the browser has it already.
fn respond(
    request: &HttpRequest,
    script: impl MessageBody + AsRef<[u8]> + 'static,
) -> HttpResponse {
    let tag = entity_tag(script.as_ref());
    let is_cached = match request.get_header() {
        Some(IfNoneMatch::Any) => true,
        // "A recipient MUST use the weak comparison function when comparing entity tags for
        // If-None-Match" (RFC 9110, 13.1.2): a proxy that compresses may have weakened it.
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|cached| tag.weak_eq(cached)),
        None => false,
    };
    let mut response = if is_cached {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        // The browser asks each time, because a stale client would not match the updated app.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::ETAG, tag.to_string()));
    if is_cached {
        return response.finish();
    }
    response
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(script)
}

fn entity_tag(script: &[u8]) -> EntityTag {
    let mut hasher = DefaultHasher::new();
    script.hash(&mut hasher);
    EntityTag::new_strong(format!("{:016x}", hasher.finish()))
}
