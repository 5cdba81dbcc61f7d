//! The admin pages, on a listener of their own: they show what visitors must not see.

use std::fmt::Write;
use std::net::IpAddr;

use actix_web::dev::Server;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer, Responder};
use actix_web_sse::{Error, Sse};

use super::listener::{UnixSocket, bind_failure, print_addresses};
use super::metrics::Metrics;
use super::settings::ListenAddress;
use super::{health, stream};
use crate::exit::Failure;

/// Only a few operators and monitoring systems send requests.
const WORKERS: usize = 1;

/// The server of the admin pages, which listens already. `socket` removes the file of a Unix socket.
pub(super) fn server(
    sse: &Sse,
    metrics: Metrics,
    address: &ListenAddress,
) -> Result<(Server, Option<UnixSocket>), Failure> {
    let sse = sse.clone();
    let allows_test_events = is_on_this_machine(address);
    let server = HttpServer::new(move || {
        let dashboard = sse.dashboard().at("/");
        App::new()
            .app_data(Data::new(sse.clone()))
            .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")))
            .wrap(from_fn(stream::check_host))
            .configure(health::routes)
            .configure(|app| metrics.routes(app))
            .service(
                web::resource("/")
                    .guard(fn_guard(wants_no_html))
                    .get(overview)
                    .head(overview),
            )
            .service(dashboard.allow_test_events(allows_test_events))
    })
    .workers(WORKERS)
    .on_connect(actix_web_sse::on_connect)
    .disable_signals();
    match address {
        ListenAddress::Tcp { host, port } => {
            let server = server.bind((host.as_str(), *port));
            let server = server.map_err(|error| bind_failure(address, &error))?;
            let addresses = server.addrs();
            let urls = addresses.iter().map(|address| format!("http://{address}"));
            print_addresses("Admin pages on", urls);
            Ok((server.run(), None))
        }
        ListenAddress::Unix(path) => {
            let (listener, socket) = UnixSocket::listen(path)?;
            let server = server.listen_uds(listener);
            let server = server.map_err(|error| bind_failure(address, &error))?;
            print_addresses("Admin pages on", [address.to_string()]);
            Ok((server.run(), Some(socket)))
        }
    }
}

/// Whether only programs on this machine reach the admin pages. Others must not send events without a token.
fn is_on_this_machine(address: &ListenAddress) -> bool {
    match address {
        ListenAddress::Unix(_) => true,
        ListenAddress::Tcp { host, .. } => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let ip = host.parse::<IpAddr>();
            host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
        }
    }
}

/// Browsers want HTML, and get the dashboard. `curl` gets text.
fn wants_no_html(context: &GuardContext<'_>) -> bool {
    let accepted = context.head().headers().get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    !accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// The figures, and each setting in force with its origin.
async fn overview(sse: Data<Sse>) -> Result<impl Responder, Error> {
    let config = sse.config()?;
    let ready = match sse.check_ready() {
        Ok(()) => "yes".to_owned(),
        Err(error) => format!("no: {error}"),
    };
    let mut text = format!(
        "sse {}\n\nready: {ready}\nstreams: {} of {}\n\n",
        env!("CARGO_PKG_VERSION"),
        sse.stats().connections,
        config.max_connections()
    );
    for setting in config.settings() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{setting}");
    }
    Ok(text)
}
