//! The options of `sse serve`.

use clap::{Args, ValueHint};

/// The values are parsed together with those of the environment and of `.env`, so that an error names the origin.
#[derive(Args, Default)]
pub(crate) struct ServeArgs {
    /// Listen on this address: HOST:PORT, or unix:PATH for a socket [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDR", value_hint = ValueHint::Hostname)]
    pub(crate) listen: Option<String>,

    /// Also serve the admin pages, on this address only: the dashboard, metrics and health
    #[arg(long, value_name = "ADDR", value_hint = ValueHint::Hostname)]
    pub(crate) admin_listen: Option<String>,

    /// Serve HTTPS with this certificate, in PEM format
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tls_cert: Option<String>,

    /// The key of the certificate, in PEM format
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tls_key: Option<String>,

    /// Ask this URL of the app what a client may receive
    ///
    /// Each time a client opens a stream, the server sends a request to this URL with the client's cookies. The app
    /// answers with the audiences of the user, or refuses with 401 or 403. Without this option, the stream is public.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) auth_url: Option<String>,

    /// How long the app may take to answer [default: 5]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) auth_timeout: Option<String>,

    /// How many requests the app gets at once [default: 16]
    #[arg(long, value_name = "N")]
    pub(crate) auth_concurrency: Option<String>,

    /// Accept saves and revocations over HTTP from programs that send the token in this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) save_token_file: Option<String>,

    /// Ask the running server for its health, and exit with 0 if it is healthy
    ///
    /// For containers: their image then needs no other HTTP client.
    #[arg(long)]
    pub(crate) healthcheck: bool,
}
