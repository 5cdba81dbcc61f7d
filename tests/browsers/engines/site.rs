//! A server in this process, so that a test can count its streams.

use std::{
    sync::mpsc::channel,
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder,
    dev::ServerHandle,
    http::header,
    middleware::DefaultHeaders,
    rt::System,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Cache, Config, Error, Sse, Subscription};
use support::until;
use tempfile::TempDir;

/// Everything a page needs comes from its own origin, and no text is run as code.
const POLICY: &str = "default-src 'self'";

const PROBE_PAGE: &str = include_str!("probe.html");
const PROBE_SCRIPT: &str = include_str!("probe.js");

pub(crate) struct Site {
    pub(crate) cache: Cache,
    sse: Sse,
    address: String,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Site {
    /// Streams that end often, and whose clients notice within two seconds that one is dead.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "a:a,b:b,c:c").unwrap();
        let config = config
            .with_heartbeat(Duration::from_secs(1))
            .with_stream_duration(Duration::from_secs(3))
            .with_ttl(Duration::from_secs(600));
        let cache = Cache::open(&config).unwrap();
        let sse = Sse::follow(&cache).unwrap();
        let (sender, receiver) = channel();
        let thread = thread::spawn({
            let sse = sse.clone();
            move || {
                System::new().block_on(async move {
                    let server = HttpServer::new(move || {
                        let policy = (header::CONTENT_SECURITY_POLICY, POLICY);
                        App::new()
                            .wrap(DefaultHeaders::new().add(policy))
                            .configure(|app| routes(app, &sse))
                    })
                    .workers(1)
                    .disable_signals()
                    .bind(("127.0.0.1", 0))
                    .unwrap();
                    let address = server.addrs()[0].to_string();
                    let server = server.run();
                    sender.send((address, server.handle())).unwrap();
                    server.await.unwrap();
                });
            }
        });
        let (address, server) = receiver.recv().unwrap();
        Self {
            cache,
            sse,
            address,
            server,
            thread: Some(thread),
            _dir: dir,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until so many streams are open.
    #[track_caller]
    pub(crate) fn has_streams(&self, count: usize) {
        until(&format!("{count} streams are open"), || {
            (self.sse.stats().connections == count).then_some(())
        });
    }

    pub(crate) fn save(&self, key: &str, value: usize) {
        self.cache.save_blocking(key, value).unwrap();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Nobody waits for it: the thread ends when it has stopped.
        drop(self.server.stop(false));
        drop(self.sse.close());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The page at every address, its script, the client, and a stream whose visitors hear what their
/// cookie lets them.
fn routes(app: &mut ServiceConfig, sse: &Sse) {
    actix_web_sse::scripts(app);
    app.app_data(Data::new(sse.clone()))
        .route("/sse/stream", web::get().to(stream))
        .route("/probe.js", web::get().to(script))
        .default_service(web::get().to(page));
}

async fn stream(request: HttpRequest, sse: Data<Sse>) -> Result<impl Responder, Error> {
    let mut subscription = Subscription::from_request(&request)?;
    if let Some(visitor) = visitor(&request) {
        subscription = subscription.only([visitor]);
    }
    let events = sse.open(subscription)?;
    Ok(sse.response(&request).body(events))
}

/// Who is logged in, by the one cookie that there is.
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
        .content_type("text/html; charset=utf-8")
        .body(PROBE_PAGE)
}
