//! Starts the servers, and waits until they have ended.

use std::path::Path;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::rt::System;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use actix_web_sse::{Cache, Config, Sse};

use super::authorization::Authorizer;
use super::listener::UnixSocket;
use super::metrics::Metrics;
use super::save::Saver;
use super::settings::{ListenAddress, ServeSettings};
use super::stream::StreamServer;
use super::{admin, health, listener, save, stream, tls};
use crate::cli::ServeArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

/// Without the errors for requests that are not valid HTTP: any client can send thousands of them in a second, and
/// actix-web logs each. `RUST_LOG` replaces this.
const LOG_FILTER: &str = "info,actix_http::h1::dispatcher=off,actix_http::h2::dispatcher=off";
const QUIET_LOG_FILTER: &str = "warn,actix_http::h1::dispatcher=off,actix_http::h2::dispatcher=off";

/// What the server keeps in memory for a client that does not read, at most about twice this much.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// How long the server waits for open connections after the streams have ended: browsers keep connections open
/// without a request on them.
const SHUTDOWN_SECONDS: u64 = 1;

/// How many clients may negotiate TLS with one worker at a time. With actix-web's 256, a few hundred stalled clients
/// would keep all others out.
const MAX_TLS_HANDSHAKES: usize = 4096;

pub(crate) fn run(app: &Path, args: &ServeArgs, output: Output) -> Result<u8, Failure> {
    let settings = ServeSettings::read(app, args)?;
    if args.healthcheck {
        health::check(&settings)?;
        return Ok(exit::DONE);
    }
    // A mistake in the configuration is reported here. A cache that cannot be used yet is tried again, because Redis or
    // a file system may start later than this server.
    Config::from_dir(app)?;
    start_logger(output);
    System::new().block_on(serve(app, &settings))?;
    Ok(exit::DONE)
}

fn start_logger(output: Output) {
    let filter = match output.is_quiet() {
        true => QUIET_LOG_FILTER,
        false => LOG_FILTER,
    };
    let mut logger =
        env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(filter));
    // "the system manager sets $JOURNAL_STREAM" (systemd.exec): the journal has times of its own.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        logger.format_timestamp(None);
    }
    logger.init();
}

async fn serve(app: &Path, settings: &ServeSettings) -> Result<(), Failure> {
    let admin_listen = settings.admin_listen.as_ref();
    // Before the first `Sse`, which otherwise records nothing.
    let metrics = admin_listen.map(|_| Metrics::install()).transpose()?;
    let cache = Cache::from_dir(app);
    let sse = Sse::from_cache(&cache);
    let token_file = settings.save_token_file.clone();
    let saver = token_file.map(|path| Saver::new(&sse, &cache, path));
    let (server, _socket) = stream_server(&sse, saver.transpose()?, settings)?;
    let admin = admin_listen.zip(metrics);
    let admin = admin.map(|(address, metrics)| admin::server(&sse, metrics, address));
    let (admin, _admin_socket) = admin.transpose()?.unzip();
    let admin_handle = admin.as_ref().map(Server::handle);
    if let Some(admin) = admin {
        actix_web::rt::spawn(admin);
    }
    let result = server.await;
    if let Some(handle) = admin_handle {
        handle.stop(false).await;
    }
    result.map_err(|error| Failure::error(format!("the server failed: {error}")))
}

/// Ends the streams, and the questions to the app at the same time.
fn shutdown(
    sse: &Sse,
    authorizer: Option<Authorizer>,
) -> Result<impl Future<Output = ()> + Send + use<>, Failure> {
    let streams_end = sse.shutdown_signal();
    let questions_end = authorizer.map(Authorizer::close_at_signal).transpose()?;
    Ok(async move {
        if let Some(questions_end) = questions_end {
            tokio::spawn(questions_end);
        }
        streams_end.await;
    })
}

/// The server of the clients, which listens already.
fn stream_server(
    sse: &Sse,
    saver: Option<Saver>,
    settings: &ServeSettings,
) -> Result<(Server, Option<UnixSocket>), Failure> {
    let auth = settings.auth.as_ref();
    let authorizer = auth.map(|auth| Authorizer::new(sse, auth)).transpose()?;
    let state = Data::new(StreamServer {
        sse: sse.clone(),
        authorizer: authorizer.clone(),
    });
    let server = HttpServer::new({
        let sse = sse.clone();
        move || {
            App::new()
                .app_data(Data::new(sse.clone()))
                .app_data(state.clone())
                .wrap(from_fn(stream::check_host))
                .configure(stream::routes)
                .configure(|app| save::routes(app, saver.clone()))
                .configure(|app| sse.scripts(app))
                .configure(health::routes)
        }
    })
    // Ends the streams first, because the server would wait for them. Browsers reconnect to the next server and miss
    // nothing. A second signal ends the process at once.
    .shutdown_signal(shutdown(sse, authorizer)?)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .max_connection_rate(MAX_TLS_HANDSHAKES)
    // Lets the system detect clients that are gone or do not read, and end their connections.
    .on_connect(actix_web_sse::on_connect)
    .h1_allow_half_closed(false)
    .h1_write_buffer_size(WRITE_BUFFER_BYTES);
    let tls = settings.tls.as_ref().map(tls::server_config).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = &settings.listen;
    let (server, socket) = match (address, tls) {
        (ListenAddress::Tcp { host, port }, None) => (server.bind((host.as_str(), *port)), None),
        (ListenAddress::Tcp { host, port }, Some(tls)) => {
            (server.bind_rustls_0_23((host.as_str(), *port), tls), None)
        }
        (ListenAddress::Unix(path), None) => {
            let (listener, socket) = UnixSocket::listen(path)?;
            (server.listen_uds(listener), Some(socket))
        }
        (ListenAddress::Unix(_), Some(_)) => return Err(listener::tls_on_a_socket()),
    };
    let server = server.map_err(|error| listener::bind_failure(address, &error))?;
    let addresses = match address {
        ListenAddress::Unix(_) => vec![address.to_string()],
        // The port may be 0, which stands for any.
        ListenAddress::Tcp { .. } => {
            let addresses = server.addrs();
            (addresses
                .iter()
                .map(|address| format!("{scheme}://{address}")))
            .collect()
        }
    };
    listener::print_addresses("Listening on", addresses);
    Ok((server.run(), socket))
}
