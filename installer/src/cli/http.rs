//! Options for requests to a server.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// The values of `headers` and `cookies` are secrets, so clap does not parse them: it would print them in
/// its error messages.
#[derive(Args, Default)]
pub(crate) struct HttpArgs {
    /// Send this header, for a stream behind authentication; can be repeated
    ///
    /// For example 'Authorization: Bearer …'. It is sent to the server of the URL only, not after a redirect to
    /// another.
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "url")]
    pub(crate) headers: Vec<String>,

    /// Send this cookie, as a browser that is logged in does; can be repeated
    #[arg(long = "cookie", value_name = "NAME=VALUE", requires = "url")]
    pub(crate) cookies: Vec<String>,

    /// Also trust the certificates in this file, in PEM format
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "url")]
    pub(crate) cacert: Option<PathBuf>,

    /// Accept any certificate, only for tests: others can then read and change what is sent
    #[arg(long, requires = "url", conflicts_with = "cacert")]
    pub(crate) insecure: bool,
}
