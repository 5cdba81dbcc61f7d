//! The stream controller: `GET /sse/stream`.
//!
//! It is yours to change: put a guard in front, choose the events by who asks, move the route.
//! `actix_web_sse::routes` is the same thing ready-made.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Cache, Config, Error, Sse, Subscription};

/// Opens the file cache that `.env` describes, and follows it: from here on, every value that is
/// saved there, by this program or any other, is sent to the clients.
///
/// The app runs without it, too: then the log says why, and the stream answers 503 with the reason.
pub(crate) fn open() -> Result<Sse, Error> {
    let follow = || {
        let config = Config::from_env()?;
        let cache = Cache::open(&config)?;
        Sse::follow(&cache)
    };
    follow().inspect_err(|error| {
        log::error!("Server-Sent Events are off: {error}");
        log::error!(
            "help: {}",
            error
                .help()
                .unwrap_or("see the documentation of actix-web-sse")
        );
    })
}

pub(crate) fn routes(app: &mut ServiceConfig, stream: Result<Sse, Error>) {
    app.app_data(Data::new(stream))
        .route("/sse/stream", web::get().to(controller))
        .route("/sse/stream", web::head().to(without_stream))
        .route(
            "/sse/stream",
            web::method(Method::OPTIONS).to(without_stream),
        );
}

/// Answers with a response that goes on: its body yields an event whenever there is one.
async fn controller(
    request: HttpRequest,
    stream: Data<Result<Sse, Error>>,
) -> Result<impl Responder, Error> {
    let sse = stream.as_ref().as_ref().map_err(Clone::clone)?;
    let asked = request.uri();
    Ok(match open_stream(&request, sse) {
        Ok(answer) => {
            log::info!("GET {asked}: a stream opens");
            answer
        }
        Err(error) => {
            log::warn!("GET {asked}: {error}");
            sse.refusal(&request, &error)
        }
    })
}

fn open_stream(request: &HttpRequest, sse: &Sse) -> Result<HttpResponse, Error> {
    // Who asks for what: `?events=a,b`, and where a client that returns goes on. Here is the place
    // to look at the session, and to give this client `.only(["event_name1"])`.
    let subscription = Subscription::from_request(request)?;
    let events = sse.open(subscription)?;

    // 200 with `Content-Type: text/event-stream`, what keeps proxies from holding the stream back,
    // and what lets in the pages of SSE_ALLOWED_ORIGINS. Add headers of your own before the body.
    Ok(sse.response(request).body(events))
}

/// What `curl -I` asks for, how a stream would begin; and what browsers ask before a page of
/// SSE_ALLOWED_ORIGINS returns with its last id. Neither opens a stream.
async fn without_stream(
    request: HttpRequest,
    stream: Data<Result<Sse, Error>>,
) -> Result<impl Responder, Error> {
    let sse = stream.as_ref().as_ref().map_err(Clone::clone)?;
    Ok(sse.respond(&request))
}
