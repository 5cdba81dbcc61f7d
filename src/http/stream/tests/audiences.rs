//! Streams that hold audiences.

mod hidden_revocations;

use super::*;
use crate::{Grant, event_id::EventId};

const REVOKED_END: &str = "event: sse.heartbeat";

fn request(uri: &str) -> Subscription {
    Subscription::new(&TestRequest::with_uri(uri).to_http_request())
}

impl TestSse {
    fn open_stream(&self, subscription: Subscription) -> EventStream {
        self.sse().subscribe(subscription).unwrap()
    }

    fn save_for(&self, name: &str, value: u64) -> EventId {
        self.cache().save("k", value).to(name).blocking().unwrap()
    }

    /// Waits until the server has read everything up to this event.
    async fn has_read(&self, id: EventId) {
        let is_read = async {
            while self.sse().position() < id {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(DEADLINE, is_read).await.unwrap();
    }
}

/// The values of the events in the text.
fn values(text: &str) -> Vec<u64> {
    let after = |text: &str| text.split('}').next().unwrap().parse().unwrap();
    text.split("\"value\":").skip(1).map(after).collect()
}

/// Everything until the stream ends.
async fn rest(stream: &mut EventStream) -> String {
    let mut text = String::new();
    let read = async {
        while let Some(chunk) = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await {
            text += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
    };
    let ended = timeout(DEADLINE, read).await;
    assert!(ended.is_ok(), "the stream goes on");
    text
}

#[actix_web::test]
async fn a_private_value_reaches_its_holders_live_from_memory_and_from_the_journal() {
    for in_memory in [100, 1] {
        let app = app(|config| config.with_entries_in_memory(in_memory));
        let (mut user, mut other) = (
            app.open_stream(request("/").grant("user:4")),
            app.open_stream(request("/").grant("user:5")),
        );
        app.save_for("user:4", 1);
        app.save_for("user:5", 2);
        let both = ["user:4", "user:5"];
        app.cache().save("k", 3).to(both).blocking().unwrap();
        app.save_for("user:6", 4);
        app.cache().save_blocking("k", 5).unwrap();
        let id = app.first_id();
        let uri = format!("/?last_event_id={id}");
        let mut again = app.open_stream(request(&uri).grant("user:4"));
        let mut public = app.open_stream(request(&uri));
        let last = "\"value\":5}";
        assert_eq!(values(&read_until(&mut user, last).await), [1, 3, 5]);
        assert_eq!(values(&read_until(&mut other, last).await), [2, 3, 5]);
        assert_eq!(values(&read_until(&mut again, last).await), [1, 3, 5]);
        assert_eq!(values(&read_until(&mut public, last).await), [5]);
    }
}

#[actix_web::test]
async fn a_revocation_ends_streams_that_sleep_and_streams_that_replay() {
    for in_memory in [100, 1] {
        let app = app(|config| config.with_entries_in_memory(in_memory));
        let uri = format!("/?last_event_id={}", app.first_id());
        let authorized_at = app.sse().position();
        let open =
            |name: &str| app.open_stream(request(&uri).grant(name).authorized_at(authorized_at));
        let (mut awake, mut other) = (open("user:4"), open("user:5"));
        read_until(&mut awake, "sse.heartbeat").await;
        app.save_for("user:4", 1);
        app.cache().revoke_blocking("user:4").unwrap();
        app.save_for("user:4", 2);
        app.cache().save_blocking("k", 3).unwrap();
        let mut replaying = open("user:4");
        for stream in [&mut awake, &mut replaying] {
            let text = rest(stream).await;
            assert_eq!(values(&text), [1], "{text}");
            assert!(
                text.ends_with("\n\n") && text.contains(REVOKED_END),
                "{text}"
            );
            assert!(!text.contains("planned end"), "{text}");
            let retry = text.rsplit("retry: ").next().unwrap();
            let retry: u64 = retry.split('\n').next().unwrap().parse().unwrap();
            assert!((1000..=2000).contains(&retry), "{text}");
        }
        assert_eq!(values(&read_until(&mut other, "\"value\":3}").await), [3]);
        // After it was authorized again, the former revocation does not count.
        let authorized_again = request(&uri).grant("user:4");
        app.has_read(app.cache().revoke_blocking("other").unwrap())
            .await;
        let mut again = app.open_stream(authorized_again.authorized_at(app.sse().position()));
        assert_eq!(
            values(&read_until(&mut again, "\"value\":3}").await),
            [1, 2, 3]
        );
    }
}

/// New streams of a user whose request was authenticated at this position, or at an unknown one, end at once. One
/// that is authenticated now continues.
async fn assert_begins_only_if_authorized_after(app: &TestSse, authorized_at: EventId) {
    let new = || request("/?lookback=false").grant("user:4");
    for subscription in [new().authorized_at(authorized_at), new()] {
        let mut stream = app.open_stream(subscription);
        app.save_for("user:4", 1);
        assert!(values(&rest(&mut stream).await).is_empty());
    }
    let mut stream = app.open_stream(new().authorized_at(app.sse().position()));
    app.save_for("user:4", 2);
    read_until(&mut stream, "\"value\":2}").await;
}

#[actix_web::test]
async fn a_stream_does_not_begin_after_a_revocation_that_followed_its_authentication() {
    let app = app(|config| config);
    let authorized_at = app.sse().position();
    let revoked = app.cache().revoke_blocking("user:4").unwrap();
    app.has_read(revoked).await;
    assert_begins_only_if_authorized_after(&app, authorized_at).await;
}

#[actix_web::test]
async fn clients_see_that_something_was_saved_and_not_for_whom() {
    let app = app(|config| config);
    let mut holder = app.open_stream(request("/").grant("user:4"));
    let mut public = app.open_stream(request("/"));
    let save = app.cache().save("k", 1).to(["user:4", "user:5"]);
    save.blocking().unwrap();
    app.cache().revoke_blocking("user:6").unwrap();
    let last = app.cache().save_blocking("k", 2).unwrap();
    assert!(last.to_string().ends_with("-3"));
    for stream in [&mut holder, &mut public] {
        let text = read_until(stream, "\"value\":2}").await;
        assert!(text.contains(&format!("id: {last}\n")), "{text}");
        assert!(!text.contains("user:"), "{text}");
    }
}

#[actix_web::test]
async fn an_expired_private_value_is_a_gap_for_its_holders_only() {
    let app = app(|config| config);
    let uri = format!("/?last_event_id={}", app.first_id());
    let save = app.cache().save("k", 1).to("user:4");
    save.ttl(Duration::from_millis(1)).blocking().unwrap();
    app.has_read(app.cache().save_blocking("k", 2).unwrap())
        .await;
    sleep(Duration::from_millis(5)).await;
    for (name, has_gap) in [("user:4", true), ("user:5", false)] {
        let mut stream = app.open_stream(request(&uri).grant(name));
        let text = read_until(&mut stream, "\"value\":2}").await;
        assert_eq!(text.contains("sse.gap"), has_gap, "{name}: {text}");
        assert_eq!(values(&text), [2]);
    }
}

#[actix_web::test]
async fn a_grant_may_begin_after_an_event() {
    let app = app(|config| config);
    let uri = format!("/?last_event_id={}", app.first_id());
    app.save_for("team:7", 1);
    let joined_at = app.save_for("team:8", 2);
    app.save_for("team:7", 3);
    let mut stream = app.open_stream(request(&uri).grant(Grant::new("team:7").since(joined_at)));
    assert_eq!(values(&read_until(&mut stream, "\"value\":3}").await), [3]);
}

#[actix_web::test]
async fn a_stream_may_begin_with_the_latest_values_it_may_receive() {
    for in_memory in [100, 1] {
        let app = TestSse::in_folder_with("a:k,b:k2", |config| {
            config
                .with_heartbeat(Duration::from_secs(15))
                .with_lookback(Duration::ZERO)
                .with_entries_in_memory(in_memory)
        })
        .with_deadline(DEADLINE);
        app.sse();
        app.save_for("user:4", 1);
        app.save_for("user:5", 2);
        app.cache().save_blocking("k", 3).unwrap();
        app.cache().save_blocking("k2", 4).unwrap();
        app.save_for("user:4", 5);
        let last = app.cache().save_blocking("k", 6).unwrap();
        app.has_read(last).await;
        let open = |uri: &str| app.open_stream(request(uri).grant("user:4").with_latest());
        let mut new = open("/");
        let mut public = app.open_stream(request("/?latest=true"));
        let mut only_b = open("/?events=b");
        let returning = format!("/?last_event_id={last}");
        let (mut returning, mut joined) = (
            open(&returning),
            open(&(returning.clone() + "&lookback=true")),
        );
        let newest = "\"value\":6}";
        let position = format!("id: {last}\nevent: sse.heartbeat");
        let begin = read_until(&mut new, &position).await;
        assert!(begin.find(newest) < begin.find(&position), "{begin}");
        assert_eq!(values(&begin), [4, 5, 6]);
        assert_eq!(values(&read_until(&mut public, newest).await), [4, 6]);
        assert_eq!(values(&read_until(&mut only_b, "\"value\":4}").await), [4]);
        assert_eq!(values(&read_until(&mut joined, newest).await), [4, 5, 6]);
        app.cache().save_blocking("k2", 7).unwrap();
        let live = "\"value\":7}";
        for stream in [
            &mut new,
            &mut public,
            &mut only_b,
            &mut joined,
            &mut returning,
        ] {
            assert_eq!(values(&read_until(stream, live).await), [7]);
        }
    }
}

#[actix_web::test]
async fn the_latest_values_follow_a_gap_with_rising_ids() {
    let app = app(|config| config.with_lookback(Duration::ZERO));
    app.cache().save_blocking("k", 1).unwrap();
    app.has_read(app.cache().save_blocking("k", 2).unwrap())
        .await;
    let unknown = "/?latest=true&last_event_id=00000000000000ff-9";
    let mut stream = app.open_stream(request(unknown));
    let text = read_until(&mut stream, "\"value\":2}").await;
    assert_eq!(values(&text), [1, 2], "another journal: everything: {text}");
    let invalid = "/?latest=true&last_event_id=invalid";
    let mut stream = app.open_stream(request(invalid));
    let text = read_until(&mut stream, "\"value\":2}").await;
    let gap = text.find("-1\nevent: sse.gap").unwrap();
    assert!(gap < text.find("-2\nevent: a").unwrap(), "{text}");
    assert_eq!(values(&text), [2]);
}

/// The app has not noted when it authenticated the request, so it must do so again. Until then, the client must learn
/// no position: with one, it would continue there.
#[actix_web::test]
async fn a_client_that_is_authorized_again_first_still_begins_with_the_latest_values() {
    let app = app(|config| config.with_lookback(Duration::ZERO));
    app.cache().save_blocking("k", 1).unwrap();
    app.has_read(app.cache().revoke_blocking("user:4").unwrap())
        .await;
    for uri in ["/?latest=true", "/?latest=true&last_event_id=invalid"] {
        let text = rest(&mut app.open_stream(request(uri).grant("user:4"))).await;
        assert!(!text.contains("id: "), "{text}");
    }
}

#[actix_web::test]
async fn latest_values_that_do_not_fit_into_one_chunk_arrive_once() {
    let events: Vec<_> = (0..10)
        .map(|index| format!("e{index}:k{index},f{index}:k{index}"))
        .collect();
    let app = TestSse::in_folder_with(&events.join(","), |config| {
        config.with_lookback(Duration::ZERO)
    })
    .with_deadline(DEADLINE);
    let mut last = None;
    for index in 0..10 {
        let value = format!("{index}").repeat(5_000);
        last = Some(
            app.cache()
                .save_blocking(format!("k{index}"), value)
                .unwrap(),
        );
    }
    app.has_read(last.unwrap()).await;
    let mut stream = app.open_stream(request("/?latest=true"));
    let last = format!("{}\"}}\n\n", "9".repeat(5_000));
    let mut text = String::new();
    while text.matches(&last).count() < 2 {
        text += &timeout(DEADLINE, next(&mut stream)).await.unwrap();
    }
    let events: Vec<_> = text
        .split("event: ")
        .skip(1)
        .map(|text| text.split('\n').next().unwrap())
        .collect();
    let app_events: Vec<_> = events
        .into_iter()
        .filter(|name| !name.starts_with("sse."))
        .collect();
    assert_eq!(app_events.len(), 20, "{app_events:?}");
}

#[actix_web::test]
async fn the_first_block_identifies_the_user_and_public_streams_have_none() {
    let app = app(|config| config);
    let mut public = app.open_stream(request("/"));
    assert!(
        !read_until(&mut public, "sse.heartbeat")
            .await
            .contains(": identity")
    );
    let identity = |text: String| {
        let (_, after) = text.split_once("\n: identity ").unwrap();
        after.split('\n').next().unwrap().to_owned()
    };
    let mut first = app.open_stream(request("/").grant("user:4"));
    let mut second = app.open_stream(request("/").identify("4"));
    let first = identity(read_until(&mut first, "sse.heartbeat").await);
    let second = identity(read_until(&mut second, "sse.heartbeat").await);
    assert_eq!((first.len(), second.len()), (32, 32));
    assert_ne!(first, second);
}

#[actix_web::test]
async fn a_stream_ends_when_its_authorization_expires() {
    let app = app(|config| config);
    let open = || {
        let soon = std::time::SystemTime::now() + Duration::from_millis(300);
        app.sse()
            .subscribe(request("/").grant("user:4").until(soon))
    };
    // On a busy machine, the time may be over before the stream opens.
    let mut stream = (0..3).find_map(|_| open().ok()).unwrap();
    let text = rest(&mut stream).await;
    assert!(text.contains(": planned end\n"), "{text}");
}

#[actix_web::test]
async fn the_streams_of_an_audience_are_counted() {
    let app = app(|config| config);
    let count = |name: &str| app.sse().stats().audience(name);
    let first = app.open_stream(request("/").grant("user:4").grant("team:7"));
    let second = app.open_stream(request("/").grant("user:5").grant("team:7"));
    let _staff = app.open_stream(request("/").grant_prefix("user:"));
    assert_eq!(
        [count("user:4"), count("team:7"), count("user:")],
        [1, 2, 0]
    );
    drop(first);
    assert_eq!([count("user:4"), count("team:7")], [0, 1]);
    drop(second);
    assert_eq!(count("team:7"), 0);
}
