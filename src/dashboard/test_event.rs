//! Sends a test event.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
    web::Payload,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{responses, same_origin};
use crate::{
    config::{Config, Events},
    error::{Error, ErrorKind, excerpt},
    http::Sse,
};

/// What a request has besides its value: the key, the names of audiences, and JSON around them.
const MAX_OTHER_BYTES: usize = 32 * 1024;

/// What the form sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestEvent {
    key: String,
    value: Box<RawValue>,
    #[serde(default)]
    to: Vec<String>,
}

#[derive(Serialize)]
struct Saved {
    id: String,
    /// That the value triggers.
    events: Vec<String>,
}

/// Why nothing was saved.
#[derive(Serialize)]
struct Mistake<'a> {
    error: &'a str,
    help: Option<&'a str>,
}

pub(super) struct TestEvents {
    sse: Sse,
}

impl TestEvents {
    pub(super) fn new(sse: Sse) -> Self {
        Self { sse }
    }

    pub(super) async fn send(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        match self.try_send(request, payload).await {
            Ok(saved) => responses::json(saved),
            Err((status, error)) => {
                responses::log_refusal(request, &error);
                let message = error.to_string();
                let mistake = Mistake {
                    error: &message,
                    help: error.help(),
                };
                HttpResponse::build(status)
                    .insert_header((header::CACHE_CONTROL, "no-store"))
                    .json(mistake)
            }
        }
    }

    async fn try_send(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<String, (StatusCode, Error)> {
        let with_status = |error: Error| (error.status_code(), error);
        same_origin::check(request).map_err(with_status)?;
        check_content_type(request).map_err(|error| (StatusCode::UNSUPPORTED_MEDIA_TYPE, error))?;
        let config = self.sse.config().map_err(with_status)?;
        let body = read(payload, &config).await?;
        let event: TestEvent =
            serde_json::from_slice(&body).map_err(|error| with_status(not_an_event(&error)))?;
        check_key(&event.key, config.events()).map_err(with_status)?;
        let events = config.events().of_key(&event.key).map(str::to_owned);
        let events = events.collect();
        let mut save = self.sse.cache.save(event.key, event.value);
        if !event.to.is_empty() {
            save = save.to(event.to);
        }
        let id = save.await.map_err(with_status)?.to_string();
        // It fails only for maps with keys that are not text.
        Ok(serde_json::to_string(&Saved { id, events }).unwrap_or_default())
    }
}

/// A form of another site can send other types without asking the browser first.
fn check_content_type(request: &HttpRequest) -> Result<(), Error> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok());
    let essence = text
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Request, "the request is not JSON")
        .with_help("send the header `Content-Type: application/json`"))
}

async fn read(
    payload: Payload,
    config: &Config,
) -> Result<actix_web::web::Bytes, (StatusCode, Error)> {
    let limit = config.max_value_bytes().saturating_add(MAX_OTHER_BYTES);
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => {
            let message = format!("the request cannot be read: {error}");
            Err((
                StatusCode::BAD_REQUEST,
                Error::new(ErrorKind::Request, message),
            ))
        }
        Err(_) => {
            let bytes = config.max_value_bytes();
            let message = format!("the request is too large: a value may have {bytes} bytes");
            let error = Error::new(ErrorKind::Value, message).with_help("send a smaller value");
            Err((StatusCode::PAYLOAD_TOO_LARGE, error))
        }
    }
}

fn not_an_event(error: &serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Request,
        format!("the request is not a test event: {error}"),
    )
    .with_help(
        "send `{\"key\": \"orders\", \"value\": 42}`, with the list `\"to\"` for audiences if the value is private",
    )
}

/// Only keys of `SSE_EVENTS`: a value under another key would reach nobody.
fn check_key(key: &str, events: &Events) -> Result<(), Error> {
    if events.keys().any(|known| known == key) {
        return Ok(());
    }
    let message = format!(
        "the key `{}` triggers no event",
        excerpt(key).escape_debug()
    );
    let keys: Vec<_> = events.keys().collect();
    let help = format!("use a key of SSE_EVENTS: {}", keys.join(", "));
    Err(Error::new(ErrorKind::Key, message).with_help(help))
}
