//! Whether the app is well: `GET /health`, and `--healthcheck`, with which the program asks itself,
//! so that a container needs no other HTTP client for that.

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

const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/health", web::get().to(health));
}

/// 200, or 503 with the reason when there is no stream. Add what else your app cannot do without.
async fn health(stream: Data<Result<Sse, Error>>) -> Result<impl Responder, Error> {
    match stream.as_ref() {
        Ok(_) => Ok("ok\n"),
        Err(error) => Err(error.clone()),
    }
}

/// Asks the app that listens there.
pub(crate) fn ask(host: &str, port: u16) -> io::Result<()> {
    // Who listens everywhere is asked at home.
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let mut connection = TcpStream::connect((host, port))?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(format!("the app is not well: {answer}"))),
    }
}
