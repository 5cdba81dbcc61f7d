//! Edits of `.env` in an app that saves all the time.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use actix_web::rt::time::sleep;

use super::*;
use crate::cache::Cache;

/// The two seconds that the documentation promises, the end of the streams, and a busy machine.
const EDIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Saves without a pause on another thread until it is dropped.
struct Saver {
    has_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    fn start(cache: &Cache) -> Self {
        let (cache, has_ended) = (cache.clone(), Arc::<AtomicBool>::default());
        let thread = thread::spawn({
            let has_ended = Arc::clone(&has_ended);
            move || {
                while !has_ended.load(Ordering::Relaxed) {
                    cache.save_blocking("no event", 1).unwrap();
                }
            }
        });
        Self {
            has_ended,
            thread: Some(thread),
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn write_env(dir: &Path, text: &str) {
    fs::write(dir.join(".env"), text).unwrap();
}

#[actix_web::test]
async fn open_streams_follow_an_edit_although_a_save_notices_it_first() {
    let dir = tempfile::tempdir().unwrap();
    write_env(dir.path(), "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\n");
    let app = TestSse::open(&Config::from_dir(dir.path()).unwrap()).with_deadline(EDIT_TIMEOUT);
    // Enough that one of them is usually faster than the thread that polls the file.
    let _savers = [(); 4].map(|()| Saver::start(app.cache()));
    let mut streams = [(); 5].map(|()| app.connect());
    write_env(dir.path(), "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=1\n");
    for stream in &mut streams {
        // Else it lasts for the former duration.
        stream.expect_end().await;
    }
}

#[actix_web::test]
async fn a_stream_misses_no_save_of_a_process_that_notices_another_cache_folder_later() {
    let dir = tempfile::tempdir().unwrap();
    write_env(
        dir.path(),
        "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=3600\n",
    );
    let config = Config::from_dir(dir.path()).unwrap();
    let app = TestSse::open(&config).with_deadline(EDIT_TIMEOUT);
    let mut stream = app.connect();
    sleep(Duration::from_secs(1)).await;
    // Like another process, it reads the file at other times.
    let later = Cache::open(&config).unwrap();
    let edit = "SSE_EVENTS=a:k\nSSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=3600\nSSE_CACHE=other\n";
    write_env(dir.path(), edit);
    let mut values = 0..;
    let mut has_gap = false;
    while !has_gap {
        let value = values.next().unwrap();
        later.save_blocking("k", value).unwrap();
        loop {
            let event = stream.next_event().await;
            match event.name() {
                "sse.gap" => has_gap = event.json()["reason"] == "other-epoch",
                _ if event.value() == value => break,
                _ => {}
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert!(dir.path().join("other/.sse/journal-2").is_dir());
}
