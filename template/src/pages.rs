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

/// The practical example: an event that is triggered while a page is on its way. The answer sends the
/// browser on to the page, which hears the event although its stream opens later.
async fn order() -> impl Responder {
    let order = json!({"order": "placed while this page was on its way"});
    // Who has placed an order gets the page, whether or not others hear of it.
    if let Err(error) = cache().save("event_cache_key1", order).await {
        log::error!("nobody is told of the order: {error}");
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
