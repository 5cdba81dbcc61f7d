//! The app's own pages, and what they ask the server for.

use actix_files::{Files, NamedFile};
use actix_web::{
    HttpResponse, Responder,
    error::ErrorNotFound,
    web::{self, Json, Path, ServiceConfig},
};
use actix_web_sse::{Config, app_dir, cache};
use serde_json::{Value, json};

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/info", web::get().to(info))
        .route("/trigger/{event}", web::post().to(trigger))
        .route("/order", web::get().to(order))
        .service(Files::new("/", app_dir().join("public")).index_file("index.html"));
}

/// What the page shows: the events, and where a shell can trigger them.
async fn info() -> Result<impl Responder, actix_web::Error> {
    let config = web::block(Config::from_env).await??;
    let events: Vec<Value> = config
        .events()
        .iter()
        .map(|(event, key)| json!({"event": event, "key": key}))
        .collect();
    Ok(Json(json!({"cache": config.cache_dir(), "events": events})))
}

/// A button was pressed: saves what it sends under the event's cache key.
async fn trigger(
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

/// The practical example: an event that is triggered while a page is served. The page hears it,
/// although its stream opens later.
async fn order() -> Result<impl Responder, actix_web::Error> {
    let page = web::block(|| NamedFile::open(app_dir().join("public/order.html"))).await??;
    let order = json!({"order": "placed while this page was served"});
    // Who has placed an order gets the page, whether or not others hear of it.
    if let Err(error) = cache().save("event_cache_key1", order).await {
        log::error!("nobody is told of the order: {error}");
    }
    Ok::<_, actix_web::Error>(page)
}
