//! The handler for the stream: `GET /sse/stream`.
//!
//! Change it as you like: put the stream behind your authentication, choose the events for each user, or move
//! the route. `actix_web_sse::routes` provides the same stream without any of this code.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Error, Sse, Subscription, cache, log_stream};

/// The stream of this app, or the reason why it could not start.
#[derive(Clone)]
pub(crate) struct Stream(Result<Sse, Error>);

impl Stream {
    /// Opens the file cache that `.env` describes, and follows it: from now on, clients receive every value
    /// that this program or any other saves there.
    ///
    /// If that fails, the app starts nevertheless. The log has the reason, and the stream answers 503.
    pub(crate) fn open() -> Self {
        Self(Sse::follow(cache()).inspect_err(log_failure))
    }

    pub(crate) fn sse(&self) -> Result<&Sse, Error> {
        self.0.as_ref().map_err(Error::clone)
    }
}

fn log_failure(error: &Error) {
    let help = error
        .help()
        .unwrap_or("see the documentation of actix-web-sse");
    log::error!("live notifications are unavailable: {error}");
    log::error!("help: {help}");
}

pub(crate) fn routes(app: &mut ServiceConfig, stream: Stream) {
    app.app_data(Data::new(stream)).service(
        web::resource("/sse/stream")
            .get(serve_stream)
            .head(serve_stream)
            .route(web::method(Method::OPTIONS).to(preflight)),
    );
}

/// Answers with a response whose body stays open, and yields events as they are saved. HEAD, which `curl -I`
/// sends, gets its headers alone.
async fn serve_stream(request: HttpRequest, stream: Data<Stream>) -> Result<impl Responder, Error> {
    let sse = stream.sse()?;
    let response = open_stream(&request, sse);
    log_stream(&request, &response);
    Ok(response.unwrap_or_else(|error| sse.refusal(&request, &error)))
}

fn open_stream(request: &HttpRequest, sse: &Sse) -> Result<HttpResponse, Error> {
    // What the client asks for: `?events=a,b`, and the last event id to resume after. To limit a client to
    // some events, read its session here, and add `.only(["event_name1"])`.
    let subscription = Subscription::from_request(request)?;
    let events = sse.open(subscription)?;

    // 200 with `Content-Type: text/event-stream`, headers against buffering proxies, and CORS headers for
    // SSE_ALLOWED_ORIGINS. Add your own headers with `response.headers_mut()`.
    Ok(sse.response(request, events))
}

/// Answers OPTIONS, which browsers send before a page of SSE_ALLOWED_ORIGINS reconnects with its last event
/// id. This opens no stream.
async fn preflight(request: HttpRequest, stream: Data<Stream>) -> Result<impl Responder, Error> {
    Ok(stream.sse()?.respond(&request))
}
