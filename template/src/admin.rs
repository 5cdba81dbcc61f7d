//! The admin pages, at an address of their own: a dashboard, metrics and health for you and your monitoring, not for
//! visitors.
//! `ADMIN_LISTEN=off` in `.env` turns them off.

use std::{io, net::SocketAddr, time::Duration};

use actix_web::{
    App, HttpServer, Responder,
    dev::Server,
    http::header,
    middleware::{DefaultHeaders, from_fn},
    rt,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::Sse;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::{health, setting};

const SETTING: &str = "ADMIN_LISTEN";

/// Only a few operators and monitoring systems send requests.
const WORKERS: usize = 1;

/// How often the recorder adds up the values of the histograms. Until then, it keeps each of them.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The format of the text that Prometheus reads.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The admin pages of an app that has them, before they listen.
pub(crate) struct AdminPages {
    address: String,
    metrics: PrometheusHandle,
}

impl AdminPages {
    /// Installs the recorder of the metrics, unless the setting turns the pages off. The library records with the
    /// recorder that is installed when the stream is opened.
    pub(crate) fn from_settings() -> io::Result<Option<Self>> {
        let address = setting(SETTING, "off").trim().to_owned();
        if address.is_empty() || address.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let port = address
            .rsplit_once(':')
            .map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return Err(error(
                &format!("{SETTING} is neither HOST:PORT nor `off`: `{address}`"),
                "127.0.0.1:8081",
            ));
        }
        let metrics = install_recorder().map_err(io::Error::other)?;
        Ok(Some(Self { address, metrics }))
    }

    /// Listens. The pages answer while the server that this returns runs, besides its addresses.
    pub(crate) fn listen(self, sse: &Sse) -> io::Result<(Server, Vec<SocketAddr>)> {
        let (sse, metrics) = (sse.clone(), self.metrics.clone());
        let is_local = is_on_this_machine(&self.address);
        let server = HttpServer::new(move || {
            let dashboard = sse.dashboard().at("/");
            App::new()
                .wrap(from_fn(actix_web_sse::check_host))
                .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")))
                .app_data(Data::new(sse.clone()))
                .app_data(Data::new(metrics.clone()))
                .configure(routes)
                .service(dashboard.allow_test_events(is_local))
        })
        .workers(WORKERS)
        .on_connect(actix_web_sse::on_connect)
        // The server of the visitors receives them, and then ends this one.
        .disable_signals()
        .bind(&self.address)
        .map_err(|error| bind_error(&self.address, &error))?;
        rt::spawn(keep_up(self.metrics));
        let addresses = server.addrs();
        Ok((server.run(), addresses))
    }
}

fn routes(app: &mut ServiceConfig) {
    app.configure(health::routes)
        .service(web::resource("/metrics").get(metrics).head(metrics));
}

/// Whether only programs on this machine reach this address. Anybody else could send events to your visitors.
fn is_on_this_machine(address: &str) -> bool {
    let ip = address.parse().map(|address: SocketAddr| address.ip());
    ip.map_or(address.starts_with("localhost:"), |ip| ip.is_loopback())
}

/// Everything that the library and the app have recorded.
async fn metrics(metrics: Data<PrometheusHandle>) -> impl Responder {
    let rendered = metrics.render();
    rendered
        .customize()
        .insert_header((header::CONTENT_TYPE, EXPOSITION))
}

/// Your app can record metrics of its own with the crate `metrics`: they appear beside those of the library.
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

fn bind_error(address: &str, cause: &io::Error) -> io::Error {
    if cause.kind() != io::ErrorKind::AddrInUse {
        return error(
            &format!("cannot listen on {address}, which {SETTING} names: {cause}"),
            "127.0.0.1:8081",
        );
    }
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    // Two further, because the next port may be that of the app.
    let other = port
        .parse::<u16>()
        .ok()
        .and_then(|port| port.checked_add(2));
    error(
        &format!(
            "{address}, which {SETTING} names, is in use: another program listens there, or this app itself, or another copy of it"
        ),
        &format!("{host}:{}", other.unwrap_or(8081)),
    )
}

fn error(message: &str, example: &str) -> io::Error {
    io::Error::other(format!(
        "{message}\n\
         help: choose an address for the admin pages, such as {SETTING}={example}, or turn them off with \
         {SETTING}=off, in .env or in the environment"
    ))
}
