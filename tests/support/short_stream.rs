//! A stream in the test's own process that lives for about a second, which is longer than any other request of the test.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use actix_web::{
    Responder,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    web::{self, Data},
};
use actix_web_sse::{Config, Sse, Subscription};

/// As streams end at different times, some end a little earlier.
const LIFE: Duration = Duration::from_secs(1);

/// Another request has ended by then.
pub const HALF_LIFE: Duration = Duration::from_millis(500);

pub const PATH: &str = "/sse/stream";

/// The app's folder, and its streams.
pub struct ShortStreams {
    sse: Data<Sse>,
    _folder: tempfile::TempDir,
}

impl ShortStreams {
    /// # Panics
    ///
    /// If the streams cannot start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let seconds = LIFE.as_secs();
        let env = format!("SSE_EVENTS=a:k\nSSE_STREAM_DURATION={seconds}\n");
        std::fs::write(folder.path().join(".env"), env).expect("the folder can be written");
        let config = Config::from_dir(folder.path()).expect("the configuration is valid");
        Self {
            sse: Data::new(Sse::new(&config).expect("the streams start")),
            _folder: folder,
        }
    }

    /// Adds the stream to an app.
    pub fn routes(&self, app: &mut web::ServiceConfig) {
        app.app_data(self.sse.clone())
            .service(web::resource(PATH).to(stream));
    }
}

async fn stream(sse: Data<Sse>, subscription: Subscription) -> impl Responder {
    sse.respond(subscription)
}

/// Reads the response to a request to its end, and returns how long that took.
///
/// # Panics
///
/// If the response is an error.
pub async fn read_all<S, R, B>(app: &S, request: R) -> Duration
where
    S: Service<R, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let start = Instant::now();
    let response = app.call(request).await;
    let response = response.expect("the app answers");
    assert!(response.status().is_success(), "{}", response.status());
    let mut body = pin!(response.into_body());
    while let Some(bytes) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
        assert!(bytes.is_ok(), "the body ends as planned");
    }
    start.elapsed()
}
