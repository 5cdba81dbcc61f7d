//! Three servers with one cache in Redis, behind a proxy that moves each client to another server whenever it
//! reconnects.

use std::{
    array,
    cell::RefCell,
    fmt::Write,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use support::{
    App, ReservedPort, ReverseProxy, Server,
    redis::{RedisOptions, RedisServer},
};
use tokio::{
    task::{spawn_blocking, spawn_local},
    time::sleep,
};

use crate::{
    moving_client::{Progress, follow},
    process::comes_true,
    scale::{alone, figure, run, scale},
};

const MACHINES: usize = 3;

/// Streams end as planned after three seconds, so clients also move while no server is restarted.
const ENV: &str =
    "SSE_EVENTS=event:key\nSSE_STREAM_DURATION=3\nSSE_TTL=0\nSSE_MAX_CONNECTIONS=10000\n";

/// Longer than all events take to arrive on a busy machine.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);

/// HAProxy names the server in each response, and a client names the one that it has left.
fn proxy_config(port: u16, servers: &[u16]) -> String {
    let mut text = format!(
        "global\n maxconn 8000\n\
         defaults\n mode http\n timeout connect 2s\n timeout client 1m\n timeout server 1m\n balance roundrobin\n \
         retries 3\n option redispatch 1\n retry-on conn-failure empty-response\n\
         frontend all\n bind 127.0.0.1:{port}\n default_backend from_nowhere\n"
    );
    for left in 0..servers.len() {
        writeln!(
            text,
            " use_backend from_{left} if {{ req.hdr(x-left) {left} }}"
        )
        .unwrap();
    }
    let all = || servers.iter().enumerate();
    for left in (0..servers.len()).map(Some).chain([None]) {
        let name = left.map_or("nowhere".to_owned(), |left| left.to_string());
        writeln!(
            text,
            "backend from_{name}\n http-response set-header X-Server %s"
        )
        .unwrap();
        for (index, port) in all().filter(|(index, _)| Some(*index) != left) {
            writeln!(text, " server {index} 127.0.0.1:{port}").unwrap();
        }
    }
    text
}

/// Saves 1, 2, 3 and so on until the flag is set. Returns how many.
fn save(cache: Cache, interval: Duration, done: Arc<AtomicBool>) -> JoinHandle<u64> {
    thread::spawn(move || {
        for value in 1.. {
            cache.save_blocking("key", value).unwrap();
            // Nothing else is shared through this flag.
            if done.load(Ordering::Relaxed) {
                return value;
            }
            thread::sleep(interval);
        }
        unreachable!("the flag is set before")
    })
}

#[test]
fn clients_that_move_between_three_servers_get_every_event_exactly_once() {
    let _alone = alone();
    let (streams, rounds) = (scale(3_000, 200), scale(3, 1));
    let interval = scale(Duration::from_millis(50), Duration::from_millis(5));
    // Streams end as planned, so that clients also move while no server is restarted.
    let env = format!("{ENV}SSE_STREAM_DURATION={}\n", scale(10, 3));
    let redis = RedisServer::start(RedisOptions::new().append_only("everysec"));
    let url = format!("redis://{}", redis.address());
    let machines: [App; MACHINES] = array::from_fn(|_| App::with_env(&env).in_redis(url.clone()));
    let ports: [ReservedPort; MACHINES] = array::from_fn(|_| ReservedPort::new());
    let start = |index: usize| {
        let dir = machines[index].path().to_owned();
        let port = ports[index].number().to_string();
        move || Server::start(&dir, &[("PORT", &port), ("RUST_LOG", "warn")])
    };
    let mut servers: [Option<Server>; MACHINES] = array::from_fn(|index| Some(start(index)()));
    let numbers = ports.each_ref().map(ReservedPort::number);
    let proxy = ReverseProxy::haproxy_with(machines[0].path(), |port| proxy_config(port, &numbers));
    let cache = Cache::open(&Config::from_dir(machines[0].path()).unwrap()).unwrap();

    let progress = Rc::new(RefCell::new(Progress::new(streams)));
    let saved = run(async {
        for index in 0..streams {
            spawn_local(follow(
                proxy.address().to_owned(),
                index,
                Rc::clone(&progress),
            ));
        }
        let all_open = || progress.borrow().have_opened(1);
        assert!(
            comes_true(DELIVERY_TIMEOUT, all_open).await,
            "not all are open"
        );

        let done = Arc::new(AtomicBool::new(false));
        let saver = save(cache, interval, Arc::clone(&done));
        for index in (0..MACHINES).cycle().take(rounds * MACHINES) {
            sleep(Duration::from_secs(1)).await;
            let former = servers[index].take().unwrap();
            // The clients run meanwhile.
            let status = spawn_blocking(|| former.terminate()).await.unwrap();
            assert!(status.success(), "{status}");
            servers[index] = Some(spawn_blocking(start(index)).await.unwrap());
        }
        let restarted = Instant::now();
        // Saves go on after all servers are there again.
        sleep(Duration::from_secs(2)).await;
        done.store(true, Ordering::Relaxed);
        let saved = spawn_blocking(|| saver.join().unwrap()).await.unwrap();
        let have_all = || {
            let progress = progress.borrow();
            !progress.mistakes.is_empty() || progress.have_received(saved)
        };
        let is_complete = comes_true(DELIVERY_TIMEOUT, have_all).await;
        // A repeated event would have arrived by then.
        sleep(Duration::from_millis(500)).await;
        let progress = progress.borrow();
        assert_eq!(progress.mistakes, [""; 0]);
        assert!(is_complete && progress.have_received(saved), "{progress:?}");
        println!("complete {:?} after the last restart", restarted.elapsed());
        saved
    });
    let progress = progress.borrow();
    assert!(progress.have_opened(2), "each client was moved");
    let moves = progress.opened.iter().sum::<usize>() - streams;
    figure(
        &format!(
            "{streams} clients that moved {moves} times between {MACHINES} servers on Redis, with {} restarts \
             among {saved} saves, have missed and repeated",
            rounds * MACHINES
        ),
        "nothing",
    );
}
