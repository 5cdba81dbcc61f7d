//! The server, in this process. It listens on two ports, which makes two origins of it.

use std::{
    net::TcpListener,
    sync::mpsc::channel,
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder,
    dev::ServerHandle,
    rt::{System, time::sleep},
    web::{self, Data, Path, ServiceConfig},
};
use actix_web_sse::{Cache, Config, Sse};
use support::until;
use tempfile::TempDir;

use crate::{
    answer::Answer,
    plays::{Asked, Plays},
};

pub(crate) struct Site {
    /// The origin of the pages.
    pub(crate) here: String,
    /// The other origin.
    pub(crate) there: String,
    /// What is saved in here reaches the visitors of `/sse/stream`, which is the library's own and lets
    /// in the pages of the first origin only.
    pub(crate) cache: Cache,
    plays: Plays,
    sse: Sse,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Site {
    pub(crate) fn start() -> Self {
        let plays = Plays::default();
        let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let [here, there] = listeners
            .each_ref()
            .map(|listener| format!("http://{}", listener.local_addr().unwrap()));
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "news:news").unwrap();
        let config = config.with_allowed_origins([here.as_str()]).unwrap();
        let cache = Cache::open(&config).unwrap();
        let sse = Sse::follow(&cache).unwrap();
        let (server, thread) = serve(listeners, plays.clone(), sse.clone());
        Self {
            here,
            there,
            cache,
            plays,
            sse,
            server,
            thread: Some(thread),
            _dir: dir,
        }
    }

    /// The next requests for `/play/NAME` get these answers, one each.
    pub(crate) fn plays(&self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        self.plays.add(name, answers);
    }

    /// The requests for `/play/NAME` so far.
    pub(crate) fn asked(&self, name: &str) -> Vec<Asked> {
        self.plays.asked(name)
    }

    /// Waits until `/play/NAME` was asked so many times.
    #[track_caller]
    pub(crate) fn is_asked(&self, name: &str, count: usize) {
        until(&format!("{name} is asked {count} times"), || {
            (self.asked(name).len() == count).then_some(())
        });
    }

    /// Waits until so many requests for `/play/NAME` are open.
    #[track_caller]
    pub(crate) fn has_live(&self, name: &str, count: usize) {
        until(&format!("{name} has {count} requests that go on"), || {
            (self.plays.live(name) == count).then_some(())
        });
    }

    /// Waits until so many clients are at `/sse/stream`.
    #[track_caller]
    pub(crate) fn has_visitors(&self, count: usize) {
        until(&format!("{count} visitors are there"), || {
            (self.sse.stats().connections == count).then_some(())
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Nobody waits for it: the thread ends when it has stopped.
        drop(self.server.stop(false));
        drop(self.sse.close());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(listeners: [TcpListener; 2], plays: Plays, sse: Sse) -> (ServerHandle, JoinHandle<()>) {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || {
        System::new().block_on(async move {
            let plays = Data::new(plays);
            let mut server = HttpServer::new(move || {
                App::new()
                    .app_data(plays.clone())
                    .configure(|app| sse.configure(app))
                    .configure(routes)
            })
            .workers(1)
            .disable_signals()
            // So that a browser that closes a connection is seen to do so.
            .h1_allow_half_closed(false);
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

fn routes(app: &mut ServiceConfig) {
    let script = |text| web::get().to(move || script(text));
    app.route("/play/{name}", web::route().to(play))
        .route("/cases.js", script(include_str!("cases.js")))
        .route("/worker.js", script(include_str!("worker.js")))
        .route("/travels/{step}", web::get().to(travels))
        .default_service(web::get().to(page));
}

async fn play(request: HttpRequest, name: Path<String>, plays: Data<Plays>) -> HttpResponse {
    let live = plays.begin(&name, &request);
    loop {
        if let Some(answer) = plays.next(&name) {
            return answer.response(live);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn script(text: &'static str) -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/javascript")
        .body(text)
}

async fn page() -> impl Responder {
    web::Html::new(include_str!("page.html"))
}

async fn travels() -> impl Responder {
    web::Html::new(include_str!("travels.html"))
}
