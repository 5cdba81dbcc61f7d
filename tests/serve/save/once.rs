//! Requests with an `Idempotency-Key`, which can be repeated.

use std::{sync::Barrier, thread, time::Duration};

use serde_json::json;
use support::{Backend, Server};

use super::{JSON, Saved, Shop, listen, save};

support::on_every_backend! {
    a_repetition_is_not_saved_again
    another_save_with_the_same_key_is_refused
    simultaneous_repetitions_are_one_save
}

/// A repeated event would have arrived after this time.
const QUIET: Duration = Duration::from_millis(500);

fn save_with_key(server: &Server, idempotency_key: &str, body: &str) -> Saved {
    let headers = [JSON, ("Idempotency-Key", idempotency_key)];
    save(server, "orders", &headers, body)
}

fn a_repetition_is_not_saved_again(backend: Backend) {
    let shop = Shop::on(backend);
    let (first, second) = (shop.serve(), shop.serve());
    let stream = listen(&second);
    let key = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
    let saved = save_with_key(&first, key, "{\"order\": 42}");
    assert_eq!(saved.status, 201, "{}", saved.text);
    let repeat = |server: &Server| {
        let repeated = save_with_key(server, key, "{\"order\": 42}");
        assert_eq!(repeated.status, 200, "{}", repeated.text);
        assert_eq!(repeated.id(), saved.id());
    };
    repeat(&first);
    repeat(&second);
    first.kill();
    repeat(&shop.serve());
    assert_eq!(stream.next_event().value(), json!({"order": 42}));
    assert_eq!(
        save_with_key(&second, "another", "{\"order\": 42}").status,
        201
    );
    assert_eq!(stream.next_event().value(), json!({"order": 42}));
    stream.expect_silence(QUIET);
}

fn another_save_with_the_same_key_is_refused(backend: Backend) {
    let shop = Shop::on(backend);
    let (first, second) = (shop.serve(), shop.serve());
    assert_eq!(save_with_key(&first, "key", "1").status, 201);
    for server in [&first, &second] {
        save_with_key(server, "key", "2").assert_refused(422, "belongs to a save with another");
        let headers = [JSON, ("Idempotency-Key", "key")];
        for target in ["other", "orders?to=user:4", "orders?ttl=7"] {
            save(server, target, &headers, "1").assert_refused(422, "belongs to a save with");
        }
        assert_eq!(save_with_key(server, "key", "1").status, 200);
    }
    assert_eq!(shop.saved(), Some(json!(1)));
}

fn simultaneous_repetitions_are_one_save(backend: Backend) {
    const REPETITIONS: usize = 12;
    let shop = Shop::on(backend);
    let servers = [shop.serve(), shop.serve()];
    let stream = listen(&servers[0]);
    for round in 0..5 {
        let (key, start) = (format!("key-{round}"), Barrier::new(REPETITIONS));
        let saved: Vec<Saved> = thread::scope(|scope| {
            let threads: Vec<_> = (0..REPETITIONS)
                .map(|number| {
                    let (key, start, server) = (&key, &start, &servers[number % 2]);
                    scope.spawn(move || {
                        start.wait();
                        save_with_key(server, key, &round.to_string())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let new = saved.iter().filter(|saved| saved.status == 201).count();
        assert_eq!(new, 1);
        for repeated in &saved {
            assert!(repeated.status <= 201, "{}", repeated.text);
            assert_eq!(repeated.id(), saved[0].id());
        }
        assert_eq!(stream.next_event().value(), json!(round));
    }
    stream.expect_silence(QUIET);
}

#[cfg(feature = "tools")]
mod lost_answers {
    use support::{
        redis::{Forwarder, RedisOptions, RedisServer, Traffic},
        until,
    };

    use super::*;

    /// The first answer of Redis is lost, and the client of the request gets an error.
    #[test]
    fn a_save_whose_answer_was_lost_can_be_repeated() {
        let redis = RedisServer::start(RedisOptions::new());
        let forwarder = Forwarder::to(redis.port());
        let cache = format!("SSE_CACHE=redis://127.0.0.1:{}\n", forwarder.port());
        let shop = Shop::with_env(&format!("{}{cache}", super::super::ENV));
        let server = shop.serve();
        assert_eq!(save_with_key(&server, "before", "0").status, 201);
        let stream = listen(&server);
        forwarder.set_traffic(Traffic::WithoutAnswers);
        let [with_key, without_key] = thread::scope(|scope| {
            let with_key = scope.spawn(|| save_with_key(&server, "key", "1"));
            let without_key = scope.spawn(|| save(&server, "orders", &[JSON], "2"));
            [with_key, without_key].map(|thread| thread.join().unwrap())
        });
        with_key.assert_refused(503, "repeat the request with the same Idempotency-Key");
        without_key.assert_refused(503, "cannot save");
        forwarder.set_traffic(Traffic::Forwarded);
        until("the repetition succeeds", || {
            (save_with_key(&server, "key", "1").status <= 201).then_some(())
        });
        assert_eq!(save_with_key(&server, "key", "1").status, 200);
        let mut values = vec![stream.next_event().value()];
        while let Some(event) = stream.next_within(2 * QUIET) {
            if event.name() == "order" {
                values.push(event.value());
            }
        }
        let count = values.iter().filter(|value| **value == json!(1)).count();
        assert_eq!(count, 1, "{values:?}");
    }
}
