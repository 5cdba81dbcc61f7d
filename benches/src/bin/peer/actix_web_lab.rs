//! actix-web with actix-web-lab's `sse`: a channel for each client, and a broadcaster.
//!
//! The broadcaster works like that of actix-web's example, with the same channel length and ping
//! interval. So a client that does not read its stream blocks all publishing.

use std::{
    convert::Infallible,
    io,
    net::TcpListener,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, Responder, get, post, rt, web};
use actix_web_lab::sse::{self, Sse};
use futures_util::future;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time,
};

use crate::{EVENT, KEEP_ALIVE, id};

/// As in the example.
const CHANNEL_CAPACITY: usize = 10;
const PING_INTERVAL: Duration = Duration::from_secs(10);

type SendItem = Result<sse::Event, Infallible>;

#[derive(Default)]
struct Broadcaster {
    clients: Mutex<Vec<mpsc::Sender<SendItem>>>,
    published: AtomicU64,
}

impl Broadcaster {
    fn clients(&self) -> MutexGuard<'_, Vec<mpsc::Sender<SendItem>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn broadcast(&self, event: sse::Event) {
        let clients = self.clients().clone();
        let sends = clients.iter().map(|client| client.send(Ok(event.clone())));
        // A client that has disconnected is not an error: the next ping removes it.
        future::join_all(sends).await;
    }

    async fn ping(&self) {
        let mut interval = time::interval(PING_INTERVAL);
        loop {
            interval.tick().await;
            // The example waits for each client here, and loses clients that connect meanwhile.
            self.clients().retain(|client| {
                let ping = sse::Event::Comment("ping".into());
                !matches!(client.try_send(Ok(ping)), Err(TrySendError::Closed(_)))
            });
        }
    }
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<()> {
    rt::System::new().block_on(async {
        let broadcaster = web::Data::new(Broadcaster::default());
        let pinging = broadcaster.clone();
        rt::spawn(async move { pinging.ping().await });
        HttpServer::new(move || {
            App::new()
                .app_data(broadcaster.clone())
                .service(subscribe)
                .service(publish)
        })
        .keep_alive(KEEP_ALIVE)
        .disable_signals()
        .listen(listener)?
        .run()
        .await
    })
}

#[get("/stream")]
async fn subscribe(broadcaster: web::Data<Broadcaster>) -> impl Responder {
    let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    // This succeeds: the channel is empty.
    let _ = sender.try_send(Ok(sse::Event::Comment("".into())));
    broadcaster.clients().push(sender);
    Sse::from_receiver(receiver)
}

#[post("/publish")]
async fn publish(broadcaster: web::Data<Broadcaster>, body: String) -> impl Responder {
    let number = broadcaster.published.fetch_add(1, Ordering::Relaxed) + 1;
    let event = sse::Data::new(body).id(id(number)).event(EVENT);
    broadcaster.broadcast(event.into()).await;
    HttpResponse::NoContent()
}
