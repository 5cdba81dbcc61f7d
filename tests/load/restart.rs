//! Servers that replace each other under one address.

use std::{
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use support::{App, Backend, Follower, on_every_backend};
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    forwarder::Forwarder,
    scale::{alone, figure, run, scale},
};

on_every_backend! {
    a_rolling_restart_loses_and_repeats_nothing
}

/// Longer than all events take to arrive on a busy machine.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);

fn a_rolling_restart_loses_and_repeats_nothing(backend: Backend) {
    let _alone = alone();
    let (followers, saves, restarts) = (50, scale(5_000, 1_000), scale(5_u32, 2));
    let app = App::with_env("SSE_EVENTS=event:key\nSSE_STREAM_DURATION=0\n").on(backend);
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    run(async {
        let mut server = app.start();
        let forwarder = Forwarder::to(server.address()).await;
        let address = forwarder.address.clone();
        let followers = spawn_blocking(move || {
            let start = |_| Follower::start(&address, "/sse/stream");
            (0..followers).map(start).collect::<Vec<_>>()
        });
        let mut followers = followers.await.unwrap();

        // The saves take longer than the restarts.
        let pace = Duration::from_millis(u64::from(restarts) * 1_500) / saves;
        let saver = thread::spawn(move || {
            for value in 1..=saves {
                cache.save_blocking("key", value).unwrap();
                thread::sleep(pace);
            }
        });
        for _ in 0..restarts {
            sleep(Duration::from_millis(500)).await;
            let next = app.start();
            forwarder.switch(next.address());
            let old = std::mem::replace(&mut server, next);
            assert!(spawn_blocking(|| old.terminate()).await.unwrap().success());
        }
        let restarted = Instant::now();
        let count = followers.len();
        let others = spawn_blocking(move || {
            saver.join().unwrap();
            for (number, follower) in followers.iter_mut().enumerate() {
                let events = follower.wait_for(usize::try_from(saves).unwrap(), DELIVERY_TIMEOUT);
                let values: Vec<_> = events
                    .iter()
                    .map(|event| {
                        assert_ne!(event.name(), "sse.gap", "follower {number}: {event:?}");
                        event.value().as_u64().unwrap()
                    })
                    .collect();
                let all: Vec<u64> = (1..=u64::from(saves)).collect();
                assert!(values == all, "follower {number}: {values:?}");
            }
            // A repeated event would have reached this follower by now.
            followers[0].receive_for(Duration::from_millis(500))
        });
        assert_eq!(others.await.unwrap(), []);
        figure(
            &format!(
                "{restarts} restarts among {saves} saves, {count} followers have missed and repeated"
            ),
            format!(
                "nothing ({:.1} s after the last)",
                restarted.elapsed().as_secs_f64()
            ),
        );
    });
}
