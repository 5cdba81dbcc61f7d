//! A small actix-web app with live notifications: a page with a button for each event, and toasts
//! when one arrives, from wherever it was triggered.

mod pages;
mod stream;

use std::io;

use actix_web::{App, HttpServer, middleware::Logger};
use actix_web_sse::app_dir;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let loaded = dotenvy::from_path(app_dir().join(".env"));
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("info"));
    if let Err(error) = loaded {
        log::warn!("{}: {error}", app_dir().join(".env").display());
    }

    let (host, port) = (setting("HOST", "127.0.0.1"), setting("PORT", "8080"));
    let port: u16 = port.parse().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("PORT is no port number: `{port}`"),
        )
    })?;

    // Outside the closure below, which runs once for each worker: all of them share one reader.
    let stream = stream::open();
    let server = HttpServer::new({
        let stream = stream.clone();
        move || {
            App::new()
                .wrap(Logger::new("%r %s %Ts"))
                .configure(|app| stream::routes(app, stream.clone()))
                .configure(actix_web_sse::scripts)
                .configure(pages::routes)
        }
    })
    .bind((host, port))?;

    for address in server.addrs() {
        println!("\n  Listening on http://{address}\n");
    }
    if let Ok(sse) = &stream
        && let Some((_, key)) = sse.config().events().iter().next()
    {
        println!("  Open it in a browser, then trigger an event from another terminal:\n");
        println!(
            "    echo 1 > '{}'",
            sse.config().cache_dir().join(key).display()
        );
        println!(
            "    sse -C '{}' save {key} '{{\"order\": 42}}'\n",
            app_dir().display()
        );
    }
    server.run().await
}

/// A variable of the environment, which `.env` has been read into.
fn setting(key: &str, default: &str) -> String {
    std::env::var(key).unwrap_or_else(|_| default.to_owned())
}
