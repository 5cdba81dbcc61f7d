//! The endpoints behind the buttons of the start page: they list the events and trigger them. Only a
//! browser on the app's own machine may use them, because they reveal the path of a folder and can
//! send anything to every client. `DEV_TOOLS=off` in `.env` turns them off.

use std::{
    future::{Ready, ready},
    io,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder,
    dev::Payload,
    error::ErrorNotFound,
    http::header,
    web::{self, Data, Json, Path, ServiceConfig},
};
use actix_web_sse::{Config, Sse, cache, is_local};
use serde_json::{Value, json, value::RawValue};

const NOT_FOUND: &str = "error: the development tools are not available for this request\n\
    help: use a browser on the app's own machine, without a proxy, and DEV_TOOLS=on in .env; \
    or trigger an event without them: sse save KEY VALUE\n";

/// The setting `DEV_TOOLS`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DevTools {
    On,
    Off,
}

impl DevTools {
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

/// A handler with this parameter answers 404 unless the tools are on and the request comes straight from
/// this machine.
struct ToolsAllowed;

impl FromRequest for ToolsAllowed {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_on = request.app_data() == Some(&DevTools::On);
        ready(match is_on && is_local(request) {
            true => Ok(Self),
            false => Err(ErrorNotFound(NOT_FOUND)),
        })
    }
}

pub(crate) fn routes(app: &mut ServiceConfig, tools: DevTools) {
    app.app_data(tools)
        .service(web::resource("/info").get(info).head(info))
        .service(web::resource("/trigger/{key}").post(trigger));
}

/// Lists the events, each with the file that triggers it for the page's shell commands (`null` if files do not), and
/// what is wrong with an edit of `.env`. Until it is corrected, the app and these tools use the previous values.
async fn info(_: ToolsAllowed, sse: Data<Sse>) -> Result<impl Responder, actix_web::Error> {
    let config = sse.config()?;
    let error = web::block(Config::from_env).await?.err();
    let problem = error.map(|error| format!("error: {error:?}"));
    let events = config.events();
    let events: Vec<Value> = events
        .iter()
        .map(|(event, key)| {
            let file = config.drop_in_path(key);
            let file = file.map(|path| path.display().to_string());
            let private = events.is_private(key);
            json!({"event": event, "key": key, "file": file, "private": private})
        })
        .collect();
    let info = Json(json!({"events": events, "problem": problem}));
    Ok(info
        .customize()
        .insert_header((header::CACHE_CONTROL, "no-store")))
}

/// Saves the value that a button sends, under its cache key. It stays as it was sent: `Value` would sort its keys.
async fn trigger(
    _: ToolsAllowed,
    sse: Data<Sse>,
    key: Path<String>,
    value: Json<Box<RawValue>>,
) -> Result<impl Responder, actix_web::Error> {
    if !sse
        .config()?
        .events()
        .keys()
        .any(|known| known == key.as_str())
    {
        let error = format!("SSE_EVENTS does not contain the cache key `{key}`");
        return Err(ErrorNotFound(error));
    }
    cache().save(key.as_str(), value.into_inner()).await?;
    Ok(HttpResponse::NoContent())
}
