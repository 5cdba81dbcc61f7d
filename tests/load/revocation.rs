//! How soon revocations end streams, on two servers of one cache.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use actix_web_sse::{Cache, Config};
use support::{App, Backend, Event, Running, Stream, number_in_id, on_every_backend, serve};

use crate::scale::{alone, figure, is_full, scale};

on_every_backend! {
    a_revocation_ends_the_streams_of_all_servers_at_once_and_nothing_follows
}

/// How long a revoked stream may take to end, at 1,000 saves per second.
const MAX_END_TIME: Duration = Duration::from_millis(100);

const SAVES_PER_SECOND: u32 = 1_000;

/// One of this many saves is for everyone. The others are for one user each, so that most streams sleep when they are
/// revoked.
const PUBLIC_INTERVAL: u64 = 500;

const USERS: usize = 100;

/// A server with a stream for each user, and its address.
fn server(app: &App) -> (Running, String) {
    let helper = env!("CARGO_BIN_EXE_test-helper");
    serve(helper, app.path(), "users in a header")
}

/// What a stream has received when it ended, and when that was.
type Ended = (Vec<Event>, Instant);

/// Reads a stream on a thread until it ends.
fn read(address: &str, user: usize) -> Receiver<Ended> {
    let stream = Stream::request(address, "/sse/stream", &[("X-User", &user.to_string())]);
    assert_eq!(stream.status, 200);
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let events = std::iter::from_fn(|| stream.next_until_end()).collect();
        // The test may have ended.
        let _ = sender.send((events, Instant::now()));
    });
    receiver
}

/// Saves until the flag is set. Returns for whom each entry was saved; `None` stands for everyone.
fn save(cache: Cache, done: Arc<AtomicBool>) -> JoinHandle<Vec<(u64, Option<usize>)>> {
    thread::spawn(move || {
        let (start, mut saved) = (Instant::now(), Vec::new());
        let interval = Duration::from_secs(1) / SAVES_PER_SECOND;
        for save in 0_u64.. {
            // Nothing else is shared through this flag.
            if done.load(Ordering::Relaxed) {
                break;
            }
            let due = start + interval * u32::try_from(save).unwrap();
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let user = (!save.is_multiple_of(PUBLIC_INTERVAL)).then(|| fastrand::usize(..USERS));
            let saving = cache.save("key", save);
            let id = match user {
                Some(user) => saving.to(name(user)).blocking(),
                None => saving.blocking(),
            };
            saved.push((number_in_id(&id.unwrap().to_string()), user));
        }
        let (count, time) = (u32::try_from(saved.len()).unwrap(), start.elapsed());
        let is_on_time = time < interval * count + Duration::from_millis(100);
        assert!(is_on_time || !is_full(), "{count} saves took {time:?}");
        saved
    })
}

fn name(user: usize) -> String {
    format!("user:{user}")
}

fn a_revocation_ends_the_streams_of_all_servers_at_once_and_nothing_follows(backend: Backend) {
    let _alone = alone();
    let app = App::with_env("SSE_EVENTS=event:key\nSSE_STREAM_DURATION=0\n").on(backend);
    let cache = Cache::open(&Config::from_dir(app.path()).unwrap()).unwrap();
    let servers = [server(&app), server(&app)];
    let streams: Vec<_> = (0..USERS)
        .map(|user| servers.each_ref().map(|(_, address)| read(address, user)))
        .collect();
    let done = Arc::new(AtomicBool::new(false));
    let saver = save(cache.clone(), Arc::clone(&done));
    let mut revoked = Vec::new();
    let interval = Duration::from_millis(scale(100, 20));
    for user in 0..USERS {
        thread::sleep(interval);
        let id = cache.revoke_blocking(name(user)).unwrap();
        revoked.push((number_in_id(&id.to_string()), Instant::now()));
    }
    let ends: Vec<_> = streams
        .into_iter()
        .map(|streams| streams.map(|stream| stream.recv_timeout(Duration::from_secs(10)).unwrap()))
        .collect();
    done.store(true, Ordering::Relaxed);
    let saved = saver.join().unwrap();
    let mut times = Vec::new();
    for (user, ((revocation, at), ends)) in revoked.into_iter().zip(ends).enumerate() {
        let expected: Vec<u64> = saved
            .iter()
            .filter(|(number, to)| *number < revocation && to.is_none_or(|to| to == user))
            .map(|(number, _)| *number)
            .collect();
        for (events, ended) in ends {
            let events = events.iter().filter(|event| event.is_from_app());
            let received: Vec<u64> = events
                .map(|event| number_in_id(event.id.as_deref().unwrap()))
                .collect();
            assert_eq!(
                received, expected,
                "user {user}, revoked as entry {revocation}"
            );
            times.push(ended.saturating_duration_since(at));
        }
    }
    times.sort_unstable();
    let count = times.len();
    let [median, longest] = [count / 2, count - 1].map(|index| times[index]);
    figure(
        "a revoked stream ends within",
        format!("{median:?} (median), {longest:?} (longest)"),
    );
    // A short run shares the machine with other programs, which may delay the streams that end meanwhile.
    let checked = scale(longest, median);
    assert!(checked <= MAX_END_TIME, "{checked:?}");
}
