//! Development tools of the starter page: which events there are, and a button for each. Only a browser
//! on the app's own machine gets them, because they show where the cache folder is and send anything to
//! every client. `DEV_TOOLS=off` in `.env` turns them off.

use std::{
    future::{Ready, ready},
    io,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    dev::Payload,
    error::ErrorNotFound,
    http::header,
    web::{self, Json, Path, ServiceConfig},
};
use actix_web_sse::{Config, cache, is_local};
use serde_json::{Value, json};

const ABSENT: &str = "error: there are no development tools here\n\
    help: they are for a browser on the app's own machine, where no proxy is in between and DEV_TOOLS \
    in .env is not `off`; to send an event, save a value: sse save KEY VALUE\n";

/// Whether there are any.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DevTools {
    On,
    Off,
}

impl DevTools {
    /// Reads `DEV_TOOLS`.
    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(io::Error::other(format!(
                "DEV_TOOLS is neither `on` nor `off`: `{text}`\n\
                 help: write DEV_TOOLS=off or DEV_TOOLS=on in .env"
            ))),
        }
    }
}

/// As a parameter of a handler: answers 404 unless the tools are there for this request.
struct Allowed;

impl FromRequest for Allowed {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_on = request.app_data() == Some(&DevTools::On);
        ready(match is_on && is_local(request) {
            true => Ok(Self),
            false => Err(ErrorNotFound(ABSENT)),
        })
    }
}

pub(crate) fn routes(app: &mut ServiceConfig, tools: DevTools) {
    app.app_data(tools)
        .route("/info", web::get().to(info))
        .route("/trigger/{event}", web::post().to(trigger));
}

/// What the page shows: the events, and where a shell can trigger them.
async fn info(_: Allowed) -> Result<impl Responder, actix_web::Error> {
    let config = web::block(Config::from_env).await??;
    let events: Vec<Value> = config
        .events()
        .iter()
        .map(|(event, key)| json!({"event": event, "key": key}))
        .collect();
    let info = Json(json!({"cache": config.cache_dir(), "events": events}));
    Ok(info
        .customize()
        .insert_header((header::CACHE_CONTROL, "no-store")))
}

/// A button was pressed: saves what it sends under the event's cache key.
async fn trigger(
    _: Allowed,
    event: Path<String>,
    value: Json<Value>,
) -> Result<impl Responder, actix_web::Error> {
    let config = web::block(Config::from_env).await??;
    let (_, key) = config
        .events()
        .iter()
        .find(|(name, _)| **name == **event)
        .ok_or_else(|| ErrorNotFound(format!("there is no event `{event}`")))?;
    cache().save(key, value.into_inner()).await?;
    Ok(HttpResponse::NoContent())
}
