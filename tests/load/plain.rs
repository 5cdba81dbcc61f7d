//! A server in this process with actix-web's own settings, and what it knows of its streams.

use std::{sync::mpsc::channel, thread};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, rt::System, web};
use actix_web_sse::{Config, Sse};
use tempfile::TempDir;

/// A running server; it ends when this is dropped.
pub(crate) struct Plain {
    pub(crate) address: String,
    pub(crate) sse: Sse,
    handle: ServerHandle,
    _dir: TempDir,
}

impl Plain {
    /// A server whose streams are as `change` says.
    pub(crate) fn start(change: impl FnOnce(Config) -> Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "event:key").unwrap();
        let sse = Sse::start(&change(config)).unwrap();
        let (sender, receiver) = channel();
        let app = sse.clone();
        thread::spawn(move || {
            System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .configure(|config| app.configure(config))
                        .route("/", web::get().to(HttpResponse::Ok))
                })
                .workers(2)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .unwrap();
                let address = server.addrs()[0].to_string();
                let server = server.run();
                sender.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().unwrap();
        Self {
            address,
            sse,
            handle,
            _dir: dir,
        }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // Told is enough: nobody waits for it.
        drop(self.handle.stop(false));
    }
}
