//! The handler for the stream: `GET /sse/stream`.
//!
//! Change it as you like: put the stream behind your authentication, choose the events for each user, or move
//! the route. `actix_web_sse::routes` provides the same stream without any of this code.

use actix_web::{
    Responder,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Sse, Subscription, cache};

/// Opens the file cache that `.env` describes, and follows it: from now on, clients receive every value that
/// this program or any other saves there.
///
/// If that fails, the app starts nevertheless. The log has the reason, and the stream answers 503 with it until
/// the mistake is corrected.
pub(crate) fn open() -> Sse {
    Sse::from_cache(cache())
}

pub(crate) fn routes(app: &mut ServiceConfig, sse: &Sse) {
    app.app_data(Data::new(sse.clone()))
        .service(web::resource("/sse/stream").to(stream));
}

/// Responds to GET with a stream of events, which stays open, and otherwise with the reason why there is none;
/// to HEAD, which `curl -I` sends, with the headers alone; to OPTIONS, which browsers send before a page of
/// SSE_ALLOWED_ORIGINS reconnects; and to other methods with 405.
async fn stream(sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    // The subscription has what the client asks for: `?events=a,b`, and the last event id to resume after. To
    // limit a client to some events, read its session here, and add `.only(["event_name1"])`. To send it what is
    // saved for its user alone, add `.grant(format!("user:{id}"))`: see docs/guides/single-users.md of the library.
    sse.respond(subscription)
}
