//! The server that plays the answers of the cases. Its two ports are two origins.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    rt::time::sleep,
    web::{self, Data, Path, ServiceConfig},
};
use support::{HalfClosed, LocalServer, until};

use crate::{
    answer::Answer,
    plays::{Plays, Request},
};

pub(crate) struct Site {
    /// The origin of the pages.
    pub(crate) here: String,
    /// The other origin.
    pub(crate) there: String,
    /// Its `/sse/stream` is the library's own and admits pages of the first origin only.
    server: LocalServer,
    plays: Plays,
}

impl Site {
    pub(crate) fn start() -> Self {
        let plays = Plays::default();
        let data = Data::new(plays.clone());
        let server = LocalServer::start(
            HalfClosed::Closes,
            "news:news",
            |config, [here, _]| {
                let here = format!("http://{here}");
                config.with_allowed_origins([here.as_str()]).unwrap()
            },
            move |app, sse| {
                sse.configure(app);
                app.app_data(data.clone()).configure(routes);
            },
        );
        let [here, there] = server.origins();
        Self {
            here,
            there,
            server,
            plays,
        }
    }

    /// Sends a value to the clients of `/sse/stream`.
    pub(crate) fn save(&self, key: &str, value: u64) {
        self.server.cache.save_blocking(key, value).unwrap();
    }

    /// The next requests for `/play/NAME` get these answers, one each.
    pub(crate) fn plays(&self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        self.plays.add(name, answers);
    }

    /// The requests for `/play/NAME` so far.
    pub(crate) fn requests(&self, name: &str) -> Vec<Request> {
        self.plays.requests(name)
    }

    /// Waits until this many requests for `/play/NAME` have arrived.
    #[track_caller]
    pub(crate) fn wait_for_requests(&self, name: &str, count: usize) {
        until(&format!("{name} is requested {count} times"), || {
            (self.requests(name).len() == count).then_some(())
        });
    }

    /// Waits until this many requests for `/play/NAME` are open.
    #[track_caller]
    pub(crate) fn wait_for_open_requests(&self, name: &str, count: usize) {
        until(&format!("{name} has {count} open requests"), || {
            (self.plays.open(name) == count).then_some(())
        });
    }

    /// Waits until this many requests for `/play/NAME` were answered completely or aborted.
    #[track_caller]
    pub(crate) fn wait_for_ended_requests(&self, name: &str, count: usize) {
        until(&format!("{name} has {count} ended requests"), || {
            (self.plays.ended(name) == count).then_some(())
        });
    }

    /// Waits until this many clients have opened `/sse/stream`.
    #[track_caller]
    pub(crate) fn wait_for_streams(&self, count: usize) {
        self.server.wait_for_streams(count);
    }
}

fn routes(app: &mut ServiceConfig) {
    let script = |text| web::get().to(move || script(text));
    app.route("/play/{name}", web::route().to(play))
        .route("/cases.js", script(include_str!("cases.js")))
        .route("/timers.js", script(include_str!("timers.js")))
        .route("/worker.js", script(include_str!("worker.js")))
        .route("/travels/{step}", web::get().to(travels))
        .default_service(web::get().to(page));
}

async fn play(request: HttpRequest, name: Path<String>, plays: Data<Plays>) -> HttpResponse {
    let open = plays.begin(&name, &request);
    loop {
        if let Some(answer) = plays.next(&name) {
            return answer.response(open);
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
