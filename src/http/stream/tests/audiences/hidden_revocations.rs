//! Streams that may have missed a revocation.

use super::*;

#[actix_web::test]
async fn a_holder_ends_where_a_revocation_may_be_hidden() {
    let app = app(|config| config.with_entries_in_memory(1));
    let id = app.first_id();
    app.has_read(app.save_for("user:4", 1)).await;
    let authorized_at = app.sse().position();
    for value in 2..=3 {
        app.has_read(app.save_for("user:4", value)).await;
    }
    fs::remove_file(app.file(".sse/journal-2/000000000000/.00000000000000000002")).unwrap();
    let uri = format!("/?last_event_id={id}");
    let authorized_before = request(&uri).grant("user:4").authorized_at(authorized_at);
    let mut stream = app.open_stream(authorized_before);
    let text = rest(&mut stream).await;
    assert_eq!(values(&text), [1], "{text}");
    assert!(text.contains("sse.gap"), "{text}");
    // The stream continues after the gap.
    let ids: Vec<_> = text
        .split("id: ")
        .map(|id| id.split('\n').next().unwrap())
        .collect();
    let uri = format!("/?last_event_id={}", ids.last().unwrap());
    let mut next = app.open_stream(request(&uri).grant("user:4"));
    assert_eq!(values(&read_until(&mut next, "\"value\":3}").await), [3]);
}

#[actix_web::test]
async fn a_holder_passes_what_cannot_hide_a_revocation_of_its_authorization() {
    for in_memory in [100, 1] {
        let app = app(|config| config.with_entries_in_memory(in_memory));
        let id = app.first_id();
        app.save_for("user:4", 1);
        app.journal().append(b"damaged").unwrap();
        app.has_read(app.save_for("user:4", 2)).await;
        let again = request(&format!("/?last_event_id={id}")).grant("user:4");
        let mut stream = app.open_stream(again.authorized_at(app.sse().position()));
        let text = read_until(&mut stream, "\"value\":2}").await;
        assert_eq!(values(&text), [1, 2], "{text}");
        assert_eq!(text.matches("sse.gap").count(), 1, "{text}");
    }
}

#[actix_web::test]
async fn a_stream_does_not_begin_after_an_entry_that_may_be_a_revocation_since_its_authentication()
{
    let app = app(|config| config);
    let authorized_at = app.sse().position();
    app.journal().append(b"damaged").unwrap();
    app.has_read(app.cache().save_blocking("k", 0).unwrap())
        .await;
    assert_begins_only_if_authorized_after(&app, authorized_at).await;
}

#[actix_web::test]
async fn a_holder_ends_where_entries_were_swept() {
    let app = app(|config| config.with_entries_in_memory(1));
    let uri = format!("/?last_event_id={}", app.first_id());
    let authorized_at = app.sse().position();
    for value in 1..2_000 {
        app.save_for("user:5", value);
    }
    app.has_read(app.save_for("user:5", 2_000)).await;
    while app.journal().sweep(1).unwrap() {}
    let holder = || request(&uri).grant("user:4");
    let mut authorized_before = app.open_stream(holder().authorized_at(authorized_at));
    let text = rest(&mut authorized_before).await;
    assert!(text.contains("\"swept\""), "{text}");
    let mut authorized_now = app.open_stream(holder().authorized_at(app.sse().position()));
    read_until(&mut authorized_now, "\"swept\"").await;
    app.has_read(app.save_for("user:4", 1)).await;
    read_until(&mut authorized_now, "\"value\":1}").await;
    let mut public = app.open_stream(request(&uri));
    read_until(&mut public, "\"swept\"").await;
    app.cache().save_blocking("k", 1).unwrap();
    read_until(&mut public, "\"value\":1}").await;
}

#[actix_web::test]
async fn after_a_start_with_many_recent_entries_a_holder_needs_a_position() {
    let app = TestSse::in_folder_with("a:k", |config| {
        let config = config.with_entries_in_memory(2);
        config.with_heartbeat(Duration::from_secs(15))
    })
    .with_deadline(DEADLINE);
    for value in 1..5 {
        app.save_for("user:5", value);
    }
    // The server starts here, and does not read the first entries, which may be revocations.
    app.has_read(app.save_for("user:5", 5)).await;
    let new = || request("/?lookback=false").grant("user:4");
    let mut without = app.open_stream(new());
    let mut with = app.open_stream(new().authorized_at(app.sse().position()));
    app.save_for("user:4", 6);
    assert!(values(&rest(&mut without).await).is_empty());
    read_until(&mut with, "\"value\":6}").await;
}

#[actix_web::test]
async fn a_holder_ends_when_the_journal_is_replaced() {
    let app = app(|config| config);
    let mut holder = app.open_stream(request("/").grant("user:4"));
    let mut public = app.open_stream(request("/"));
    read_until(&mut holder, "sse.heartbeat").await;
    read_until(&mut public, "sse.heartbeat").await;
    app.replace_cache_folder();
    app.cache().save_blocking("k", 1).unwrap();
    read_until(&mut public, "\"value\":1}").await;
    assert!(values(&rest(&mut holder).await).is_empty());
}
