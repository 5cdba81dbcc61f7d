//! A stream lives for minutes. Its life stays out of an app's histogram of latencies and out of the spans of its
//! requests, if the app sets up its middleware as the guide about tracing says. The middleware is the real one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpResponse,
    test::{TestRequest, call_and_read_body, init_service},
    web,
};
use actix_web_prom::PrometheusMetricsBuilder;
use support::short_stream::{HALF_LIFE, PATH, ShortStreams, read_all};
use tracing::{Subscriber, span};
use tracing_actix_web::TracingLogger;
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

macro_rules! get {
    ($path:expr) => {
        TestRequest::with_uri($path).to_request()
    };
}

/// The exposition after a stream and another request have ended.
async fn exposition(
    set_up: impl Fn(PrometheusMetricsBuilder) -> PrometheusMetricsBuilder,
) -> String {
    let streams = ShortStreams::start();
    let builder = PrometheusMetricsBuilder::new("app").endpoint("/metrics");
    let builder = builder.buckets(&[HALF_LIFE.as_secs_f64()]);
    let app = App::new()
        .wrap(set_up(builder).build().unwrap())
        .configure(|app| streams.routes(app))
        .route("/", web::get().to(HttpResponse::Ok));
    let app = init_service(app).await;
    read_all(&app, get!("/")).await;
    assert!(read_all(&app, get!(PATH)).await > HALF_LIFE);
    let metrics = call_and_read_body(&app, TestRequest::with_uri("/metrics").to_request()).await;
    String::from_utf8(metrics.to_vec()).unwrap()
}

/// How many requests of this path there were, and how many of them took no longer than half the life of a stream.
fn latencies(exposition: &str, path: &str) -> [u64; 2] {
    ["+Inf", "0.5"].map(|bound| {
        let marks = [format!("endpoint=\"{path}\""), format!("le=\"{bound}\"")];
        let mut lines = exposition.lines();
        let line = lines.find(|line| marks.iter().all(|mark| line.contains(mark)));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    })
}

#[actix_web::test]
async fn actix_web_prom_excludes_the_stream() {
    let excluded = exposition(|builder| builder.exclude(PATH)).await;
    assert_eq!(latencies(&excluded, "/")[0], 1, "{excluded}");
    assert_eq!(latencies(&excluded, PATH), [0, 0], "{excluded}");
    // Without that, the life of the stream is a latency.
    let included = exposition(|builder| builder).await;
    assert_eq!(latencies(&included, PATH), [1, 0], "{included}");
}

/// How long the spans of requests lived.
#[derive(Clone, Default)]
struct Lives(Arc<Mutex<Vec<Duration>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lives {
    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        context
            .span(id)
            .unwrap()
            .extensions_mut()
            .insert(Instant::now());
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        if span.name() == "HTTP request" {
            let life = span.extensions().get::<Instant>().unwrap().elapsed();
            self.0.lock().unwrap().push(life);
        }
    }
}

#[actix_web::test]
async fn tracing_actix_web_is_on_a_scope_without_the_stream() {
    let lives = Lives::default();
    let subscriber = tracing_subscriber::registry().with(lives.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let streams = ShortStreams::start();

    let app = App::new().configure(|app| streams.routes(app)).service(
        web::scope("")
            .wrap(TracingLogger::default())
            .route("/", web::get().to(HttpResponse::Ok)),
    );
    let app = init_service(app).await;
    read_all(&app, get!("/")).await;
    let spans = std::mem::take(&mut *lives.0.lock().unwrap());
    assert_eq!(spans.len(), 1);
    read_all(&app, get!(PATH)).await;
    assert!(lives.0.lock().unwrap().is_empty(), "the stream has none");

    // On the whole app, the span lives as long as the stream.
    let app = App::new()
        .wrap(TracingLogger::default())
        .configure(|app| streams.routes(app));
    read_all(&init_service(app).await, get!(PATH)).await;
    let spans = lives.0.lock().unwrap();
    assert!(spans.len() == 1 && spans[0] > HALF_LIFE, "{spans:?}");
}

#[test]
fn the_guide_shows_the_code_that_is_tested() {
    let blocks = support::blocks_of_document("guides/tracing.md", "With OpenTelemetry", "rust");
    let tested = include_str!("../opentelemetry/link_deliveries.rs");
    assert_eq!(blocks[..2].join("\n"), tested);
}
