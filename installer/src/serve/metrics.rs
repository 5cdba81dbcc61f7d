//! The metrics, in the text format that Prometheus reads.

use std::time::Duration;

use actix_web::http::header;
use actix_web::rt;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::exit::Failure;

/// How often the recorder adds up the values of the histograms. Until then, it keeps each of them.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the library has recorded since [`install`](Self::install).
#[derive(Clone)]
pub(super) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder. The library records with it from the first `Sse` on that is created afterwards.
    pub(super) fn install() -> Result<Self, Failure> {
        let handle = install_recorder();
        let handle = handle
            .map_err(|error| Failure::error(format!("the metrics cannot be recorded: {error}")))?;
        rt::spawn(keep_up(handle.clone()));
        Ok(Self(handle))
    }

    pub(super) fn routes(&self, app: &mut ServiceConfig) {
        app.app_data(Data::new(self.clone()))
            .service(web::resource("/metrics").get(render).head(render));
    }
}

async fn render(metrics: Data<Metrics>) -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, EXPOSITION))
        .body(metrics.0.render())
}

fn install_recorder() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in actix_web_sse::metrics() {
        if !metric.buckets().is_empty() {
            let name = Matcher::Full(metric.name().to_owned());
            builder = builder.set_buckets_for_metric(name, metric.buckets())?;
        }
    }
    builder.install_recorder()
}

/// Without it, memory would grow while nobody fetches the metrics.
async fn keep_up(metrics: PrometheusHandle) {
    let mut interval = rt::time::interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        metrics.run_upkeep();
    }
}
