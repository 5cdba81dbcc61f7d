//! The app's own pages.

use actix_files::{Files, NamedFile};
use actix_web::{
    Responder,
    web::{self, ServiceConfig},
};
use actix_web_sse::{app_dir, cache};
use serde_json::json;

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/order", web::get().to(order))
        .service(Files::new("/", app_dir().join("public")).index_file("index.html"));
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
