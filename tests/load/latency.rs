//! The latency of a saved value to each of many clients.

use std::{
    cell::RefCell,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::Cache;
use tokio::{io::AsyncReadExt, net::TcpStream, task::spawn_local};

use crate::process::comes_true;

/// Clients that record the latency of each value.
pub(crate) struct Readers {
    count: usize,
    latencies: Rc<RefCell<Vec<u32>>>,
    start: Instant,
}

impl Readers {
    pub(crate) fn new(streams: Vec<TcpStream>) -> Self {
        let readers = Self {
            count: streams.len(),
            latencies: Rc::default(),
            start: Instant::now(),
        };
        for stream in streams {
            spawn_local(read(stream, readers.start, Rc::clone(&readers.latencies)));
        }
        readers
    }

    /// Saves `saves` values under `key`, one every `pace`, and returns their latencies to all clients,
    /// in microseconds and sorted.
    pub(crate) async fn measure(
        &self,
        cache: &Cache,
        key: &'static str,
        saves: usize,
        pace: Duration,
    ) -> Vec<u32> {
        self.latencies.borrow_mut().clear();
        let (cache, start) = (cache.clone(), self.start);
        let saver = thread::spawn(move || {
            for _ in 0..saves {
                let now = u64::try_from(start.elapsed().as_micros()).unwrap();
                cache.save_blocking(key, now).unwrap();
                thread::sleep(pace);
            }
        });
        let all = self.count * saves;
        let has_arrived = comes_true(Duration::from_secs(60), || {
            assert!(
                self.latencies.borrow().len() <= all,
                "a value arrived twice"
            );
            self.latencies.borrow().len() == all
        })
        .await;
        assert!(
            has_arrived,
            "{} of {all} values arrived",
            self.latencies.borrow().len()
        );
        saver.join().unwrap();
        let mut times = self.latencies.take();
        times.sort_unstable();
        times
    }
}

/// The 99th percentile.
pub(crate) fn p99(sorted: &[u32]) -> u32 {
    sorted[sorted.len() * 99 / 100]
}

pub(crate) fn median(mut values: Vec<u32>) -> u32 {
    values.sort_unstable();
    values[values.len() / 2]
}

async fn read(mut stream: TcpStream, start: Instant, latencies: Rc<RefCell<Vec<u32>>>) {
    let mut text = Vec::with_capacity(4096);
    while stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {
        let now = start.elapsed();
        // Complete lines only; the rest is kept for the next read.
        let end = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in text[..end].split(|byte| *byte == b'\n') {
            if let Some(saved) = value(line) {
                let took = now.saturating_sub(Duration::from_micros(saved));
                let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
                latencies.borrow_mut().push(took);
            }
        }
        text.drain(..end);
    }
}

/// The number in `data: {"timestamp":"…","value":NUMBER}`.
fn value(line: &[u8]) -> Option<u64> {
    if !line.starts_with(b"data: {") {
        return None;
    }
    let line = std::str::from_utf8(line).ok()?;
    let (_, value) = line.rsplit_once(":")?;
    value.trim_end_matches(['}', '\r']).parse().ok()
}
