//! The ready-made routes.

use std::{future::ready, path::PathBuf};

use actix_web::{
    FromRequest, Handler, Resource, Responder,
    web::{self, ServiceConfig},
};

use super::{
    authorization_position::PositionSource,
    scripts::{respond_with_listeners, sse_client_js, sse_js},
    sse::Sse,
    subscription::Subscription,
};
use crate::config::Config;

pub(super) const STREAM_PATH: &str = "/sse/stream";
const CLIENT_PATH: &str = "/js/sse.js";
const LISTENERS_PATH: &str = "/js/sse-client.js";

/// Adds the stream and its scripts to an app.
///
/// | route | answer |
/// |---|---|
/// | `GET /sse/stream` | the events; see [`Subscription`](crate::Subscription) for the parameters |
/// | `GET /js/sse.js` | the client, embedded in this library |
/// | `GET /js/sse-client.js` | the app's listeners, from `js` in the app's [public folder](crate::Config::public_dir) |
///
/// The routes also answer HEAD, which opens no stream. The stream's route answers the preflight
/// requests of browsers for pages of `SSE_ALLOWED_ORIGINS` (see [`Sse::respond`]), and refuses requests
/// for hosts that are not allowed (see [`Sse::check_host`]). Other methods get 405, with the header
/// `Allow`.
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
/// The stream is public: every visitor receives every value that is saved without an audience. To protect
/// it, configure it in a scope behind your own authentication:
///
/// ```no_run
/// # use actix_web::{App, middleware::NormalizePath as Login, web};
/// let app = App::new()
///     .service(web::scope("/members").wrap(Login::trim()).configure(actix_web_sse::routes));
/// ```
///
/// In production, add [`on_connect`](crate::on_connect()), which disconnects clients that have vanished
/// or do not read.
///
/// The configuration is read from `.env` when the first worker starts, and edits take effect while the
/// app runs: see [`Config`](crate::Config). If it cannot be used at the start, the app [starts
/// anyway](Sse), and the stream answers 503 with the reason until the configuration is corrected.
///
/// At SIGTERM, the streams end, and the process ends within two seconds unless it has other requests
/// to complete. At Ctrl-C, actix-web cuts all connections; add
/// [`shutdown_signal`](crate::shutdown_signal()) to end the streams
/// in order there, too.
pub fn routes(app: &mut ServiceConfig) {
    Sse::from_env().configure(app);
}

/// Adds only the two scripts of [`routes`](crate::routes()), for an app with a stream controller of
/// its own.
pub fn scripts(app: &mut ServiceConfig) {
    app.service(get_or_head(CLIENT_PATH, sse_js))
        .service(get_or_head(LISTENERS_PATH, sse_client_js));
}

impl Sse {
    /// Adds the routes of [`routes`](crate::routes()), served by this `Sse`.
    pub fn configure(&self, app: &mut ServiceConfig) {
        let sse = self.clone();
        let stream = move |subscription: Subscription| ready(sse.respond(subscription));
        app.app_data(PositionSource(self.clone()));
        app.service(web::resource(STREAM_PATH).to(stream));
        self.scripts(app);
    }

    /// Adds only the two scripts of [`configure`](Self::configure), for an app with a stream controller of its own.
    pub fn scripts(&self, app: &mut ServiceConfig) {
        app.service(get_or_head(CLIENT_PATH, sse_js));
        let sse = self.clone();
        let listeners = move |request| respond_with_listeners(request, public_dir(&sse));
        app.service(get_or_head(LISTENERS_PATH, listeners));
    }
}

/// The folder of the public files. Before the streams have started, `.env` names it.
fn public_dir(sse: &Sse) -> impl FnOnce() -> PathBuf + Send + use<> {
    let (config, app_dir) = (sse.config(), sse.app_dir());
    move || match config {
        Ok(config) => config.public_dir().to_owned(),
        Err(_) => Config::public_dir_of_env(app_dir),
    }
}

/// Answers other methods with 405 and the header `Allow`, as a [`Resource`] does by itself if each of its
/// routes has one method.
fn get_or_head<H, Args>(path: &str, handler: H) -> Resource
where
    H: Handler<Args, Output: Responder>,
    Args: FromRequest + 'static,
{
    web::resource(path).get(handler.clone()).head(handler)
}
