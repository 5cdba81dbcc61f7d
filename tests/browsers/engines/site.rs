//! The page that the tabs open, and a stream whose visitors receive what their cookie permits.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::header,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Config, Sse, Subscription};
use support::{HalfClosed, LocalServer};

/// A page may load everything from its own origin only, and run no text as code.
const POLICY: &str = "default-src 'self'";

const PROBE_PAGE: &str = include_str!("probe.html");
const PROBE_SCRIPT: &str = include_str!("probe.js");

pub(crate) struct Site(LocalServer);

impl Site {
    /// Streams end often, and clients notice within two seconds that one is dead.
    pub(crate) fn start() -> Self {
        Self::with(|config| {
            config
                .with_heartbeat(Duration::from_secs(1))
                .with_stream_duration(Duration::from_secs(3))
                .with_ttl(Duration::from_secs(600))
        })
    }

    /// Clients keep their streams, and with them what their cookies permitted when they connected.
    pub(crate) fn with_lasting_streams() -> Self {
        Self::with(|config| config.with_stream_duration(Duration::ZERO))
    }

    fn with(configure: impl FnOnce(Config) -> Config) -> Self {
        Self(LocalServer::start(
            HalfClosed::Stays,
            "a:a,b:b,c:c",
            |config, _| configure(config),
            routes,
        ))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.0.url(path)
    }

    pub(crate) fn address(&self) -> &str {
        self.0.address()
    }

    /// Waits until this many streams are open.
    #[track_caller]
    pub(crate) fn has_streams(&self, count: usize) {
        self.0.wait_for_streams(count);
    }

    pub(crate) fn save(&self, key: &str, value: usize) {
        self.0.cache.save_blocking(key, value).unwrap();
    }
}

fn routes(app: &mut ServiceConfig, sse: &Sse) {
    actix_web_sse::scripts(app);
    app.app_data(Data::new(sse.clone()))
        .route("/sse/stream", web::get().to(stream))
        .configure(pages);
}

/// Serves the page at every other address.
pub(super) fn pages(app: &mut ServiceConfig) {
    app.route("/probe.js", web::get().to(script))
        .default_service(web::get().to(page));
}

async fn stream(
    request: HttpRequest,
    sse: Data<Sse>,
    mut subscription: Subscription,
) -> impl Responder {
    if let Some(visitor) = visitor(&request) {
        subscription = subscription.only([visitor]);
    }
    sse.respond(subscription)
}

/// The visitor who is logged in, by the one cookie of this site.
fn visitor(request: &HttpRequest) -> Option<&str> {
    let cookie = request.headers().get(header::COOKIE)?;
    cookie.to_str().ok()?.strip_prefix("visitor=")
}

async fn script() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/javascript")
        .body(PROBE_SCRIPT)
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .content_type("text/html; charset=utf-8")
        .body(PROBE_PAGE)
}
