//! How long a saved value takes to each of many readers.

use std::{
    cell::RefCell,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use actix_web_sse::Cache;
use tokio::{io::AsyncReadExt, net::TcpStream, task::spawn_local};

use crate::process::comes_true;

/// Readers that note when each value came. They stop when this is dropped.
pub(crate) struct Readers {
    count: usize,
    heard: Rc<RefCell<Vec<u32>>>,
    start: Instant,
}

impl Readers {
    pub(crate) fn new(streams: Vec<TcpStream>) -> Self {
        let readers = Self {
            count: streams.len(),
            heard: Rc::default(),
            start: Instant::now(),
        };
        for stream in streams {
            spawn_local(read(stream, readers.start, Rc::clone(&readers.heard)));
        }
        readers
    }

    /// Saves `saves` values under `key`, one each `pace`, and gives the times that they took to the
    /// readers, in microseconds and in order.
    pub(crate) async fn measure(
        &self,
        cache: &Cache,
        key: &'static str,
        saves: usize,
        pace: Duration,
    ) -> Vec<u32> {
        self.heard.borrow_mut().clear();
        let (cache, start) = (cache.clone(), self.start);
        let saver = thread::spawn(move || {
            for _ in 0..saves {
                let now = u64::try_from(start.elapsed().as_micros()).unwrap();
                cache.save_blocking(key, now).unwrap();
                thread::sleep(pace);
            }
        });
        let all = self.count * saves;
        let heard = comes_true(Duration::from_secs(60), || {
            assert!(self.heard.borrow().len() <= all, "a value came twice");
            self.heard.borrow().len() == all
        })
        .await;
        assert!(heard, "{} of {all} values came", self.heard.borrow().len());
        saver.join().unwrap();
        let mut times = self.heard.take();
        times.sort_unstable();
        times
    }
}

/// The value that 99 of 100 do not exceed.
pub(crate) fn p99(sorted: &[u32]) -> u32 {
    sorted[sorted.len() * 99 / 100]
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<u32>) -> u32 {
    values.sort_unstable();
    values[values.len() / 2]
}

async fn read(mut stream: TcpStream, start: Instant, heard: Rc<RefCell<Vec<u32>>>) {
    let mut text = Vec::with_capacity(4096);
    while stream.read_buf(&mut text).await.is_ok_and(|read| read > 0) {
        let now = start.elapsed();
        // Whole lines only: what is not complete stays for the next time.
        let end = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in text[..end].split(|byte| *byte == b'\n') {
            if let Some(saved) = value(line) {
                let took = now.saturating_sub(Duration::from_micros(saved));
                let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
                heard.borrow_mut().push(took);
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
