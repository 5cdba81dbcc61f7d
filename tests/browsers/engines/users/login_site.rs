//! An app whose users log in with a cookie or a token, and receive what was saved for them.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    error::{ErrorInternalServerError, ErrorUnauthorized},
    http::header,
    middleware::from_fn,
    web::{self, Data, Path, ServiceConfig},
};
use actix_web_sse::{Cache, Sse, Subscription, track_authorization};
use support::{HalfClosed, LocalServer};

use super::super::site;

/// The orders, and who may see them.
const OWNERS: [(&str, &str); 2] = [("order:42", "anne"), ("order:43", "bob")];

/// A page without a client.
const IDLE_PAGE: &str = "<!doctype html><title>Idle</title>";

pub(super) struct LoginSite {
    server: LocalServer,
    sessions: Data<Sessions>,
}

#[derive(Default)]
struct Sessions {
    /// The users who are logged in, by the token of their session.
    users: Mutex<HashMap<String, String>>,
    /// The requests for a stream without a session.
    refused: AtomicUsize,
}

impl Sessions {
    fn begin(&self, user: &str) -> String {
        let token = format!("{:032x}", fastrand::u128(..));
        self.users().insert(token.clone(), user.to_owned());
        token
    }

    fn end_all_of(&self, user: &str) {
        self.users().retain(|_, other| other != user);
    }

    fn user(&self, request: &HttpRequest) -> Option<String> {
        let token = secret(request, header::AUTHORIZATION, "Bearer ")
            .or_else(|| secret(request, header::COOKIE, "session="))?;
        self.users().get(token).cloned()
    }

    fn users(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn secret<'a>(request: &'a HttpRequest, name: header::HeaderName, prefix: &str) -> Option<&'a str> {
    let value = request.headers().get(name)?;
    value.to_str().ok()?.strip_prefix(prefix)
}

impl LoginSite {
    /// A page receives nothing from before its stream, except what it asks for.
    pub(super) fn start() -> Self {
        let sessions = Data::new(Sessions::default());
        let shared = sessions.clone();
        let server = LocalServer::start(
            HalfClosed::Closes,
            "a:a,b:b",
            |config, _| {
                config
                    .with_lookback(Duration::ZERO)
                    .with_retry(Duration::from_millis(100))
                    .with_ttl(Duration::from_secs(600))
            },
            move |app, sse| routes(app, sse, &shared),
        );
        Self { server, sessions }
    }

    pub(super) fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// Begins a session of a program that sends a token instead of a cookie.
    pub(super) fn token(&self, user: &str) -> String {
        self.sessions.begin(user)
    }

    #[track_caller]
    pub(super) fn save(&self, key: &str, value: usize, audience: &str) {
        let save = self.server.cache.save(key, value).to(audience);
        save.blocking().unwrap();
    }

    /// Waits until this many streams are open.
    #[track_caller]
    pub(super) fn has_streams(&self, count: usize) {
        self.server.wait_for_streams(count);
    }

    #[track_caller]
    pub(super) fn revoke(&self, audience: &str) {
        self.server.cache.revoke_blocking(audience).unwrap();
    }

    /// How many requests for a stream had no session.
    pub(super) fn refused(&self) -> usize {
        self.sessions.refused.load(Ordering::SeqCst)
    }
}

fn routes(app: &mut ServiceConfig, sse: &Sse, sessions: &Data<Sessions>) {
    let cache = Cache::open(&sse.config().unwrap()).unwrap();
    actix_web_sse::scripts(app);
    app.app_data(Data::new(sse.clone()))
        .app_data(Data::new(cache))
        .app_data(sessions.clone())
        .service(
            web::resource("/sse/stream")
                .wrap(from_fn(track_authorization))
                .get(stream),
        )
        .route("/login/{user}", web::get().to(log_in))
        .route("/logout", web::post().to(log_out))
        .route("/idle", web::get().to(idle))
        .configure(site::pages);
}

/// Replaces the user of the browser.
async fn log_in(user: Path<String>, sessions: Data<Sessions>) -> HttpResponse {
    let cookie = format!("session={}; Path=/; HttpOnly", sessions.begin(&user));
    HttpResponse::SeeOther()
        .insert_header((header::SET_COOKIE, cookie))
        .insert_header((header::LOCATION, "/idle"))
        .finish()
}

/// Ends the sessions first, so that none of them opens another stream after the revocation.
async fn log_out(
    request: HttpRequest,
    cache: Data<Cache>,
    sessions: Data<Sessions>,
) -> actix_web::Result<HttpResponse> {
    if let Some(user) = sessions.user(&request) {
        sessions.end_all_of(&user);
        let revoked = cache.revoke(format!("user:{user}")).await;
        revoked.map_err(ErrorInternalServerError)?;
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn idle() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(IDLE_PAGE)
}

async fn stream(
    request: HttpRequest,
    sse: Data<Sse>,
    sessions: Data<Sessions>,
    subscription: Subscription,
) -> actix_web::Result<impl Responder> {
    let Some(user) = sessions.user(&request) else {
        sessions.refused.fetch_add(1, Ordering::SeqCst);
        return Err(ErrorUnauthorized("log in first"));
    };
    let asked: Vec<String> = subscription.asked().map(str::to_owned).collect();
    let owned = asked
        .into_iter()
        .filter(|name| OWNERS.contains(&(name.as_str(), user.as_str())));
    let subscription = owned.fold(subscription, Subscription::grant);
    Ok(sse.respond(subscription.grant(format!("user:{user}"))))
}
