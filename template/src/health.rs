//! Health checks: `GET /health` and `GET /health/ready`, also on the admin listener, and the option `--healthcheck`, which sends that request to the running
//! app. So a container needs no other HTTP client.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use actix_web::{
    Responder,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Error, Sse};

use crate::tls;

/// A healthy app answers at once. This is less than the timeout of the Dockerfile's health check.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn routes(app: &mut ServiceConfig) {
    // Some load balancers send HEAD.
    app.service(
        web::resource(["/health", "/health/live"])
            .get(health)
            .head(health),
    )
    .service(web::resource("/health/ready").get(ready).head(ready));
}

/// Answers 200, or 503 with the reason why clients can receive no events. Check here what else your app needs.
async fn health(sse: Data<Sse>) -> Result<impl Responder, Error> {
    sse.config()?;
    Ok("ok\n")
}

/// Answers 200 while saved values are delivered, or 503 with the reason, for example while Redis is away. Load balancers
/// may send new clients elsewhere meanwhile. Do not restart the app for it: its streams stay open.
async fn ready(sse: Data<Sse>) -> Result<impl Responder, Error> {
    sse.check_ready()?;
    Ok("ready\n")
}

/// Asks the app at this address for its health.
pub(crate) fn check(host: &str, port: u16) -> io::Result<()> {
    // An app that listens on all addresses is reachable at the loopback address.
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let connection = TcpStream::connect((host, port))?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    let answer = if tls::is_configured()? {
        request(tls::connect(connection)?)?
    } else {
        request(connection)?
    };
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(format!(
            "the app is not healthy: {answer}"
        ))),
    }
}

fn request(mut connection: impl Read + Write) -> io::Result<String> {
    connection.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
