//! HTTPS: the settings `TLS_CERT` and `TLS_KEY` name the files of the certificate and of its key.

mod client;
mod server;

use std::io;

pub(crate) use self::{client::connect, server::server_config};
use crate::setting;

const CERT: &str = "TLS_CERT";
const KEY: &str = "TLS_KEY";

/// Whether to serve HTTPS: if both settings are set.
pub(crate) fn is_configured() -> io::Result<bool> {
    let [cert, key] = [CERT, KEY].map(|name| !setting(name, "").is_empty());
    if cert != key {
        let (set, missing) = if cert { (CERT, KEY) } else { (KEY, CERT) };
        return Err(error(
            &format!("{set} is set, but {missing} is not"),
            "set both in .env or in the environment for HTTPS, or neither for HTTP",
        ));
    }
    Ok(cert)
}

fn error(message: &str, help: &str) -> io::Error {
    io::Error::other(format!("{message}\nhelp: {help}"))
}
