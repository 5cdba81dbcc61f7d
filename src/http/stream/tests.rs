//! Streams beside a cache that is meddled with.

use std::{
    fs,
    future::poll_fn,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use actix_web::{
    body::MessageBody,
    rt::time::{sleep, timeout},
    test::TestRequest,
};

use super::EventStream;
use crate::{
    Config, Sse, cache::Cache, epoch::Epoch, http::subscription::Subscription,
    journal::file::non_regular_files::make_permissions_apply_to_root,
};

struct App {
    dir: tempfile::TempDir,
    cache: Cache,
    sse: Sse,
}

const POLL: Duration = Duration::from_millis(200);

fn app(change: impl FnOnce(Config) -> Config) -> App {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::new(dir.path(), "a:k")
        .unwrap()
        .with_poll_interval(POLL);
    let config = change(config.with_stream_duration(Duration::ZERO));
    let cache = Cache::open(&config).unwrap();
    let sse = Sse::follow(&cache).unwrap();
    App { dir, cache, sse }
}

impl App {
    fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join("writable/cache").join(name)
    }

    fn open(&self, last_event_id: Option<&str>) -> EventStream {
        let mut request = TestRequest::default();
        if let Some(id) = last_event_id {
            request = request.insert_header(("last-event-id", id));
        }
        let subscription = Subscription::from_request(&request.to_http_request()).unwrap();
        self.sse.open(subscription).unwrap()
    }
}

/// The next chunk.
async fn next(stream: &mut EventStream) -> String {
    let chunk = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await;
    String::from_utf8(chunk.expect("it has ended").unwrap().to_vec()).unwrap()
}

/// Reads until all of these texts have come, in this order.
async fn expect(stream: &mut EventStream, texts: &[&str]) -> String {
    let mut heard = String::new();
    for text in texts {
        let mut from = 0;
        loop {
            if let Some(at) = heard[from..].find(text) {
                from += at + text.len();
                heard.drain(..from);
                break;
            }
            from = 0;
            let chunk = timeout(Duration::from_secs(10), next(stream)).await;
            heard.push_str(
                &chunk.unwrap_or_else(|_| panic!("waited in vain for {text:?} after {heard:?}")),
            );
        }
    }
    heard
}

#[actix_web::test]
async fn an_entry_whose_file_is_gone_is_a_gap_and_the_rest_arrives() {
    let app = app(|config| config.with_in_memory(1));
    let mut stream = app.open(None);
    for value in 1..=4 {
        app.cache.save_blocking("k", value).unwrap();
    }
    expect(&mut stream, &["\"value\":4"]).await;
    let id = app.sse.server.hub.opening().epoch.to_string() + "-0";
    fs::remove_file(app.folder(".sse/journal-2/000000000000/.00000000000000000002")).unwrap();
    let mut returning = app.open(Some(&id));
    expect(
        &mut returning,
        &[
            "\"value\":1",
            "sse.gap",
            "unreadable",
            "\"value\":3",
            "\"value\":4",
        ],
    )
    .await;
}

#[actix_web::test]
async fn who_sleeps_through_more_than_memory_holds_is_not_behind() {
    let app = app(|config| config.with_in_memory(4));
    let dir = app.dir.path();
    let config = Config::new(dir, "a:k,rare:r").unwrap();
    let sse = Sse::start(&config.with_in_memory(4)).unwrap();
    let open = |query: &str| {
        let request = TestRequest::with_uri(query).to_http_request();
        sse.open(Subscription::from_request(&request).unwrap())
            .unwrap()
    };
    let (mut all, mut rare) = (open("/"), open("/?events=rare"));
    expect(&mut rare, &["sse.heartbeat"]).await;
    poll_fn(|context| {
        assert!(Pin::new(&mut rare).poll_next(context).is_pending());
        Poll::Ready(())
    })
    .await;
    for value in 1..=12 {
        app.cache.save_blocking("k", value).unwrap();
        expect(&mut all, &[&format!("\"value\":{value}")]).await;
        // The thread looks at what is new before memory holds it no more.
        tokio::task::yield_now().await;
    }
    // The journal could say nothing of what it has slept through.
    for number in 1..=12 {
        let name = format!(".sse/journal-2/000000000000/.{number:020}");
        fs::remove_file(app.folder(&name)).unwrap();
    }
    app.cache.save_blocking("r", 13).unwrap();
    let chunk = timeout(Duration::from_secs(10), next(&mut rare)).await;
    let chunk = chunk.unwrap();
    assert!(chunk.contains("-13\nevent: rare\n"), "{chunk}");
}

#[actix_web::test]
async fn a_deletion_is_no_event_and_no_gap_whether_it_comes_from_memory_or_from_the_journal() {
    for in_memory in [100, 1] {
        let app = app(|config| config.with_in_memory(in_memory));
        let mut stream = app.open(None);
        app.cache.save_blocking("k", 1).unwrap();
        app.cache.delete_blocking("k").unwrap();
        app.cache.save_blocking("k", 3).unwrap();
        app.cache.delete_blocking("k").unwrap();
        app.cache.save_blocking("k", 5).unwrap();
        let id = app.sse.server.hub.opening().epoch.to_string() + "-0";
        let mut returning = app.open(Some(&id));
        for stream in [&mut stream, &mut returning] {
            let mut heard = String::new();
            while !heard.contains("-5\nevent: a\n") {
                let chunk = timeout(Duration::from_secs(10), next(stream)).await;
                heard += &chunk.unwrap_or_else(|_| panic!("only {heard}"));
            }
            let told: Vec<&str> = heard
                .lines()
                .filter_map(|line| line.strip_prefix("event: "))
                .collect();
            assert_eq!(told, ["sse.heartbeat", "a", "a", "a"], "{heard}");
        }
    }
}

#[actix_web::test]
async fn a_replaced_folder_is_a_gap_and_what_is_saved_there_arrives() {
    let app = app(|config| config.with_lookback(Duration::ZERO));
    let mut stream = app.open(None);
    app.cache.save_blocking("k", "old").unwrap();
    expect(&mut stream, &["\"old\""]).await;
    fs::rename(app.dir.path().join("writable"), app.dir.path().join("away")).unwrap();
    // Saved in the new folder before anybody has noticed it.
    app.cache.save_blocking("k", "new").unwrap();
    let rest = expect(&mut stream, &["sse.gap", "other-epoch", "\"new\""]).await;
    assert!(!rest.contains("old"), "{rest}");
    app.cache.save_blocking("k", "newer").unwrap();
    let rest = expect(&mut stream, &["\"newer\""]).await;
    assert!(!rest.contains("\"new\""), "{rest}");
}

#[actix_web::test]
async fn a_journal_that_the_client_knows_before_its_server_does_is_no_gap() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(2)));
    fs::rename(app.dir.path().join("writable"), app.dir.path().join("away")).unwrap();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.sse.server.hub.store().current().unwrap().epoch();
    assert_ne!(app.sse.server.hub.opening().epoch, epoch, "not noticed yet");
    // Another server has sent it this far.
    let mut returning = app.open(Some(&format!("{epoch}-1")));
    app.cache.save_blocking("k", "new").unwrap();
    let mut heard = String::new();
    while !heard.contains("\"new\"") {
        let next = poll_fn(|context| Pin::new(&mut returning).poll_next(context));
        let chunk = timeout(Duration::from_secs(10), next).await.unwrap();
        heard.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    assert!(!heard.contains("had") && !heard.contains("gap"), "{heard}");
    let mut unknown = app.open(Some("0123456789abcdef-1"));
    expect(&mut unknown, &["sse.gap", "other-epoch"]).await;
}

#[actix_web::test]
async fn what_is_saved_for_who_is_there_already_arrives_however_late_its_server_notices() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(1)));
    fs::rename(app.dir.path().join("writable"), app.dir.path().join("away")).unwrap();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.sse.server.hub.store().current().unwrap().epoch();
    let mut returning = app.open(Some(&format!("{epoch}-1")));
    // Its place is looked up now.
    expect(&mut returning, &["sse.heartbeat"]).await;
    assert!(
        timeout(Duration::from_millis(200), next(&mut returning))
            .await
            .is_err()
    );
    let brief = app.cache.save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    assert_ne!(app.sse.server.hub.opening().epoch, epoch, "not noticed yet");
    // Nobody asks for it before the tail has read it all.
    let read = async {
        while app.sse.server.hub.opening().epoch != epoch || app.sse.server.hub.opening().end != 3 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), read).await.unwrap();
    let heard = next(&mut returning).await;
    assert!(heard.contains("brief"), "{heard}");
}

#[actix_web::test]
async fn numbers_of_a_replaced_journal_say_nothing_of_what_is_saved_in_the_one_in_force() {
    let app = app(|config| config);
    for value in 1..=3 {
        app.cache.save_blocking("k", value).unwrap();
    }
    let has_read = async |epoch, end| {
        let read = async {
            while app.sse.server.hub.opening().epoch != epoch
                || app.sse.server.hub.opening().end != end
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(10), read).await.unwrap();
    };
    has_read(app.sse.server.hub.opening().epoch, 4).await;
    fs::rename(app.dir.path().join("writable"), app.dir.path().join("away")).unwrap();
    app.cache.save_blocking("k", "had").unwrap();
    let epoch = app.sse.server.hub.store().current().unwrap().epoch();
    let mut returning = app.open(Some(&format!("{epoch}-1")));
    assert_ne!(app.sse.server.hub.opening().epoch, epoch, "not noticed yet");
    // The tail is there before the stream has looked for its place.
    has_read(epoch, 2).await;
    expect(&mut returning, &["sse.heartbeat"]).await;
    assert!(
        timeout(POLL, next(&mut returning)).await.is_err(),
        "it has had all there is"
    );
    let brief = app.cache.save("k", "brief").ttl(Duration::from_millis(1));
    brief.blocking().unwrap();
    has_read(epoch, 3).await;
    sleep(Duration::from_millis(20)).await;
    let heard = next(&mut returning).await;
    assert!(heard.contains("brief"), "{heard}");
}

#[actix_web::test]
async fn a_client_of_another_journal_is_put_into_the_one_in_force_and_no_older_one() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(2)));
    app.cache.save_blocking("k", "old").unwrap();
    let mut stream = app.open(None);
    expect(&mut stream, &["\"old\""]).await;
    fs::rename(app.dir.path().join("writable"), app.dir.path().join("away")).unwrap();
    let epoch = app.sse.server.hub.store().current().unwrap().epoch();
    assert_ne!(app.sse.server.hub.opening().epoch, epoch, "not noticed yet");
    let mut returning = app.open(Some("0123456789abcdef-1"));
    let first = expect(&mut returning, &["event: ", "\n\n"]).await;
    assert_eq!(first, "", "nothing but a heartbeat, and that was it");
    let next = poll_fn(|context| Pin::new(&mut returning).poll_next(context));
    let chunk = timeout(Duration::from_secs(10), next).await.unwrap();
    let gap = format!("id: {epoch}-0\nevent: sse.gap");
    assert!(chunk.unwrap().unwrap().starts_with(gap.as_bytes()));
}

#[actix_web::test]
async fn a_client_of_another_journal_gets_all_that_was_saved_since_this_one_began() {
    let app = app(|config| config.with_in_memory(2));
    app.cache.save_blocking("k", "old").unwrap();
    let id = format!("{}-1", app.sse.server.hub.opening().epoch);
    fs::rename(app.dir.path().join("writable"), app.dir.path().join("away")).unwrap();
    for value in 1..=9 {
        app.cache.save_blocking("k", value).unwrap();
    }
    let mut returning = app.open(Some(&id));
    let texts = ["other-epoch", "\"value\":1}", "\"value\":9}"];
    expect(&mut returning, &texts).await;
}

#[actix_web::test]
async fn a_new_client_is_told_its_place_also_while_the_journal_is_replaced() {
    let app = app(|config| config);
    let feed = Arc::clone(app.sse.server.hub.feed());
    let done = Arc::new(AtomicBool::new(false));
    let replacing = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            for epoch in 1.. {
                feed.ring.restart(Epoch(epoch), None, 1);
                if done.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    while app.sse.server.hub.opening().epoch.0 > 1_000_000 {
        thread::yield_now();
    }
    for _ in 0..5_000 {
        let first = next(&mut app.open(None)).await;
        assert!(first.contains("id: "), "{first}");
    }
    done.store(true, Ordering::Relaxed);
    replacing.join().unwrap();
}

#[actix_web::test]
async fn a_client_of_a_journal_that_was_put_away_gets_what_was_saved_since_then() {
    let app = app(|config| config);
    app.cache.save_blocking("k", "had").unwrap();
    let mut stream = app.open(None);
    expect(&mut stream, &["\"had\""]).await;
    let journal = app.sse.server.hub.store().current().unwrap();
    journal.discard().unwrap();
    app.cache.save_blocking("k", "new").unwrap();
    expect(&mut stream, &["sse.gap", "other-epoch"]).await;
    let mut heard = String::new();
    while !heard.contains("\"new\"") {
        heard.push_str(&next(&mut stream).await);
    }
    assert!(!heard.contains("had"), "{heard}");
}

#[actix_web::test]
async fn a_stray_folder_in_the_place_of_the_next_delays_no_event() {
    let app = app(|config| config.with_poll_interval(Duration::from_secs(60)));
    let mut stream = app.open(None);
    fs::create_dir(app.folder(".sse").join("journal-2/000000000001")).unwrap();
    for value in 1..=999 {
        app.cache.save_blocking("k", value).unwrap();
    }
    expect(&mut stream, &["\"value\":999}"]).await;
    for value in 1_000..=1_003 {
        app.cache.save_blocking("k", value).unwrap();
        let event = format!("\"value\":{value}}}");
        expect(&mut stream, &[&event]).await;
    }
}

#[actix_web::test]
async fn events_do_not_wait_for_old_entries_that_cannot_be_removed() {
    let app = app(|config| {
        make_permissions_apply_to_root(config.cache_dir());
        config.with_poll_interval(Duration::from_secs(60))
    });
    app.cache.save_blocking("k", "first").unwrap();
    let own = app.folder(".sse");
    let _ = fs::create_dir(own.join("trash"));
    fs::set_permissions(own.join("trash"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut stream = app.open(None);
    for value in 1..=1_200 {
        app.cache.save_blocking("k", value).unwrap();
    }
    expect(&mut stream, &["\"value\":1200"]).await;
    app.cache.save_blocking("k", "prompt").unwrap();
    expect(&mut stream, &["\"prompt\""]).await;
}

#[actix_web::test]
async fn closing_ends_streams_with_their_place() {
    let app = app(|config| config);
    let mut stream = app.open(None);
    app.cache.save_blocking("k", 1).unwrap();
    expect(&mut stream, &["\"value\":1"]).await;
    assert_eq!(app.sse.stats().connections, 1);
    app.sse.close();
    expect(&mut stream, &["-1\nevent: sse.heartbeat"]).await;
    let end = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    assert!(end.is_none());
    drop(stream);
    assert_eq!(app.sse.stats().connections, 0);
}

#[actix_web::test]
async fn a_silent_stream_says_that_it_is_alive() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(50)));
    let mut stream = app.open(None);
    expect(
        &mut stream,
        &[
            "sse.heartbeat",
            "sse.heartbeat\ndata: 0.05",
            "sse.heartbeat",
        ],
    )
    .await;
}

#[actix_web::test]
async fn behind_a_heartbeat_the_connection_is_tried_once_more() {
    let app = app(|config| config.with_heartbeat(Duration::from_millis(100)));
    let mut stream = app.open(None);
    expect(
        &mut stream,
        &[
            "sse.heartbeat\ndata: 0.1\n\n:\n",
            "sse.heartbeat\ndata: 0.1\n\n:\n",
        ],
    )
    .await;
}

#[actix_web::test]
async fn a_large_value_comes_in_pieces_and_whole_before_a_stream_ends() {
    let app = app(|config| config);
    let mut stream = app.open(None);
    let value = "0123456789".repeat(5_000);
    app.cache.save_blocking("k", &value).unwrap();
    expect(&mut stream, &["\"value\":\"0123"]).await;
    app.sse.close();
    let mut rest = String::new();
    while let Some(piece) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        let piece = piece.unwrap();
        assert!(piece.len() <= super::PIECE, "{} bytes at once", piece.len());
        rest.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let (value, end) = rest.split_once("\"}\n\n").unwrap();
    assert!(value.len() > 40_000 && value.ends_with("0123456789"));
    assert!(end.contains("-1\nevent: sse.heartbeat"), "{end}");
}

/// docs/performance.md says so, and memory for each client is what limits their number.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_stream_is_small() {
    assert!(size_of::<EventStream>() <= 248);
}
