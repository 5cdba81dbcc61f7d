//! The one reader of a process: from the journal into the ring.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use super::{
    Feed,
    slot::{Content, Slot},
};
use crate::{
    cache::{FollowedJournal, JournalHandle},
    config::Config,
    error::Error,
    journal::{JournalReader, ReadOutcome, Watch},
    runtime::{BackgroundThread, Interrupt, RepeatedError},
};

/// As many entries are read before the streams are woken.
const BATCH: usize = 256;

/// How often to begin again in a journal that is replaced meanwhile.
const ATTEMPTS: u32 = 20;

/// Old entries are looked for after so many new ones.
const SWEEP_EVERY: u64 = 1_000;

/// Reads for as long as the returned handle lives.
pub(super) fn start(store: Arc<JournalHandle>, feed: Arc<Feed>) -> Result<BackgroundThread, Error> {
    let folder = store.config().cache_dir().to_path_buf();
    let way = Way::begin_in_current(&store, &feed, Duration::ZERO)?;
    let mut first = Some(way);
    BackgroundThread::start("sse-tail", move |interrupt| {
        let tail = Tail {
            store: &store,
            feed: &feed,
            interrupt,
        };
        tail.run(first.take());
    })
    .map_err(|error| Error::io("follow the cache", &folder, error))
}

/// Reads once, on this thread, and says up to which entry.
#[cfg(feature = "__internals")]
pub(crate) fn read_what_is_there(store: &Arc<JournalHandle>, feed: &Feed) -> Result<u64, Error> {
    let interrupt = Interrupt::new()
        .map_err(|error| Error::io("follow the cache", store.config().cache_dir(), error))?;
    let tail = Tail {
        store,
        feed,
        interrupt: &interrupt,
    };
    let mut way = tail.begin_again(Duration::ZERO)?;
    tail.read_all(
        &mut way,
        &mut RepeatedError::new(
            "old entries are not removed",
            "old entries are removed again",
        ),
    )?;
    Ok(way.reader.next_number() - 1)
}

struct Tail<'a> {
    store: &'a Arc<JournalHandle>,
    feed: &'a Feed,
    interrupt: &'a Interrupt,
}

/// The way through one journal, until it is replaced.
struct Way {
    followed: FollowedJournal,
    reader: JournalReader,
    watch: Box<dyn Watch>,
    /// Entries before this number were there before we came.
    first_new: u64,
    /// When the journal was last seen to be the one at its address.
    checked: Instant,
    /// Whether a notification has ended the last wait.
    notified: bool,
    /// Before which number old entries were looked for.
    swept: Option<u64>,
}

impl Way {
    /// Begins in the journal that is in place, and again if that is replaced meanwhile.
    fn begin_in_current(
        store: &JournalHandle,
        feed: &Feed,
        unnoticed: Duration,
    ) -> Result<Self, Error> {
        let mut attempts = 0..ATTEMPTS;
        loop {
            let followed = store.follow()?;
            let journal = Arc::clone(&followed.journal);
            match Self::begin(followed, &store.config(), feed, unnoticed) {
                Err(_) if !journal.is_in_place() && attempts.next().is_some() => {}
                result => return result,
            }
        }
    }

    /// Begins a few seconds back: a restarted server has the same lookback for new clients as one
    /// that was there all the time. And before that by `unnoticed`, the time for which nobody
    /// may have read here although clients were there.
    fn begin(
        followed: FollowedJournal,
        config: &Config,
        feed: &Feed,
        unnoticed: Duration,
    ) -> Result<Self, Error> {
        let journal = &followed.journal;
        let watch = journal.watch();
        let age = config.lookback().saturating_add(unnoticed);
        let reader = JournalReader::recent(Arc::clone(journal), age, config.in_memory() as u64)?;
        let first_new = journal.newest()? + 1;
        feed.ring.restart(
            journal.epoch(),
            journal.first_of_epoch(),
            reader.next_number(),
        );
        feed.bells.ring();
        Ok(Self {
            followed,
            reader,
            watch,
            first_new,
            checked: Instant::now(),
            notified: false,
            swept: None,
        })
    }
}

impl Tail<'_> {
    /// Reads until it is interrupted. Without a way, because a panic has stopped this before, it
    /// begins as after a replaced folder.
    fn run(&self, mut way: Option<Way>) {
        let mut config = self.store.config();
        let mut fault = RepeatedError::new(
            "saved values are not delivered",
            "saved values are delivered again",
        );
        let mut sweeping = RepeatedError::new(
            "old entries are not removed",
            "old entries are removed again",
        );
        let mut last_read = Instant::now();
        while !self.interrupt.is_raised() {
            let poll = config.poll_interval();
            let mut open = match way.take() {
                Some(open) => open,
                None => match self.begin_again(last_read.elapsed() + poll) {
                    Ok(open) => open,
                    Err(error) => {
                        fault.report(&error);
                        self.interrupt.wait(poll);
                        continue;
                    }
                },
            };
            let before = open.reader.next_number();
            let mut result = self.read_all(&mut open, &mut sweeping);
            // A notification that brought no entry may be of another journal.
            let may_be_replaced =
                mem::take(&mut open.notified) && open.reader.next_number() == before;
            if result.is_err() || may_be_replaced || open.checked.elapsed() >= poll {
                match self.is_in_force(&open) {
                    Ok(true) => open.checked = Instant::now(),
                    Ok(false) => {
                        log::warn!(
                            "{}: the cache was cleared or replaced; following what is there now",
                            config.cache_dir().display()
                        );
                        last_read = open.checked;
                        continue;
                    }
                    Err(error) => result = result.and(Err(error)),
                }
            }
            match result {
                Ok(()) => {
                    fault.resolved();
                    open.notified =
                        open.watch
                            .wait(open.reader.next_number(), poll, self.interrupt);
                }
                Err(error) => {
                    fault.report(&error);
                    self.interrupt.wait(poll);
                }
            }
            let now = self.store.config();
            if !Arc::ptr_eq(&config, &now) {
                config = now;
                open.followed.rescan_drop_ins();
                if matches!(self.is_in_force(&open), Ok(false)) {
                    log::info!("{}: following this cache now", config.cache_dir().display());
                    last_read = Instant::now();
                    continue;
                }
            }
            way = Some(open);
        }
    }

    fn is_in_force(&self, way: &Way) -> Result<bool, Error> {
        self.store
            .is_current(&way.followed, way.reader.next_number() - 1)
    }

    fn begin_again(&self, unnoticed: Duration) -> Result<Way, Error> {
        Way::begin_in_current(self.store, self.feed, unnoticed)
    }

    /// All entries that are there now.
    fn read_all(&self, way: &mut Way, sweeping: &mut RepeatedError) -> Result<(), Error> {
        loop {
            let caught_up = self.read_batch(way)?;
            self.sweep(way, sweeping);
            if caught_up || self.interrupt.is_raised() {
                return Ok(());
            }
        }
    }

    /// Entries up to the newest, or as many as fit into a batch; `true`: up to the newest.
    fn read_batch(&self, way: &mut Way) -> Result<bool, Error> {
        let config = self.store.config();
        let mut batch = Vec::new();
        let mut skipped = Skipped::default();
        let mut swept = false;
        let result = loop {
            if batch.len() == BATCH {
                break Ok(false);
            }
            match way.reader.read_next() {
                Ok(ReadOutcome::Entry(entry) | ReadOutcome::Tombstone(entry)) => {
                    let now = SystemTime::now();
                    let mut slot = Slot::of(&entry, config.events(), now);
                    if entry.number() < way.first_new {
                        slot.seen = earlier(slot.seen, entry.age(now));
                    }
                    batch.push(slot);
                }
                Ok(ReadOutcome::Unreadable(why)) => {
                    skipped.add(way.reader.next_number() - 1, why);
                    batch.push(Slot {
                        seen: Instant::now(),
                        expires: None,
                        content: Content::Missing,
                    });
                }
                // The streams look in the journal for what lies between them and the ring, and
                // find the gap there.
                Ok(ReadOutcome::Swept) => {
                    swept = true;
                    break Ok(false);
                }
                Ok(ReadOutcome::CaughtUp) => break Ok(true),
                Err(error) => break Err(error),
            }
        };
        skipped.report();
        if !batch.is_empty() {
            self.feed.ring.push(batch);
            self.feed.bells.ring();
        }
        if swept {
            let journal = &way.followed.journal;
            self.feed.ring.restart(
                journal.epoch(),
                journal.first_of_epoch(),
                way.reader.next_number(),
            );
            self.feed.bells.ring();
        }
        result
    }

    fn sweep(&self, way: &mut Way, fault: &mut RepeatedError) {
        let thousand = way.reader.next_number() / SWEEP_EVERY;
        if way.swept == Some(thousand) {
            return;
        }
        // A sweep that fails is tried again with the next thousand, and holds up nothing.
        way.swept = Some(thousand);
        match way.followed.journal.sweep(self.store.config().history()) {
            Ok(()) => fault.resolved(),
            Err(error) => fault.report(&error),
        }
    }
}

/// Consecutive entries that cannot be used for the same reason: one line of the log.
#[derive(Default)]
struct Skipped {
    numbers: Option<(u64, u64)>,
    why: String,
}

impl Skipped {
    fn add(&mut self, number: u64, why: String) {
        match &mut self.numbers {
            Some((_, last)) if *last + 1 == number && self.why == why => *last = number,
            _ => {
                self.report();
                self.numbers = Some((number, number));
                self.why = why;
            }
        }
    }

    fn report(&self) {
        let why = &self.why;
        match self.numbers {
            None => {}
            Some((first, last)) if first == last => {
                log::error!("journal entry {first} is skipped: {why}");
            }
            Some((first, last)) => {
                log::error!("journal entries {first} to {last} are skipped: {why}");
            }
        }
    }
}

/// Clocks that count from the boot cannot go back further than that.
fn earlier(now: Instant, age: Duration) -> Instant {
    now.checked_sub(age).unwrap_or(now)
}
