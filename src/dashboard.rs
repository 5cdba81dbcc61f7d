//! A page for operators: open streams, rates of events, delays, and the reason for each problem.
//!
//! The page is live over a stream of the library's own. While somebody watches, a thread saves the state once a second
//! in a second cache, which is in memory and has a hub of its own. While nobody watches, neither the cache nor the hub
//! exists, and the thread reads the counts every five seconds, so that a page that opens shows what happened before.

mod feed;
mod files;
mod history;
mod responses;
mod same_origin;
mod server;
mod state;
mod test_event;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    dev::{AppService, HttpServiceFactory},
    web::{self, Payload},
};

use self::{
    feed::Feed,
    files::FILES,
    responses::{protected, redirect_to_folder},
    test_event::TestEvents,
};
use crate::{
    error::Error,
    http::{Sse, Subscription, respond_with_file},
};

/// Where the page is, unless [`Dashboard::at`] moves it.
const DEFAULT_PATH: &str = "/dashboard";

/// A page that shows operators what happens: open streams, events, delays, gaps, the state of the cache, and the
/// configuration. [`Sse::dashboard`] returns it.
///
/// **Whoever can open the page can read it, and can send events.** It has no login of its own, so mount it behind the
/// guard of your app, or on a listener that only operators reach:
///
/// ```no_run
/// use actix_web::{
///     App, Error, HttpServer,
///     body::MessageBody,
///     dev::{ServiceRequest, ServiceResponse},
///     error::ErrorForbidden,
///     middleware::{Next, from_fn},
///     web,
/// };
/// use actix_web_sse::Sse;
///
/// # fn is_operator(_: &ServiceRequest) -> bool { false }
/// async fn operators_only(
///     request: ServiceRequest,
///     next: Next<impl MessageBody>,
/// ) -> Result<ServiceResponse<impl MessageBody>, Error> {
///     if !is_operator(&request) {
///         return Err(ErrorForbidden("this page is for operators"));
///     }
///     next.call(request).await
/// }
///
/// # #[actix_web::main] async fn main() -> std::io::Result<()> {
/// let sse = Sse::from_env();
/// HttpServer::new(move || {
///     let admin = web::scope("/admin").wrap(from_fn(operators_only));
///     App::new()
///         .configure(|app| sse.configure(app))
///         .service(admin.service(sse.dashboard()))        // the page is /admin/dashboard/
/// })
/// .bind(("127.0.0.1", 8080))?
/// .run()
/// .await
/// # }
/// ```
///
/// The page never shows names of audiences, and shows values only with [`show_values`](Self::show_values). It is
/// protected against framing and against requests of other sites, and refuses hosts as
/// [`Sse::check_host`] does. `docs/guides/dashboard.md` explains what it shows.
#[derive(Debug, Clone)]
pub struct Dashboard {
    sse: Sse,
    path: String,
    shows_values: bool,
    allows_test_events: bool,
}

impl Sse {
    /// Returns a page that shows operators what the streams of this `Sse` do. Mount it behind the guard of your app: see
    /// [`Dashboard`].
    #[must_use]
    pub fn dashboard(&self) -> Dashboard {
        Dashboard {
            sse: self.clone(),
            path: DEFAULT_PATH.to_owned(),
            shows_values: false,
            allows_test_events: true,
        }
    }
}

impl Dashboard {
    /// Sets the path of the page, within the scope that it is mounted in. Default: `/dashboard`.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        let path = path.trim_matches('/');
        self.path = match path {
            "" => String::new(),
            _ => format!("/{path}"),
        };
        self
    }

    /// Sets whether the list of recent events shows the beginnings of the values, which may be confidential. Default:
    /// `false`.
    #[must_use]
    pub fn show_values(mut self, shows_values: bool) -> Self {
        self.shows_values = shows_values;
        self
    }

    /// Sets whether the page has a form that sends a test event. Default: `true`.
    #[must_use]
    pub fn allow_test_events(mut self, allows_test_events: bool) -> Self {
        self.allows_test_events = allows_test_events;
        self
    }
}

impl HttpServiceFactory for Dashboard {
    fn register(self, config: &mut AppService) {
        let feed = Feed::of(&self.sse, self.shows_values, self.allows_test_events);
        let at = |name: &str| format!("{}/{name}", self.path);
        for file in FILES {
            let feed = Arc::clone(&feed);
            let respond = move |request: HttpRequest| {
                let result = feed.check_host(&request);
                let response =
                    result.map(|()| respond_with_file(&request, file.content_type, file.contents));
                std::future::ready(protected(response))
            };
            (web::resource(at(file.name)).get(respond.clone()))
                .head(respond)
                .register(config);
        }
        // After the page: outside a scope, the empty path is also `/`.
        let redirect_feed = Arc::clone(&feed);
        let redirect = move |request: HttpRequest| {
            let result = redirect_feed.check_host(&request);
            let response = result.map(|()| redirect_to_folder(&request));
            std::future::ready(protected(response))
        };
        (web::resource(self.path.as_str()).get(redirect.clone()))
            .head(redirect)
            .register(config);
        let snapshot_feed = Arc::clone(&feed);
        let snapshot = move |request: HttpRequest| {
            let json = (snapshot_feed.check_host(&request)).map(|()| snapshot_feed.snapshot());
            std::future::ready(protected(json.map(responses::json)))
        };
        web::resource(at("snapshot")).get(snapshot).register(config);
        let stream_feed = Arc::clone(&feed);
        let stream = move |request: HttpRequest, subscription: Subscription| {
            std::future::ready(protected(stream(&stream_feed, &request, subscription)))
        };
        web::resource(at("stream")).get(stream).register(config);
        if self.allows_test_events {
            let test_events = Arc::new(TestEvents::new(self.sse.clone()));
            let send = move |request: HttpRequest, payload: Payload| {
                let (test_events, feed) = (Arc::clone(&test_events), Arc::clone(&feed));
                async move {
                    match feed.check_host(&request) {
                        Ok(()) => protected(Ok(test_events.send(&request, payload).await)),
                        Err(error) => protected(Err(error)),
                    }
                }
            };
            web::resource(at("test-events")).post(send).register(config);
        }
    }
}

/// The stream of the states.
fn stream(
    feed: &Arc<Feed>,
    request: &HttpRequest,
    subscription: Subscription,
) -> Result<HttpResponse, Error> {
    feed.check_host(request)?;
    let refused = |error: &Error| responses::log_refusal(request, error);
    let states = feed.watch().inspect_err(refused)?;
    let response = states.respond(subscription.for_dashboard());
    Ok(response.respond_to(request))
}
