use serde_json::Value;

use super::*;
use crate::testing::TestSse;

fn feed(app: &TestSse) -> Arc<Feed> {
    Feed::of(app.sse(), false, true)
}

fn state(feed: &Feed) -> Value {
    let snapshot: Value = serde_json::from_str(&feed.snapshot()).unwrap();
    snapshot["state"].clone()
}

#[actix_web::test]
async fn a_page_that_opens_shows_what_happened_before() {
    let app = TestSse::in_memory("a:k");
    let feed = feed(&app);
    let mut stream = app.connect();
    app.cache().save_blocking("k", 1).unwrap();
    stream.next::<u64>("a").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    // The worker adds its counts at the end of its turn.
    while state(&feed)["deliveries"][0].is_null() {
        assert!(Instant::now() < deadline, "nothing was delivered");
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    let shown = state(&feed);
    assert_eq!(shown["deliveries"][0]["recent"], 1, "{shown}");
    assert_eq!(shown["opened"][0]["recent"], 1, "{shown}");
    assert!(shown["recentSeconds"].as_f64().unwrap() > 0.0, "{shown}");
    feed.delay(Duration::from_secs(50));
    assert_eq!(state(&feed)["deliveries"][0]["recent"], 1);
    feed.turn();
    feed.delay(Duration::from_secs(15));
    let shown = state(&feed);
    let seconds = shown["recentSeconds"].as_f64().unwrap();
    assert!((60.0..75.0).contains(&seconds), "{shown}");
    assert_eq!(shown["deliveries"][0]["recent"], 1, "{shown}");
    feed.delay(Duration::from_secs(60));
    assert_eq!(state(&feed)["deliveries"][0]["recent"], 0);
}

#[test]
fn the_counts_are_read_while_nobody_watches() {
    let app = TestSse::in_memory("a:k");
    let feed = feed(&app);
    let samples = || lock(&feed.history).len();
    for count in 1..4 {
        assert_eq!(samples(), count);
        assert!(feed.turn() <= SAMPLE_INTERVAL);
        assert_eq!(samples(), count, "it is not due");
        feed.delay(SAMPLE_INTERVAL);
        feed.turn();
    }
    assert!(!feed.is_live());
    let thread = lock(&feed.thread);
    assert!(thread.is_some(), "no thread reads them");
}

#[actix_web::test]
async fn only_streams_with_audiences_listen_to_a_private_event() {
    let app = TestSse::in_memory("msg:messages:private,mixed:messages:private,mixed:other,all:k");
    let feed = feed(&app);
    let listeners = || {
        let shown = state(&feed);
        let by_event = shown["streams"]["byEvent"].as_array().unwrap().iter();
        by_event
            .map(|event| event["streams"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    // A stream is open when it has sent something.
    let mut public = [app.connect(), app.connect_to(["msg", "all"])];
    app.cache().save_blocking("k", 1).unwrap();
    for stream in &mut public {
        stream.next::<u64>("all").await;
    }
    assert_eq!(listeners(), [0, 1, 2]);
    let user = app.as_user("user:1");
    let mut private = [user.connect(), user.connect_to(["msg"])];
    // A new client also receives what was saved just before.
    private[0].next::<u64>("all").await;
    let save = app.cache().save("messages", 2).to("user:1");
    save.blocking().unwrap();
    private[1].next::<u64>("msg").await;
    assert_eq!(listeners(), [2, 2, 3]);
}

#[test]
fn an_edit_that_has_no_effect_is_shown_until_it_is_corrected() {
    let dir = tempfile::tempdir().unwrap();
    let edit = |text: &str| std::fs::write(dir.path().join(".env"), text).unwrap();
    edit("SSE_EVENTS=a:k\n");
    let sse = Sse::from_cache(&Cache::from_dir(dir.path()));
    let feed = Feed::of(&sse, false, true);
    let wait_until = |is_expected: &dyn Fn(&Value) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let shown = state(&feed);
            assert_eq!(shown["problem"], Value::Null);
            if is_expected(&shown["configProblem"]) {
                return;
            }
            assert!(Instant::now() < deadline, "{shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_until(&Value::is_null);
    edit("SSE_EVENTS=a:k\nSSE_TTL=soon\n");
    wait_until(&|problem| {
        let text = |name: &str| problem[name].as_str().unwrap_or_default();
        text("message").contains("`soon`") && text("help").contains("SSE_TTL=60")
    });
    edit("SSE_EVENTS=a:k\nSSE_TTL=60\n");
    wait_until(&Value::is_null);
}

#[test]
fn a_journal_that_was_replaced_recently_is_shown() {
    let app = TestSse::in_memory("a:k");
    let feed = feed(&app);
    app.sse().observations().epoch_changed();
    assert_eq!(state(&feed)["recentEpochChanges"], 1);
    feed.delay(SAMPLE_INTERVAL);
    feed.turn();
    feed.delay(Duration::from_secs(60));
    let shown = state(&feed);
    assert_eq!(shown["recentEpochChanges"], 0);
    assert_eq!(shown["cache"]["epochChanges"], 1);
}

#[actix_web::test]
async fn rates_in_words_are_of_the_last_ten_seconds() {
    let app = TestSse::in_memory("a:k");
    let feed = feed(&app);
    let mut stream = app.connect();
    feed.delay(SAMPLE_INTERVAL);
    feed.turn();
    for value in 0..20 {
        app.cache().save_blocking("k", value).unwrap();
        stream.next::<u64>("a").await;
    }
    feed.delay(Duration::from_secs(10));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let shown = state(&feed);
        let rate = |name: &str| shown[name].as_f64().unwrap_or_default();
        // What is shown is of ten seconds and a little.
        let is_rate = |rate: f64| (1.5..=2.0).contains(&rate);
        if is_rate(rate("savesPerSecond")) && is_rate(rate("deliveriesPerSecond")) {
            return;
        }
        assert!(Instant::now() < deadline, "{shown}");
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn the_page_names_its_server() {
    let app = TestSse::in_memory("a:k");
    let feed = feed(&app);
    let snapshot: Value = serde_json::from_str(&feed.snapshot()).unwrap();
    let server = &snapshot["state"]["server"];
    assert_eq!(server, &snapshot["server"]);
    assert_eq!(server["processId"], std::process::id());
    assert!(!server["name"].as_str().unwrap().is_empty());
    let started_at = humantime::parse_rfc3339(server["startedAt"].as_str().unwrap()).unwrap();
    assert!(started_at.elapsed().unwrap() < Duration::from_secs(3600));
}
