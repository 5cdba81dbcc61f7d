//! A small actix-web app with live notifications. Its page has a button for each event, and shows a toast
//! for each event that it receives, whichever program triggered it.

mod admin;
mod dev_tools;
mod health;
mod logging;
mod pages;
mod same_origin;
mod stream;
mod tls;

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use actix_web::{
    App, HttpServer,
    dev::Server,
    http::header,
    middleware::{DefaultHeaders, from_fn},
    rt, web,
};
use actix_web_sse::{Sse, app_dir};

use self::{admin::AdminPages, dev_tools::DevTools, same_origin::same_origin};

/// What the server keeps in memory for a client that does not read, at most about twice this much.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// How long the app waits for open connections after it has ended the streams, if it serves HTTPS: browsers
/// keep connections of HTTP/2 open, so it would always wait for as long as this.
const TLS_SHUTDOWN_SECONDS: u64 = 1;

/// How many clients may negotiate TLS with one worker at a time. Further clients wait until one of them has finished or
/// its three seconds are over. With actix-web's 256, a few hundred stalled clients would keep all others out.
const MAX_TLS_HANDSHAKES: usize = 4096;

#[actix_web::main]
async fn main() -> ExitCode {
    let loaded = dotenvy::from_path(app_dir().join(".env"));
    logging::start();
    if let Err(error) = loaded {
        let path = app_dir().join(".env");
        tracing::warn!("{}: {}", path.display(), describe_without_text(&error));
    }
    let result = match std::env::args().nth(1).as_deref() {
        Some("--healthcheck") => address().and_then(|(host, port)| health::check(&host, port)),
        _ => serve().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Describes an error in `.env` without the line itself, which may contain a password.
fn describe_without_text(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(..) => {
            "a line is not valid, so the app itself ignores it and the lines after it".into()
        }
        other => other.to_string(),
    }
}

async fn serve() -> io::Result<()> {
    let (host, port) = address()?;
    let tools = DevTools::parse(&setting("DEV_TOOLS", "on"))?;
    let admin_pages = AdminPages::from_settings()?;
    // Opened outside of the closure, which runs once for each worker, so that all workers share one stream.
    let sse = stream::open();
    let server = HttpServer::new({
        let sse = sse.clone();
        move || {
            App::new()
                // Accepts requests for this machine's own host names and for SSE_ALLOWED_HOSTS only. Other
                // sites could otherwise reach the app under their own host name (DNS rebinding).
                .wrap(from_fn(actix_web_sse::check_host))
                // Without the spans of requests, which would last as long as the stream. The library logs when one
                // opens.
                .configure(|app| stream::routes(app, &sse))
                .service(
                    web::scope("")
                        .wrap(from_fn(same_origin))
                        // Browsers revalidate cached files, and get 304 for unchanged ones, so edits are
                        // visible at once. Without this header, they guess how long a file is valid.
                        .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-cache")))
                        .wrap(logging::requests())
                        .configure(actix_web_sse::scripts)
                        .configure(health::routes)
                        .configure(|app| dev_tools::routes(app, tools))
                        .configure(pages::routes),
                )
        }
    })
    // Ends the streams first, because the server would wait for them. Browsers reconnect to the next server and
    // miss nothing. A second signal ends the process at once.
    .shutdown_signal(sse.shutdown_signal())
    // Lets the system detect clients that are gone or do not read, and end their connections.
    .on_connect(actix_web_sse::on_connect)
    .h1_allow_half_closed(false)
    .h1_write_buffer_size(WRITE_BUFFER_BYTES);
    let server = if tls::is_configured()? {
        server
            .shutdown_timeout(TLS_SHUTDOWN_SECONDS)
            .max_connection_rate(MAX_TLS_HANDSHAKES)
            .bind_rustls_0_23((host.as_str(), port), tls::server_config()?)
    } else {
        server.bind((host.as_str(), port))
    };
    let server = server.map_err(|error| bind_error(&host, port, &error))?;

    let addresses = server.addrs_with_scheme();
    let admin_pages = admin_pages.map(|pages| pages.listen(&sse)).transpose()?;
    let (admin, admin_addresses) = admin_pages.unzip();

    // The output may be closed, which is no reason to exit.
    let _ = print_greeting(&addresses, &admin_addresses.unwrap_or_default(), &sse);
    let admin_handle = admin.as_ref().map(Server::handle);
    if let Some(admin) = admin {
        rt::spawn(admin);
    }
    let result = server.run().await;
    if let Some(admin) = admin_handle {
        admin.stop(false).await;
    }
    result
}

/// The host and port to listen on.
fn address() -> io::Result<(String, u16)> {
    let (host, port) = (setting("HOST", "127.0.0.1"), setting("PORT", "8080"));
    let port = port
        .parse()
        .map_err(|_| address_error(&format!("PORT is not a port number: `{port}`")))?;
    Ok((host, port))
}

fn bind_error(host: &str, port: u16, error: &io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::AddrInUse {
        return address_error(&format!("cannot listen on {host}:{port}: {error}"));
    }
    // The next one may be that of the admin pages.
    let other = port.checked_add(2).unwrap_or(8080);
    io::Error::other(format!(
        "port {port} is in use: another program listens on {host}:{port}, perhaps this app\n\
         help: end that program, or choose another port: PORT={other} in .env or in the environment"
    ))
}

fn address_error(message: &str) -> io::Error {
    io::Error::other(format!(
        "{message}\nhelp: set HOST and PORT in .env or in the environment"
    ))
}

/// An environment variable; those in `.env` have been loaded into the environment.
fn setting(key: &str, default: &str) -> String {
    std::env::var(key).unwrap_or_else(|_| default.to_owned())
}

/// Prints the addresses of the page and of the admin pages, and how to trigger an event from a shell.
fn print_greeting(
    addresses: &[(SocketAddr, &str)],
    admin_addresses: &[SocketAddr],
    sse: &Sse,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out)?;
    for (address, scheme) in addresses {
        writeln!(out, "  Listening on {scheme}://{address}")?;
    }
    for address in admin_addresses {
        writeln!(out, "  Admin pages on http://{address}")?;
    }
    writeln!(out)?;
    let Ok(config) = sse.config() else {
        return Ok(());
    };
    // The commands name no audience, without which a private key accepts no value.
    let events = config.events();
    if let Some(key) = events.keys().find(|key| !events.is_private(key)) {
        writeln!(
            out,
            "  Open the app in a browser, then trigger an event from another terminal:\n"
        )?;
        // `SSE_DROP_INS=off`: no file is read.
        if let Some(file) = config.drop_in_path(key) {
            writeln!(out, "    echo 1 > '{}'", file.display())?;
        }
        writeln!(
            out,
            "    sse -C '{}' save {key} '{{\"order\": 42}}'\n",
            app_dir().display()
        )?;
    }
    Ok(())
}
