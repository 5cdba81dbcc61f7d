//! With OpenTelemetry: the delivery of a value is linked to its save, and the life of a stream is in no latency. In a
//! feature of its own, because it takes long to compile.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up what it needs has failed, and the panic names the place"
)]

include!("link_deliveries.rs");

use actix_web::{
    App, HttpResponse,
    test::{TestRequest, init_service},
    web,
};
use actix_web_sse::testing::TestSse;
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_instrumentation_actix_web::{RequestMetrics, RequestTracing};
use opentelemetry_sdk::{
    metrics::{
        InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    },
    trace::{InMemorySpanExporter, SdkTracerProvider},
};
use support::short_stream::{HALF_LIFE, PATH, ShortStreams, read_all};
use tracing_subscriber::layer::SubscriberExt;

#[actix_web::test]
async fn a_delivery_is_linked_to_its_save_and_a_stream_has_no_long_latency() {
    let spans = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(LinkDeliveries)
        .with_simple_exporter(spans.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("app"));
    // For all threads: one of the library's own delivers.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    global::set_tracer_provider(provider);

    let app = TestSse::in_memory("order_placed:order");
    let mut stream = app.connect();
    let request = tracing::info_span!("request");
    let trace_parent = request.in_scope(current_trace_parent).unwrap();
    let save = app.cache().save("order", 42).trace_parent(&*trace_parent);
    request.in_scope(|| save.into_future()).await.unwrap();
    stream.next::<u64>("order_placed").await;
    let delivery = support::until("the delivery has a span", || {
        let spans = spans.get_finished_spans().unwrap();
        spans.into_iter().find(|span| span.name == "sse.deliver")
    });
    let linked = &delivery.links.links[0].span_context;
    let id = format!("00-{}-{}-01", linked.trace_id(), linked.span_id());
    assert_eq!(id, trace_parent);
    assert_ne!(delivery.span_context.trace_id(), linked.trace_id());

    let metrics = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(metrics.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let latencies = RequestMetrics::builder().with_meter_provider(provider.clone());
    let streams = ShortStreams::start();
    let app = App::new()
        .wrap(RequestTracing::new())
        .wrap(latencies.build())
        .configure(|app| streams.routes(app))
        .route("/", web::get().to(HttpResponse::Ok));
    let app = init_service(app).await;
    assert!(read_all(&app, TestRequest::with_uri(PATH).to_request()).await > HALF_LIFE);
    provider.force_flush().unwrap();
    let slowest = slowest(&metrics);
    assert!(slowest < HALF_LIFE.as_secs_f64(), "{slowest}");
    let spans = spans.get_finished_spans().unwrap();
    let request = spans.iter().find(|span| span.name.contains(PATH)).unwrap();
    let duration = request.end_time.duration_since(request.start_time);
    assert!(duration.unwrap() < HALF_LIFE, "{request:?}");
}

/// The longest latency of a request, in seconds.
fn slowest(exporter: &InMemoryMetricExporter) -> f64 {
    let exported = exporter.get_finished_metrics().unwrap();
    let metrics = exported
        .iter()
        .flat_map(|resource| resource.scope_metrics());
    let mut metrics = metrics.flat_map(|scope| scope.metrics());
    let latencies = metrics.find(|metric| metric.name() == "http.server.request.duration");
    match latencies.unwrap().data() {
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
            let longest = histogram.data_points().filter_map(|point| point.max());
            longest.fold(0.0, f64::max)
        }
        other => panic!("{other:?}"),
    }
}
