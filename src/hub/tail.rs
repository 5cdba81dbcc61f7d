//! The one reader of a process: from the journal into the ring.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use super::{
    Feed,
    ring::{Content, Slot},
};
use crate::{
    config::Config,
    error::Error,
    journal::{Interrupt, Missed, Reader, Step, Watch},
    store::{Followed, Store},
};

/// As many entries are read before the streams are woken.
const BATCH: usize = 256;

/// The thread that reads, for as long as this lives.
pub(super) struct Tail {
    interrupt: Interrupt,
    thread: Option<JoinHandle<()>>,
}

impl Tail {
    pub(super) fn start(
        store: Arc<Store>,
        followed: Followed,
        feed: Arc<Feed>,
    ) -> Result<Self, Error> {
        let folder = store.config().cache_dir().to_path_buf();
        let cannot = |error: io::Error| Error::io("follow the cache", &folder, error);
        let interrupt = Interrupt::new().map_err(cannot)?;
        let way = Way::begin(followed, store.config(), &feed)?;
        let worker = Worker {
            store,
            feed,
            interrupt: interrupt.clone(),
        };
        let thread = thread::Builder::new()
            .name("sse-tail".into())
            .spawn(|| worker.run(way))
            .map_err(cannot)?;
        Ok(Self {
            interrupt,
            thread: Some(thread),
        })
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.interrupt.raise();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

struct Worker {
    store: Arc<Store>,
    feed: Arc<Feed>,
    interrupt: Interrupt,
}

/// The way through one journal, until it is replaced.
struct Way {
    followed: Followed,
    reader: Reader,
    watch: Box<dyn Watch>,
    /// Entries up to this number were there before we came.
    there_before: u64,
}

impl Way {
    /// Begins a few seconds back: a restarted server has the same lookback for new clients as one
    /// that was there all the time.
    fn begin(followed: Followed, config: &Config, feed: &Feed) -> Result<Self, Error> {
        let journal = Arc::clone(&followed.journal);
        let watch = journal.watch();
        let newest = journal.newest()?;
        let oldest_wanted = newest.saturating_sub(config.in_memory() as u64) + 1;
        let now = SystemTime::now();
        let mut next = newest + 1;
        while next > oldest_wanted {
            let mut reader = Reader::new(Arc::clone(&journal), next - 1);
            match reader.step()? {
                Step::Entry(entry) if entry.age(now) <= config.lookback() => next -= 1,
                _ => break,
            }
        }
        feed.ring.restart(journal.epoch(), next);
        feed.bells.ring();
        Ok(Self {
            followed,
            reader: Reader::new(journal, next),
            watch,
            there_before: newest,
        })
    }
}

impl Worker {
    fn run(self, mut way: Way) {
        let poll = self.store.config().poll_interval();
        let mut fault = Fault::default();
        let mut checked = Instant::now();
        let mut swept = None;
        while !self.interrupt.is_raised() {
            let result = self.read_all(&mut way).and_then(|()| {
                // Cheap, but not free: once for each folder of entries, and at the start.
                let thousand = way.reader.next() / 1_000;
                if swept != Some(thousand) {
                    way.followed.journal.sweep(self.store.config().history())?;
                    swept = Some(thousand);
                }
                if checked.elapsed() >= poll {
                    checked = Instant::now();
                    if !way.followed.journal.is_current() {
                        log::warn!(
                            "{}: the cache folder was replaced or removed; following what is there now",
                            self.store.config().cache_dir().display()
                        );
                        way = Way::begin(self.store.follow()?, self.store.config(), &self.feed)?;
                    }
                }
                Ok(())
            });
            match result {
                Ok(()) => {
                    fault.clear();
                    way.watch.wait(way.reader.next(), poll, &self.interrupt);
                }
                Err(error) => {
                    fault.report(&error);
                    self.interrupt.wait(poll);
                }
            }
        }
    }

    /// All entries that are there now.
    fn read_all(&self, way: &mut Way) -> Result<(), Error> {
        let epoch = way.followed.journal.epoch();
        let events = self.store.config().events();
        loop {
            let mut batch = Vec::new();
            let mut restart = false;
            let result = loop {
                if batch.len() == BATCH || self.interrupt.is_raised() {
                    break Ok(false);
                }
                match way.reader.step() {
                    Ok(Step::Entry(entry)) => {
                        let now = SystemTime::now();
                        let mut slot = Slot::of(&entry, events, now);
                        if entry.number() <= way.there_before {
                            slot.seen = earlier(slot.seen, entry.age(now));
                        }
                        batch.push(slot);
                    }
                    Ok(Step::Missed(Missed::Unreadable)) => batch.push(Slot {
                        seen: Instant::now(),
                        expires: None,
                        content: Content::Missing,
                    }),
                    // The streams find what is missing between the ring and them in the journal,
                    // which tells them of the gap.
                    Ok(Step::Missed(Missed::Swept)) => {
                        restart = true;
                        break Ok(false);
                    }
                    Ok(Step::CaughtUp) => break Ok(true),
                    Err(error) => break Err(error),
                }
            };
            if !batch.is_empty() {
                self.feed.ring.push(batch);
                self.feed.bells.ring();
            }
            if restart {
                self.feed.ring.restart(epoch, way.reader.next());
                self.feed.bells.ring();
            }
            if result? || self.interrupt.is_raised() {
                return Ok(());
            }
        }
    }
}

/// Clocks that count from the boot cannot go back further than that.
fn earlier(now: Instant, age: Duration) -> Instant {
    now.checked_sub(age).unwrap_or(now)
}

/// Says once what is wrong, and once that it is over.
#[derive(Default)]
struct Fault(Option<String>);

impl Fault {
    fn report(&mut self, error: &Error) {
        let text = error.to_string();
        if self.0.as_ref() != Some(&text) {
            log::error!("saved values are not delivered: {text}");
            self.0 = Some(text);
        }
    }

    fn clear(&mut self) {
        if self.0.take().is_some() {
            log::info!("saved values are delivered again");
        }
    }
}
