//! A small actix-web app with live notifications: a page with a button for each event, and toasts
//! when one arrives, from wherever it was triggered.

mod dev_tools;
mod health;
mod pages;
mod same_origin;
mod stream;

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use actix_web::{
    App, HttpServer,
    http::header,
    middleware::{DefaultHeaders, Logger, from_fn},
    web,
};
use actix_web_sse::{Error, Sse, app_dir};

use self::{dev_tools::DevTools, same_origin::same_origin};

#[actix_web::main]
async fn main() -> ExitCode {
    let loaded = dotenvy::from_path(app_dir().join(".env"));
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("info"));
    if let Err(error) = loaded {
        let path = app_dir().join(".env");
        log::warn!("{}: {}", path.display(), without_its_text(&error));
    }
    let done = match std::env::args().nth(1).as_deref() {
        Some("--healthcheck") => address().and_then(|(host, port)| health::ask(&host, port)),
        _ => serve().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with `.env`, but not the line itself: it may be a password.
fn without_its_text(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(..) => {
            "a line cannot be read, so those after it are not in the environment".into()
        }
        other => other.to_string(),
    }
}

async fn serve() -> io::Result<()> {
    let (host, port) = address()?;
    let tools = DevTools::parse(&setting("DEV_TOOLS", "on"))?;
    // Outside the closure below, which runs once for each worker: all of them share one reader.
    let stream = stream::open();
    let server = HttpServer::new({
        let stream = stream.clone();
        move || {
            App::new()
                // Pages and stream answer for this machine's own names and SSE_ALLOWED_HOSTS only, so
                // that no page elsewhere reaches them under a name of its own (DNS rebinding).
                .wrap(from_fn(actix_web_sse::check_host))
                // Not within the logger, whose line for a stream would come when it ends, after minutes,
                // and take memory for all that time. Its controller says when it opens.
                .configure(|app| stream::routes(app, stream.clone()))
                .service(
                    web::scope("")
                        .wrap(from_fn(same_origin))
                        // Browsers ask whether what they have is still right, and get 304 if it is: an
                        // edit is seen at once. Without this, they guess for how long it may be used.
                        .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-cache")))
                        .wrap(Logger::new("%r %s %Ts").exclude("/health"))
                        .configure(actix_web_sse::scripts)
                        .configure(health::routes)
                        .configure(|app| dev_tools::routes(app, tools))
                        .configure(pages::routes),
                )
        }
    })
    // Clients that have gone, or do not read, are noticed by the system, and their connections end.
    .on_connect(actix_web_sse::on_connect)
    .h1_allow_half_closed(false)
    // As much is kept in memory for one that does not read, give or take as much again.
    .h1_write_buffer_size(16 * 1024)
    .bind((host.as_str(), port))
    .map_err(|error| bad_address(&format!("cannot listen on {host}:{port}: {error}")))?;

    // Nobody may be reading what is printed, which is no reason to end.
    let _ = greet(&server.addrs(), &stream);
    let server = match &stream {
        // The streams end first, for the server would wait for them. Browsers return to whichever
        // server is there then, and miss nothing. A second signal ends the process at once.
        Ok(sse) => server.shutdown_signal(sse.shutdown_signal()),
        Err(_) => server,
    };
    server.run().await
}

/// Where the app listens.
fn address() -> io::Result<(String, u16)> {
    let (host, port) = (setting("HOST", "127.0.0.1"), setting("PORT", "8080"));
    let port = port
        .parse()
        .map_err(|_| bad_address(&format!("PORT is not a port number: `{port}`")))?;
    Ok((host, port))
}

fn bad_address(what: &str) -> io::Error {
    io::Error::other(format!(
        "{what}\nhelp: HOST and PORT, in .env or the environment, choose the address"
    ))
}

/// A variable of the environment, which `.env` has been read into.
fn setting(key: &str, default: &str) -> String {
    std::env::var(key).unwrap_or_else(|_| default.to_owned())
}

/// Says where the page is, and how to trigger an event from a shell.
fn greet(addresses: &[SocketAddr], stream: &Result<Sse, Error>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in addresses {
        writeln!(out, "\n  Listening on http://{address}\n")?;
    }
    let Ok(sse) = stream else { return Ok(()) };
    let config = sse.config();
    if let Some((_, key)) = config.events().iter().next() {
        let (file, app) = (config.cache_dir().join(key), app_dir());
        writeln!(
            out,
            "  Open it in a browser, then trigger an event from another terminal:\n"
        )?;
        writeln!(out, "    echo 1 > '{}'", file.display())?;
        writeln!(
            out,
            "    sse -C '{}' save {key} '{{\"order\": 42}}'\n",
            app.display()
        )?;
    }
    Ok(())
}
