//! What a subscriber sees of the library. It is installed for the whole process, because most spans belong to threads of
//! the library's own, so tests recognise what is theirs.

use std::{
    fmt::{self, Write},
    fs,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use actix_web::{
    App, Responder,
    body::MessageBody,
    rt::time::sleep,
    test::{TestRequest, call_service, init_service},
};
use futures_util::future::{Either, select};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    info_span,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

#[cfg(feature = "redis")]
use crate::Cache;
use crate::{Subscription, runtime::lock, testing::TestSse};

const DEADLINE: Duration = Duration::from_secs(10);

/// An event, or a span that has ended.
#[derive(Debug, Clone)]
struct Seen {
    level: Level,
    name: &'static str,
    parent: Option<&'static str>,
    /// ` name=value` for each field.
    fields: String,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.fields, " {field}={value:?}").unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.fields, " {field}={value}").unwrap();
    }
}

fn all_seen() -> &'static Mutex<Vec<Seen>> {
    static SEEN: OnceLock<Mutex<Vec<Seen>>> = OnceLock::new();
    SEEN.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        Mutex::default()
    })
}

struct Recorder;

impl Recorder {
    fn keep(seen: &Seen) {
        // Other tests save ten thousands of values.
        if seen.fields.contains(MARK) || seen.parent == Some(PARENT) || seen.name == "sse.replay" {
            lock(all_seen()).push(seen.clone());
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("actix_web_sse")
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut seen = Seen {
            level: *attributes.metadata().level(),
            name: attributes.metadata().name(),
            parent: span.parent().map(|parent| parent.name()),
            fields: String::new(),
        };
        attributes.record(&mut seen);
        span.extensions_mut().insert(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Seen>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut seen = Seen {
            level: *event.metadata().level(),
            name: "event",
            parent: None,
            fields: String::new(),
        };
        event.record(&mut seen);
        Self::keep(&seen);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let extensions = span.extensions();
        Self::keep(extensions.get::<Seen>().unwrap());
    }
}

/// In all keys, values and names of these tests.
const MARK: &str = "xq7";

/// The span of a test.
const PARENT: &str = "xq7.request";

/// Waits for a span or event.
async fn wait_for(is_wanted: impl Fn(&Seen) -> bool) -> Seen {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = lock(all_seen())
            .iter()
            .find(|seen| is_wanted(seen))
            .cloned();
        if let Some(seen) = found {
            return seen;
        }
        assert!(Instant::now() < deadline, "{:#?}", lock(all_seen()));
        sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_save_and_its_delivery_are_spans() {
    all_seen();
    let app = TestSse::in_memory("a:xq7-saved");
    let mut stream = app.connect();
    let request = info_span!("xq7.request");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let save = app.cache().save("xq7-saved", "four").trace_parent(trace);
    let id = request.in_scope(|| save.into_future()).await.unwrap();
    assert_eq!(stream.next::<String>("a").await, "four");
    let of_key = |name: &'static str| {
        move |seen: &Seen| seen.name == name && seen.fields.contains("xq7-saved")
    };
    let saved = wait_for(of_key("sse.save")).await;
    assert_eq!(saved.parent, Some(PARENT), "on another thread");
    let fields = format!(" otel.kind=producer key=xq7-saved bytes=6 id={id}");
    assert_eq!(saved.fields, fields);
    let delivered = wait_for(of_key("sse.deliver")).await;
    assert_eq!(delivered.parent, None);
    let fields = format!(" otel.kind=consumer key=xq7-saved id={id} traceparent={trace}");
    assert_eq!(delivered.fields, fields);
}

#[actix_web::test]
async fn the_set_up_of_a_stream_is_a_span_that_ends_before_the_stream() {
    all_seen();
    let app = TestSse::in_memory("a:k");
    let stream = info_span!("xq7.request").in_scope(|| app.connect());
    let opened = wait_for(|seen| seen.name == "sse.stream").await;
    assert_eq!(
        (opened.parent, &*opened.fields),
        (Some(PARENT), " resumed=false")
    );
    drop(stream);
}

#[actix_web::test]
async fn the_streams_of_the_dashboard_have_no_line_in_the_log() {
    all_seen();
    let app = TestSse::in_memory("a:k");
    let service = App::new().service(app.sse().dashboard().at("/xq7-dashboard"));
    let service = init_service(service).await;
    let request = |path: &str| TestRequest::with_uri(path).to_request();
    for (query, status) in [("", 200), ("?events=unknown", 400)] {
        let stream = request(&format!("/xq7-dashboard/stream{query}"));
        let stream = call_service(&service, stream).await;
        assert_eq!(stream.status(), status);
    }
    let seen = lock(all_seen());
    let mut lines = seen
        .iter()
        .filter(|seen| seen.fields.contains("xq7-dashboard"));
    assert!(lines.next().is_none(), "{seen:#?}");
}

#[actix_web::test]
async fn a_read_of_the_journal_for_a_stream_is_a_span() {
    all_seen();
    let app = TestSse::in_memory("a:k");
    let id = app.cache().save("k", 1).await.unwrap();
    let request = TestRequest::with_uri("/?latest=true").to_http_request();
    let mut stream = app.sse().subscribe(Subscription::new(&request)).unwrap();
    let epoch = id.to_string().split('-').next().unwrap().to_owned();
    let poll = async {
        while poll_fn(|context| Pin::new(&mut stream).poll_next(context))
            .await
            .is_some()
        {}
    };
    let replay = wait_for(|seen| seen.name == "sse.replay" && seen.fields.contains(&epoch));
    let replay = match select(pin!(poll), pin!(replay)).await {
        Either::Right((replay, _)) => replay,
        Either::Left(_) => panic!("the stream has ended"),
    };
    assert_eq!(replay.parent, None);
    assert!(replay.fields.contains(" bytes="), "{replay:?}");
}

#[actix_web::test]
async fn the_ingest_of_a_drop_in_is_a_span() {
    all_seen();
    let app = TestSse::in_folder("a:xq7-ingested");
    let mut stream = app.connect();
    let cache = app.folder().join("writable/cache");
    fs::write(cache.join("xq7-ingested"), "1").unwrap();
    stream.next::<u64>("a").await;
    let ingested = wait_for(|seen| seen.name == "sse.ingest").await;
    assert_eq!(ingested.fields, " otel.kind=producer key=xq7-ingested");
}

/// Every value, audience, token and password has the mark.
#[actix_web::test]
async fn nothing_at_info_or_above_tells_what_is_private() {
    all_seen();
    let app = TestSse::in_folder("a:key:private,b:public");
    let mut stream = app.as_user("user:xq7-anne").connect();
    for (value, audience) in [
        ("xq7-secret", "user:xq7-anne"),
        ("xq7-other", "user:xq7-bob"),
    ] {
        app.cache().save("key", value).to(audience).await.unwrap();
    }
    assert_eq!(stream.next::<String>("a").await, "xq7-secret");
    app.cache().get("key").to("user:xq7-anne").await.unwrap();
    app.cache().save("key", "xq7-refused").await.unwrap_err();
    app.cache()
        .save("key", "xq7-refused")
        .to("xq7\n")
        .await
        .unwrap_err();
    let cache = app.folder().join("writable/cache");
    // The key is private, so the file is refused. The log says so.
    fs::write(cache.join("key"), "xq7-dropped").unwrap();
    for uri in [
        "/?to=user:xq7-anne",
        "/?to=user:xq7-anne,%2A",
        "/?token=xq7-token",
    ] {
        let request = TestRequest::with_uri(uri)
            .insert_header(("Cookie", "session=xq7-cookie"))
            .insert_header(("Authorization", "Bearer xq7-token"))
            .to_http_request();
        let subscription = Subscription::new(&request);
        app.sse().respond(subscription).respond_to(&request);
    }
    app.cache().revoke("user:xq7-anne").await.unwrap();
    app.cache().delete("key").to("user:xq7-bob").await.unwrap();
    stream.expect_end().await;
    // Something that is seen, after everything else.
    app.cache().save("xq7-end", 1).await.unwrap();
    wait_for(|seen| seen.fields.contains("xq7-end")).await;
    let all = lock(all_seen());
    let private = all.iter().filter(|seen| {
        let is_key = ["xq7-saved", "xq7-ingested", "xq7-end", "xq7-redis"]
            .iter()
            .any(|key| seen.fields.contains(key));
        !is_key && seen.fields.contains(MARK)
    });
    // Also nothing at a lower level.
    assert_eq!(
        private.map(|seen| &seen.fields).collect::<Vec<_>>(),
        [""; 0]
    );
    assert!(
        all.iter()
            .all(|seen| seen.level > Level::INFO || !seen.fields.contains(MARK))
    );
}

#[cfg(feature = "redis")]
#[test]
fn a_command_to_redis_is_a_span_without_the_password() {
    all_seen();
    let folder = tempfile::tempdir().unwrap();
    let env =
        "SSE_EVENTS=a:k\nSSE_CACHE=redis://anne:xq7-password@127.0.0.1:1/0?prefix=xq7-redis\n";
    fs::write(folder.path().join(".env"), env).unwrap();
    let cache = Cache::from_dir(folder.path());
    info_span!("xq7.request").in_scope(|| cache.get_blocking("k").unwrap_err());
    let all = lock(all_seen());
    let command = all.iter().find(|seen| seen.name == "sse.redis").unwrap();
    assert!(
        command.fields.contains(" operation=open the journal"),
        "{command:?}"
    );
    assert!(
        command.fields.contains(" error.type=Unavailable"),
        "{command:?}"
    );
    assert!(!all.iter().any(|seen| seen.fields.contains("xq7-password")));
}
