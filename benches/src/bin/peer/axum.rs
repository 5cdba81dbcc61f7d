//! axum with its `sse` and tokio's broadcast channel.

use std::{
    convert::Infallible,
    io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::sse::{Event, KeepAlive, Sse},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, future, stream};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::{EVENT, id};

/// How many events a client may be behind. All clients share the channel, so this costs little.
const CHANNEL_CAPACITY: usize = 4096;

struct Events {
    /// Each event is built once, not once for each client.
    sender: broadcast::Sender<Event>,
    published: AtomicU64,
}

#[tokio::main]
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let events = Arc::new(Events {
        sender: broadcast::Sender::new(CHANNEL_CAPACITY),
        published: AtomicU64::new(0),
    });
    let app = Router::new()
        .route("/stream", get(subscribe))
        .route("/publish", post(publish))
        .with_state(events);
    axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await
}

async fn subscribe(
    State(events): State<Arc<Events>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // The comment with which the streams of all servers begin.
    let opening = stream::iter([Event::DEFAULT_KEEP_ALIVE]);
    // A client that is too far behind loses events.
    let events = BroadcastStream::new(events.sender.subscribe())
        .filter_map(|received| future::ready(received.ok()));
    Sse::new(opening.chain(events).map(Ok)).keep_alive(KeepAlive::default())
}

async fn publish(State(events): State<Arc<Events>>, body: String) -> StatusCode {
    let number = events.published.fetch_add(1, Ordering::Relaxed) + 1;
    let event = Event::default().id(id(number)).event(EVENT).data(body);
    // Without clients, sending fails; this is not an error.
    let _ = events.sender.send(event);
    StatusCode::NO_CONTENT
}
