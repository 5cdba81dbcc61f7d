//! Health checks: the routes, and `--healthcheck`, which sends a request to the running server.

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use actix_web::Responder;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web_sse::{Error, Sse};

use super::listener;
use super::settings::{ListenAddress, ServeSettings};
use crate::cli::HttpArgs;
use crate::exit::Failure;
use crate::http::{Client, Timeouts};

/// A healthy server answers at once.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Longer than the head of any answer of this server.
const MAX_ANSWER_BYTES: u64 = 4096;

pub(super) fn routes(app: &mut ServiceConfig) {
    // Some load balancers send HEAD.
    app.service(
        web::resource(["/health", "/health/live"])
            .get(live)
            .head(live),
    )
    .service(web::resource("/health/ready").get(ready).head(ready));
}

/// Answers 200, or 503 with the reason why clients can receive no events.
async fn live(sse: Data<Sse>) -> Result<impl Responder, Error> {
    sse.config()?;
    Ok("ok\n")
}

/// Answers 200 while saved values are delivered, or 503 with the reason, for example while Redis is away. Load balancers
/// may send new clients elsewhere meanwhile. Streams stay open, so it is no reason to restart the server.
async fn ready(sse: Data<Sse>) -> Result<impl Responder, Error> {
    sse.check_ready()?;
    Ok("ready\n")
}

/// Asks the server with these settings for its health.
pub(super) fn check(settings: &ServeSettings) -> Result<(), Failure> {
    let answer = match &settings.listen {
        ListenAddress::Unix(path) => ask_socket(path),
        ListenAddress::Tcp { host, port } => {
            let scheme = if settings.tls.is_some() {
                "https"
            } else {
                "http"
            };
            ask(&format!("{scheme}://{}:{port}/health", reachable(host)))
        }
    };
    match answer {
        Ok(200) => Ok(()),
        Ok(status) => Err(not_healthy(settings, &format!("it answers with {status}"))),
        Err(reason) => Err(not_healthy(settings, &reason)),
    }
}

fn not_healthy(settings: &ServeSettings, reason: &str) -> Failure {
    Failure::error(format!(
        "the server on {} is not healthy: {reason}",
        settings.listen
    ))
    .with_help(
        "read its log; the check uses the same settings as the server, so pass the same options",
    )
}

/// A server that listens on all addresses is reachable at the loopback address.
fn reachable(host: &str) -> String {
    match host {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    }
}

/// Accepts every certificate: the connection stays on this machine, and the certificate is for the public name.
fn ask(url: &str) -> Result<u16, String> {
    let args = HttpArgs {
        insecure: true,
        ..HttpArgs::default()
    };
    let client = Client::new(url, &args).map_err(|failure| failure.message().to_owned())?;
    let timeouts = Timeouts {
        connect: TIMEOUT,
        response: TIMEOUT,
    };
    let response = client.get(url, &[], timeouts);
    let response = response.map_err(|error| error.reason)?;
    Ok(response.head.status)
}

fn ask_socket(path: &Path) -> Result<u16, String> {
    let ask = || {
        let mut connection = listener::connect(path)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut answer = Vec::new();
        connection.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = ask().map_err(|error| error.to_string())?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| "it does not speak HTTP".to_owned())
}
