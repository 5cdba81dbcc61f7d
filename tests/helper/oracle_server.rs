//! `oracle-server`: streams with audiences, configured so that the limits of the library are reached all the time, and
//! perhaps writers that save in the same process.

use std::{env, net::TcpListener, time::Duration};

use actix_web::{
    App, Error, HttpMessage, HttpRequest, HttpResponse, HttpServer, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::{Next, from_fn},
    rt::{self, System, task::JoinHandle, time::sleep},
    web::{self, Data},
};
use actix_web_sse::{Cache, Grant, Sse, Subscription, track_authorization};
use support::oracle::{
    AUTHENTICATED, At, GRANTS, GrantText, PATH_WITHOUT_POSITION, SavesOn, ServerSetup,
    WRITERS_ENDED, WriterSetup, elapsed_in_child,
};

use crate::{
    oracle,
    oracle_writer::{self, Writer},
};

/// Small, so that a slow reader is noticed after some dozen events instead of megabytes.
const SEND_BUFFER_BYTES: usize = 8 * 1024;

/// More than the oracle opens.
const MAX_STREAMS: usize = 100_000;

pub(crate) fn run() {
    let variable = |name| env::var(name).unwrap();
    let setup: ServerSetup = serde_json::from_str(&variable("ORACLE_SETUP")).unwrap();
    env_logger::init();
    let config = oracle::config()
        .with_entries_in_memory(setup.in_memory)
        .with_history(setup.history)
        .with_poll_interval(setup.poll)
        .with_lookback(setup.lookback)
        .with_stream_duration(setup.stream)
        .with_max_connections(MAX_STREAMS)
        // Longer than the oracle waits for an event, so that no heartbeat wakes a forgotten stream.
        .with_heartbeat(Duration::from_secs(120));
    System::new().block_on(async {
        let cache = oracle::start(|| Cache::open(&config));
        let sse = oracle::start(|| {
            let sse = Sse::from_cache(&cache);
            sse.config().map(|_| sse)
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER_BYTES).unwrap();
        println!("LISTENING {}", listener.local_addr().unwrap());
        start_writers(&cache);
        HttpServer::new(move || {
            let with_position = web::resource("/sse/stream")
                .to(stream)
                .wrap(from_fn(authenticate))
                .wrap(from_fn(track_authorization));
            let without_position = web::resource(PATH_WITHOUT_POSITION)
                .to(stream)
                .wrap(from_fn(authenticate));
            App::new()
                .app_data(Data::new(sse.clone()))
                .service(with_position)
                .service(without_position)
        })
        .workers(2)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run()
        .await
        .unwrap();
    });
}

/// Starts the writers inside this server. They end with the input.
fn start_writers(cache: &Cache) {
    let setups: Vec<WriterSetup> =
        serde_json::from_str(&env::var("ORACLE_WRITERS").unwrap()).unwrap();
    if setups.is_empty() {
        return;
    }
    let done = oracle::input_end();
    let writers: Vec<_> = (setups.into_iter())
        .map(|setup| {
            start_writer(
                Writer::new(setup.clone(), cache.clone(), done.clone()),
                setup.saves_on,
            )
        })
        .collect();
    rt::spawn(async {
        for writer in writers {
            writer.await.unwrap();
        }
        println!("{WRITERS_ENDED}");
    });
}

fn start_writer(writer: Writer, saves_on: SavesOn) -> JoinHandle<()> {
    match saves_on {
        SavesOn::Thread => rt::task::spawn_blocking(|| oracle_writer::block_on(writer.run())),
        SavesOn::Task => rt::spawn(writer.run()),
    }
}

/// When a request was authenticated.
#[derive(Clone, Copy)]
struct Authenticated(At);

/// Stands for the reading of a session: what is revoked from that moment on must not reach the stream. It takes some
/// time before and after that moment, as the query of a database does.
async fn authenticate<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    random_delay().await;
    let authenticated = Authenticated(elapsed_in_child());
    random_delay().await;
    request.extensions_mut().insert(authenticated);
    next.call(request).await
}

async fn random_delay() {
    if fastrand::bool() {
        sleep(Duration::from_millis(fastrand::u64(..50))).await;
    }
}

async fn stream(
    request: HttpRequest,
    sse: Data<Sse>,
    mut subscription: Subscription,
) -> HttpResponse {
    let grants = request.headers().get(GRANTS);
    let grants = grants.map_or("", |grants| grants.to_str().unwrap());
    for grant in grants.split(',').filter(|grant| !grant.is_empty()) {
        subscription = subscription.grant(grant_of(&GrantText::parse(grant)));
    }
    let authenticated = request.extensions().get::<Authenticated>().copied();
    let Authenticated(at) = authenticated.expect("a middleware authenticates each request");
    let mut response = sse
        .respond(subscription)
        .respond_to(&request)
        .map_into_boxed_body();
    let value = HeaderValue::from_str(&at.as_micros().to_string()).unwrap();
    (response.headers_mut()).insert(HeaderName::from_static(AUTHENTICATED), value);
    response
}

fn grant_of(text: &GrantText) -> Grant {
    let grant = match text.is_prefix {
        true => Grant::prefix(&text.name),
        false => Grant::new(&text.name),
    };
    match &text.since {
        Some(id) => grant.since(id.parse().unwrap()),
        None => grant,
    }
}
