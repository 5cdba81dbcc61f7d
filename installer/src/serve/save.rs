//! `POST /sse/save/{key}` and `POST /sse/revoke/{audience}`, for programs that share no disk with this server.
//!
//! The checks come in this order: the token, what the request says about the save, the value. Until the value has
//! arrived, a request takes nothing but its connection.

mod refusal;
mod request;
mod revocation;
mod token_file;
mod unread_body;
mod value;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_sse::cache::Save;
use actix_web_sse::cli_support::{KeyedSave, save_once};
use actix_web_sse::{Cache, Config, Error, EventId, Sse};
use serde_json::json;

use self::refusal::Refusal;
use self::request::{SaveRequest, bearer_token};
use self::revocation::revoke;
use self::token_file::{Denial, TokenFile};
use super::slots::{Slot, Slots};
use crate::commands::no_event_warning;
use crate::exit::Failure;

/// Each save takes a thread until it is done, which takes seconds while Redis is away. Saves in Redis that arrive
/// together are sent together, so more threads would not be faster.
const MAX_SAVES: usize = 32;

/// Each request that waits keeps its value in memory.
const MAX_WAITING: usize = 512;

/// About as long as a save may take.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Saves the values of requests. All workers share one, so its limits are those of the process.
#[derive(Clone)]
pub(super) struct Saver(Arc<Shared>);

struct Shared {
    sse: Sse,
    cache: Cache,
    token_file: TokenFile,
    slots: Slots,
}

impl Saver {
    /// Fails if the file has no usable token.
    pub(super) fn new(sse: &Sse, cache: &Cache, token_file: PathBuf) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Shared {
            sse: sse.clone(),
            cache: cache.clone(),
            token_file: TokenFile::open(token_file)?,
            slots: Slots::new(MAX_SAVES, MAX_WAITING),
        })))
    }
}

/// The routes of saves and revocations, which refuse every request if there is no saver.
pub(super) fn routes(app: &mut ServiceConfig, saver: Option<Saver>) {
    // A key has no slash. With one, or without a key, the error says so.
    let save_route = web::resource(["/sse/save", "/sse/save/{key:.*}"]);
    let revoke_route = web::resource(["/sse/revoke", "/sse/revoke/{audience:.*}"]);
    let Some(saver) = saver else {
        app.service(save_route.default_service(web::to(disabled)))
            .service(revoke_route.default_service(web::to(disabled)));
        return;
    };
    app.app_data(Data::new(saver))
        .service(save_route.post(save).default_service(web::to(wrong_method)))
        .service(
            revoke_route
                .post(revoke)
                .default_service(web::to(wrong_method)),
        );
}

async fn disabled(body: Payload) -> HttpResponse {
    Refusal::disabled().into_response(body)
}

async fn wrong_method(body: Payload) -> HttpResponse {
    Refusal::wrong_method().into_response(body)
}

async fn save(request: HttpRequest, saver: Data<Saver>, mut body: Payload) -> HttpResponse {
    match saver.0.save(&request, &mut body).await {
        Ok(saved) => saved,
        Err(refusal) => refusal.into_response(body),
    }
}

impl Shared {
    async fn save(
        &self,
        request: &HttpRequest,
        body: &mut Payload,
    ) -> Result<HttpResponse, Refusal> {
        self.check_token(request).await?;
        let save_request = SaveRequest::parse(request)?;
        let has_idempotency_key = save_request.idempotency_key.is_some();
        let refused = |error: Error| Refusal::of_save(&error, has_idempotency_key);
        let config = self.sse.config().map_err(refused)?;
        let body = value::read(request, body, config.max_value_bytes()).await?;
        let value = save_request.format.parse(&body)?;
        drop(body);

        let slot = self.slot().await?;
        let save = save_request.save_in(&self.cache, value);
        let idempotency_key = save_request.idempotency_key;
        let saved = web::block(move || {
            let _slot = slot;
            run(save, idempotency_key.as_deref())
        });
        // The pool of threads is closed only when the process ends.
        let saved = saved.await.map_err(|_| Refusal::busy())?.map_err(refused)?;
        match saved {
            KeyedSave::Saved(id) => Ok(created(id, &save_request.key, &config)),
            KeyedSave::Repeated(id) => Ok(answer(
                &mut HttpResponse::Ok(),
                &json!({"id": id.to_string()}),
            )),
            KeyedSave::Differs => Err(Refusal::other_save()),
        }
    }

    async fn check_token(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let token = bearer_token(request.headers()).ok_or_else(Refusal::no_token)?;
        let checked = self.token_file.check(token).await;
        checked.map_err(|denial| match denial {
            Denial::Wrong => Refusal::wrong_token(),
            Denial::NoToken => Refusal::unusable_token_file(),
        })
    }

    async fn slot(&self) -> Result<Slot, Refusal> {
        let slot = self.slots.acquire(MAX_WAIT).await;
        slot.ok_or_else(Refusal::busy)
    }
}

fn run(save: Save, idempotency_key: Option<&str>) -> Result<KeyedSave, Error> {
    match idempotency_key {
        Some(key) => save_once(save, key),
        None => save.blocking().map(KeyedSave::Saved),
    }
}

/// With a warning if the value triggers no event.
fn created(id: EventId, key: &str, config: &Config) -> HttpResponse {
    let id = id.to_string();
    let events = config.events();
    let body = match events.of_key(key).next() {
        Some(_) => json!({"id": id}),
        None => json!({"id": id, "warning": no_event_warning(key, events)}),
    };
    answer(&mut HttpResponse::Created(), &body)
}

fn answer(response: &mut actix_web::HttpResponseBuilder, body: &serde_json::Value) -> HttpResponse {
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}
