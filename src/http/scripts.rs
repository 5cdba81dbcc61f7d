//! Serves the two scripts that browsers load.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    http::header::{self, EntityTag, IfNoneMatch},
    web,
};
use tracing::Level;

use crate::{
    client_files::client_files,
    config::{Config, app_dir},
    runtime::LimitedLog,
};

const SCRIPT_TYPE: &str = "text/javascript; charset=utf-8";

/// Without the path, which only the log names: visitors read this.
const NO_LISTENERS: &str = "error: the app has no js/sse-client.js in its folder of public files\n\
    help: create the file, or run `sse install` in the app's folder; if it is there, start the app in that folder \
    (if the app has a logger, its log names the file)\n";

/// Answers with the embedded client.
pub(super) async fn sse_js(request: HttpRequest) -> HttpResponse {
    let file = client_files().find(|file| file.name == "sse.js");
    let text = file.map_or("", |file| file.contents);
    respond_with_file(&request, SCRIPT_TYPE, text)
}

/// Answers with the listeners of the app whose `.env` applies to this process.
pub(super) async fn sse_client_js(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    respond_with_listeners(request, || Config::public_dir_of_env(app_dir())).await
}

/// Answers with the app's listeners. `public_dir` may read files.
pub(super) async fn respond_with_listeners(
    request: HttpRequest,
    public_dir: impl FnOnce() -> PathBuf + Send + 'static,
) -> Result<HttpResponse, actix_web::Error> {
    let read = web::block(|| {
        let path = public_dir().join("js/sse-client.js");
        fs::read(&path).map_err(|error| (error, path))
    })
    .await?;
    match read {
        Ok(text) => Ok(respond_with_file(&request, SCRIPT_TYPE, text)),
        Err((error, path)) => {
            static LOG: LimitedLog =
                LimitedLog::new(Level::ERROR, "requests for sse-client.js failed");
            LOG.log(|| format!("{}: {error}", path.display()));
            Ok(HttpResponse::NotFound()
                .content_type("text/plain; charset=utf-8")
                .body(NO_LISTENERS))
        }
    }
}

/// Answers with a file, or with 304 if the browser has it already.
pub(crate) fn respond_with_file(
    request: &HttpRequest,
    content_type: &'static str,
    contents: impl MessageBody + AsRef<[u8]> + 'static,
) -> HttpResponse {
    let tag = entity_tag(contents.as_ref());
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
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(contents)
}

fn entity_tag(contents: &[u8]) -> EntityTag {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    EntityTag::new_strong(format!("{:016x}", hasher.finish()))
}
