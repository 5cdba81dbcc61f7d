//! A server in the test's own process, so that a test can configure the library in code and count
//! the open streams.

use std::{
    net::TcpListener,
    sync::mpsc::channel,
    thread::{self, JoinHandle},
};

use actix_web::{App, HttpServer, dev::ServerHandle, rt::System, web::ServiceConfig};
use actix_web_sse::{Cache, Config, Sse};

use crate::{scratch::ScratchFolder, wait::until};

/// A running server; it is stopped when this is dropped.
pub struct LocalServer {
    pub cache: Cache,
    pub sse: Sse,
    /// `127.0.0.1:PORT` of each port. Different ports are different origins.
    addresses: [String; 2],
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    _dir: ScratchFolder,
}

/// What happens to the connection of a client that has closed its sending side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HalfClosed {
    /// The client may still receive: actix-web's default.
    Stays,
    /// The server notices at once that a browser has closed a connection.
    Closes,
}

impl LocalServer {
    /// Starts a server with these events (as in `SSE_EVENTS`), with a configuration that may
    /// depend on its addresses, and with these routes.
    #[must_use]
    pub fn start(
        half_closed: HalfClosed,
        events: &str,
        configure: impl FnOnce(Config, &[String; 2]) -> Config,
        routes: impl Fn(&mut ServiceConfig, &Sse) + Clone + Send + 'static,
    ) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let addresses = listeners
            .each_ref()
            .map(|listener| listener.local_addr().unwrap().to_string());
        let dir = ScratchFolder::new();
        let config = configure(Config::new(dir.path(), events).unwrap(), &addresses);
        let cache = Cache::open(&config).unwrap();
        let sse = Sse::from_cache(&cache);
        let (handle, thread) = serve(half_closed, listeners, sse.clone(), routes);
        Self {
            cache,
            sse,
            addresses,
            handle,
            thread: Some(thread),
            _dir: dir,
        }
    }

    /// `127.0.0.1:PORT` of the first port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// The origins of the two ports.
    #[must_use]
    pub fn origins(&self) -> [String; 2] {
        self.addresses
            .each_ref()
            .map(|address| format!("http://{address}"))
    }

    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Waits until this many streams are open.
    #[track_caller]
    pub fn wait_for_streams(&self, count: usize) {
        until(&format!("{count} streams are open"), || {
            (self.sse.stats().connections == count).then_some(())
        });
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        // The futures need not be awaited: both have taken effect when they are returned, and the
        // thread ends when the server has stopped.
        drop(self.handle.stop(false));
        drop(self.sse.close());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(
    half_closed: HalfClosed,
    listeners: [TcpListener; 2],
    sse: Sse,
    routes: impl Fn(&mut ServiceConfig, &Sse) + Clone + Send + 'static,
) -> (ServerHandle, JoinHandle<()>) {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        System::new().block_on(async move {
            let mut server = HttpServer::new(move || {
                let (sse, routes) = (sse.clone(), routes.clone());
                App::new().configure(move |app| routes(app, &sse))
            })
            .workers(2)
            .disable_signals()
            .h1_allow_half_closed(half_closed == HalfClosed::Stays);
            for listener in listeners {
                server = server.listen(listener).unwrap();
            }
            let server = server.run();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    (receiver.recv().unwrap(), thread)
}
