//! What new clients receive of entries whose time does not fit the server's clock.

use std::time::SystemTime;

use serde_json::value::to_raw_value;

use super::*;
use crate::entry::encode_document;

const HOUR: Duration = Duration::from_secs(3600);

const NO_TTL: Duration = Duration::ZERO;

/// How an entry's time differs from the clock of the server that starts afterwards.
#[derive(Clone, Copy)]
enum Time {
    Ahead(Duration),
    Ago(Duration),
}

/// An app whose server starts after an entry of each of these times was saved, with the values 1, 2, 3…
fn app_with_entries(ttl: Duration, times: impl IntoIterator<Item = Time>) -> TestSse {
    let app = TestSse::in_memory("a:k");
    let journal = app.journal();
    let now = SystemTime::now();
    for (value, time) in (1..).zip(times) {
        let value = to_raw_value::<u64>(&value).unwrap();
        let time = match time {
            Time::Ahead(time) => now + time,
            Time::Ago(time) => now - time,
        };
        let document = encode_document("k", value, ttl, time);
        journal.append(&document).unwrap();
    }
    app
}

/// What a new client receives of the saved values.
async fn received_values(app: &TestSse) -> Vec<u64> {
    let mut stream = app.connect();
    app.cache().save_blocking("k", 0).unwrap();
    let mut values = Vec::new();
    while values.last() != Some(&0) {
        values.push(stream.next::<u64>("a").await);
    }
    values
}

#[actix_web::test]
async fn entries_from_before_the_clock_was_set_back_are_not_recent() {
    let app = app_with_entries(NO_TTL, [Time::Ahead(HOUR); 500]);
    assert_eq!(received_values(&app).await, [0]);
}

#[actix_web::test]
async fn an_entry_is_as_recent_as_the_entries_before_it() {
    let second = Duration::from_secs(1);
    let times = [
        Time::Ago(HOUR),
        Time::Ahead(HOUR),
        Time::Ago(second),
        Time::Ahead(HOUR),
        // A drop-in that was written long ago.
        Time::Ago(HOUR),
    ];
    assert_eq!(
        received_values(&app_with_entries(NO_TTL, times)).await,
        [3, 4, 5, 0]
    );
}

#[actix_web::test]
async fn an_entry_of_a_clock_that_is_slightly_ahead_is_recent() {
    let app = app_with_entries(
        NO_TTL,
        [Time::Ahead(HOUR), Time::Ahead(Duration::from_millis(1_500))],
    );
    assert_eq!(received_values(&app).await, [2, 0]);
}

#[actix_web::test]
async fn the_first_client_of_a_server_receives_no_expired_entry() {
    let second = Duration::from_secs(1);
    let times = [Time::Ago(2 * second); 500];
    assert_eq!(received_values(&app_with_entries(second, times)).await, [0]);
}
