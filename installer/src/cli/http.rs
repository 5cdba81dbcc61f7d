//! Options for requests to a server.

use std::path::PathBuf;

use clap::Args;

/// The values of `headers` and `cookies` are secrets, so clap does not parse them: it would print them in
/// its error messages.
#[derive(Args, Default)]
pub(crate) struct HttpArgs {
    /// Send this header, for a stream behind authentication, such as 'Authorization: Bearer …'. Can be
    /// repeated. It is sent to the server of the URL only, not after a redirect to another
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "url")]
    pub(crate) headers: Vec<String>,

    /// Send this cookie, as a browser that is logged in does. Can be repeated
    #[arg(long = "cookie", value_name = "NAME=VALUE", requires = "url")]
    pub(crate) cookies: Vec<String>,

    /// Trust the certificates in this file, in PEM format, besides those of the system
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) cacert: Option<PathBuf>,

    /// Accept any certificate. Others can then read and change what is sent: only for tests
    #[arg(long, requires = "url", conflicts_with = "cacert")]
    pub(crate) insecure: bool,
}
