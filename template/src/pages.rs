//! The app's own pages.

use actix_files::{Files, NamedFile};
use actix_web::{
    HttpResponse, Responder,
    http::header,
    web::{self, ServiceConfig},
};
use actix_web_sse::{app_dir, cache};
use serde_json::json;

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/order", web::get().to(thank_you))
        .route("/order", web::post().to(order))
        .service(Files::new("/", app_dir().join("public")).index_file("index.html"));
}

/// An example from practice: saves a value, then redirects the browser to a page that receives the event,
/// although its stream opens later.
async fn order() -> impl Responder {
    let order = json!({"order": "placed while this page loaded"});
    // A notification that fails must not fail the order.
    if let Err(error) = cache().save("event_cache_key1", order).await {
        log::error!("cannot send the event for the order: {error}");
    }
    // With 303, reloading the page does not place the order again.
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/order"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

async fn thank_you() -> Result<impl Responder, actix_web::Error> {
    let page = web::block(|| NamedFile::open(app_dir().join("public/order.html"))).await??;
    Ok::<_, actix_web::Error>(page)
}
