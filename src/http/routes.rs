//! The ready-made routes: the stream, and the two scripts that browsers load.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
    time::Instant,
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Route,
    body::MessageBody,
    guard,
    http::header::{self, EntityTag, IfNoneMatch},
    web::{self, ServiceConfig},
};

use super::{
    host_check::public_reason,
    lazy_sse::Shared,
    signals::shutdown_requested,
    sse::{Sse, end_streams},
};
use crate::{client_files::client_files, config::app_dir, error::Error};

/// Adds the stream and its scripts to an app:
///
/// | route | |
/// |---|---|
/// | `GET /sse/stream` | the events, see [`Subscription`](crate::Subscription) for its parameters |
/// | `GET /js/sse.js` | the client, embedded in this library |
/// | `GET /js/sse-client.js` | the app's listeners, from `public/js` in the app's folder |
///
/// They answer HEAD as well, and the stream then does not open. The stream also answers the preflight
/// requests of browsers, for pages of `SSE_ALLOWED_ORIGINS` (see [`Sse::respond`]), and refuses requests
/// for hosts that are not allowed (see [`Sse::check_host`]).
///
/// ```no_run
/// use actix_web::{App, HttpServer};
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// HttpServer::new(|| App::new().configure(actix_web_sse::routes))
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await
/// # }
/// ```
///
/// The stream is public: every visitor receives every value of every key in `SSE_EVENTS`. To put
/// it behind a guard of yours, configure it in a scope:
///
/// ```no_run
/// # use actix_web::{App, middleware::NormalizePath as Guard, web};
/// let app = App::new()
///     .service(web::scope("/members").wrap(Guard::trim()).configure(actix_web_sse::routes));
/// ```
///
/// In production, add [`on_connect`](crate::on_connect()), which ends the connections of clients that
/// have gone or do not read.
///
/// The configuration is read from `.env` when the first worker starts, and followed from then on: see
/// [`Config`](crate::Config). When it cannot be used at the start, the app starts all the same, the log
/// (standard error, where the app has none) says why, and the stream answers 503 with the reason until
/// it is mended.
///
/// At SIGTERM the streams end, and so does the process within two
/// seconds, if it has no other requests to complete. Ctrl-C makes actix-web cut off all connections;
/// with [`shutdown_signal`] streams end in order there, too.
pub fn routes(app: &mut ServiceConfig) {
    let shared = Shared::of_this_process();
    // What is wrong is said now; nobody may ask for a stream for a long time.
    let _ = shared.start(Instant::now());
    let stream = move |request: HttpRequest| async move {
        match shared.get().await {
            Ok(sse) => Ok::<_, Error>(sse.respond(&request)),
            Err(error) => Err(public_reason(&request, error)),
        }
    };
    app.route("/sse/stream", listening().to(stream));
    scripts(app);
}

/// The same as [`Sse::shutdown_signal`], for apps that have their streams from [`routes`]:
///
/// ```no_run
/// use actix_web::{App, HttpServer};
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// HttpServer::new(|| App::new().configure(actix_web_sse::routes))
///     .shutdown_signal(actix_web_sse::shutdown_signal())
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await
/// # }
/// ```
pub async fn shutdown_signal() {
    let signal = shutdown_requested().await;
    end_streams(signal, Shared::of_this_process().started()).await;
}

/// Adds the two scripts of [`routes`], for apps that have a stream controller of their own.
pub fn scripts(app: &mut ServiceConfig) {
    app.route("/js/sse.js", reading().to(client))
        .route("/js/sse-client.js", reading().to(listeners));
}

/// GET, and HEAD: the same answer without its body, which `curl -I` asks for.
fn reading() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What [`reading`] takes, and OPTIONS, with which browsers ask for pages of other origins.
fn listening() -> Route {
    web::route().guard(
        guard::Any(guard::Get())
            .or(guard::Head())
            .or(guard::Options()),
    )
}

impl Sse {
    /// Adds the routes of [`routes`](crate::routes()), served by this `Sse`.
    pub fn configure(&self, app: &mut ServiceConfig) {
        let sse = self.clone();
        let stream = move |request: HttpRequest| std::future::ready(sse.respond(&request));
        app.route("/sse/stream", listening().to(stream));
        scripts(app);
    }
}

async fn client(request: HttpRequest) -> HttpResponse {
    let file = client_files().find(|file| file.name == "sse.js");
    let text = file.map_or("", |file| file.contents);
    script(&request, text)
}

async fn listeners(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    let read = web::block(|| {
        let path = app_dir().join("public/js/sse-client.js");
        std::fs::read(&path).map_err(|error| (error, path))
    })
    .await?;
    match read {
        Ok(text) => Ok(script(&request, text)),
        Err((error, path)) => {
            if error.kind() != io::ErrorKind::NotFound {
                log::error!("{}: {error}", path.display());
            }
            Ok(HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body(
                "error: the app has no public/js/sse-client.js\nhelp: run `sse install` in the app's folder\n",
            ))
        }
    }
}

/// The text, or 304 if the browser has it already.
fn script(request: &HttpRequest, text: impl MessageBody + AsRef<[u8]> + 'static) -> HttpResponse {
    let mut hasher = DefaultHasher::new();
    text.as_ref().hash(&mut hasher);
    let tag = EntityTag::new_strong(format!("{:016x}", hasher.finish()));
    let is_known = match request.get_header() {
        Some(IfNoneMatch::Any) => true,
        // "A recipient MUST use the weak comparison function when comparing entity tags for
        // If-None-Match" (RFC 9110, 13.1.2): a proxy that compresses may have weakened it.
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| tag.weak_eq(known)),
        None => false,
    };
    let mut response = match is_known {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        // It changes with the app; a stale one would be worse than another request.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::ETAG, tag.to_string()));
    if is_known {
        return response.finish();
    }
    response
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}
