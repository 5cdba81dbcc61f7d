//! The thread that reads the journal into the ring, one for each process.

mod session;
mod sweeper;

use std::{
    io, mem,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use self::{session::TailSession, sweeper::Sweeper};
use super::{ring_entry::RingEntry, shared_state::SharedState};
use crate::{
    cache::{FORMER_CACHE_TIME, JournalHandle},
    config::Config,
    entry::{Entry, UnreadableEntry},
    error::Error,
    event_id::EventId,
    journal::{BatchEnd, Journal, Notified},
    observe::JournalOperation,
    runtime::{BackgroundThread, Interrupt, RepeatedError},
    spans,
};

/// Upper bound for the entries that are read before streams are woken: enough to make the wake-ups
/// cheap in a burst, and few enough to read in about 4 ms.
const MAX_BATCH_ENTRIES: u64 = 256;

/// Old entries are swept each time this many were saved. A sweep removes whole folders of as many numbers,
/// so more frequent sweeps would find nothing. This thread only requests it: no event waits for it.
const ENTRIES_BETWEEN_SWEEPS: u64 = 1_000;

/// Reads the existing entries, and then for as long as the returned handle lives.
pub(super) fn start(
    journal_handle: &Arc<JournalHandle>,
    shared_state: Arc<SharedState>,
) -> Result<BackgroundThread, Error> {
    let handle = Arc::clone(journal_handle);
    let sweep_step = move |journal: &dyn Journal| {
        let result = journal.sweep(handle.config().history());
        if result.is_err() {
            handle
                .observations()
                .journal_failed(JournalOperation::Sweep);
        }
        result
    };
    let sweeper = Sweeper::start(sweep_step).map_err(|error| start_error(journal_handle, error))?;
    let request_sweep = move |journal| sweeper.request(journal);
    let mut first_session = Some(start_session(
        journal_handle,
        &shared_state,
        &request_sweep,
    )?);
    let thread_handle = Arc::clone(journal_handle);
    BackgroundThread::start("sse-tail", move |interrupt| {
        Tail::new(&thread_handle, &shared_state, interrupt, &request_sweep)
            .run(first_session.take());
    })
    .map_err(|error| start_error(journal_handle, error))
}

fn start_error(journal_handle: &JournalHandle, error: io::Error) -> Error {
    (journal_handle.address()).error("follow the cache", error)
}

/// Opens the journal and reads the entries that exist now, before the first stream opens: the ring shows
/// streams which entries are recent, and which were saved before they opened and may have expired.
fn start_session(
    journal_handle: &Arc<JournalHandle>,
    shared_state: &SharedState,
    request_sweep: &dyn Fn(Arc<dyn Journal>),
) -> Result<TailSession, Error> {
    let interrupt = Interrupt::new().map_err(|error| start_error(journal_handle, error))?;
    let mut session = TailSession::open(journal_handle, shared_state, Duration::ZERO)?;
    // Entries that are saved meanwhile, however many, are left to the thread. After an error, it reads
    // again, and reports the error if it persists.
    let end = session.first_new_number;
    let _ = Tail::new(journal_handle, shared_state, &interrupt, request_sweep)
        .read_entries(&mut session, end);
    Ok(session)
}

/// Reads the existing entries as a server does at its start, and returns the number of the newest. Sweeps
/// none.
#[cfg(feature = "__internals")]
pub(crate) fn read_existing_entries(
    journal_handle: &Arc<JournalHandle>,
    shared_state: &SharedState,
) -> Result<u64, Error> {
    let session = start_session(journal_handle, shared_state, &drop)?;
    Ok(session.next_number - 1)
}

struct Tail<'a> {
    journal_handle: &'a Arc<JournalHandle>,
    shared_state: &'a SharedState,
    interrupt: &'a Interrupt,
    config: Arc<Config>,
    request_sweep: &'a dyn Fn(Arc<dyn Journal>),
    delivery_error: RepeatedError,
    /// When the last session was last known to read the current journal.
    last_read_at: Instant,
}

impl<'a> Tail<'a> {
    fn new(
        journal_handle: &'a Arc<JournalHandle>,
        shared_state: &'a SharedState,
        interrupt: &'a Interrupt,
        request_sweep: &'a dyn Fn(Arc<dyn Journal>),
    ) -> Self {
        Self {
            journal_handle,
            shared_state,
            interrupt,
            config: journal_handle.config(),
            request_sweep,
            delivery_error: RepeatedError::new(
                "saved values are not delivered",
                "the delivery of saved values has resumed",
            ),
            last_read_at: Instant::now(),
        }
    }

    /// Reads until it is interrupted. Without a session, because a panic ended the last call, it
    /// starts as after a replaced journal.
    fn run(&mut self, mut session: Option<TailSession>) {
        while !self.interrupt.is_raised() {
            session = match session {
                Some(session) => self.deliver(session),
                None => {
                    // The workers leave the former journal, too.
                    self.shared_state.set_read_source(None);
                    self.reopen()
                }
            };
        }
    }

    /// Opens the current journal, or waits and returns `None` if that fails.
    fn reopen(&mut self) -> Option<TailSession> {
        let poll_interval = self.config.poll_interval();
        let unread_for = self.last_read_at.elapsed() + poll_interval;
        match TailSession::open(self.journal_handle, self.shared_state, unread_for) {
            Ok(session) => Some(session),
            Err(error) => {
                self.note_error(error);
                self.interrupt.wait(poll_interval);
                None
            }
        }
    }

    /// Delivers what is new, and waits for more. Returns `None` if the journal was replaced.
    fn deliver(&mut self, mut session: TailSession) -> Option<TailSession> {
        let poll_interval = self.config.poll_interval();
        let requested_check = self.shared_state.ring_checks.requested();
        let notification = mem::replace(&mut session.notification, Notified::Nothing);
        let is_check_due =
            requested_check.is_some() || session.checked_at.elapsed() >= poll_interval;
        session.skip_to_ring_end(&self.shared_state.ring);
        let next = session.next_number;
        let is_assigned_again = session.is_assigned_again(notification);
        let mut result = match notification {
            // The thread that has saved it, or a worker, has added it to the ring.
            Notified::Entries { highest, .. } if highest < next && !is_check_due => Ok(()),
            Notified::Entries { highest, .. } => self.read_notified(&mut session, highest),
            Notified::Nothing | Notified::Other => self.read_entries(&mut session, u64::MAX),
        };
        // A notification that brought no entry may be about another journal.
        let is_unexplained = notification == Notified::Other && session.next_number == next;
        if result.is_err() || is_check_due || is_unexplained || is_assigned_again {
            match session.followed.is_current(session.next_number - 1) {
                Ok(true) => session.checked_at = Instant::now(),
                Ok(false) => {
                    let address = session.followed.opened.journal.address();
                    tracing::warn!("{address}: {}", address.replacement());
                    self.last_read_at = session.checked_at;
                    return None;
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        let time_to_leave = self.journal_handle.time_to_leave(&session.followed);
        if let (Some(request_count), Ok(()), None) = (requested_check, &result, time_to_leave) {
            let ring_end = self.shared_state.ring.end();
            self.shared_state
                .ring_checks
                .answer(request_count, ring_end);
        }
        let timeout = time_to_leave.map_or(poll_interval, |time| time.min(poll_interval));
        self.wait(&mut session, result, timeout);
        self.apply_config(session)
    }

    fn wait(&mut self, session: &mut TailSession, result: Result<(), Error>, timeout: Duration) {
        match result {
            Ok(()) => {
                session.share(self.journal_handle, self.shared_state);
                self.delivery_error.note_success();
                self.shared_state.readiness.note_delivery(None);
                self.shared_state.observations.tail_caught_up();
                session.wait(timeout, self.interrupt);
            }
            Err(error) => {
                self.note_error(error);
                self.interrupt.wait(timeout);
            }
        }
    }

    fn note_error(&mut self, error: Error) {
        self.delivery_error.report(&error);
        let observations = &self.shared_state.observations;
        observations.journal_failed(JournalOperation::Tail);
        self.shared_state.readiness.note_delivery(Some(error));
    }

    /// Takes over a changed configuration. Returns `None` when it is time to follow another cache.
    fn apply_config(&mut self, session: TailSession) -> Option<TailSession> {
        let config = self.journal_handle.config();
        if !Arc::ptr_eq(&self.config, &config) {
            self.config = config;
            session.followed.rescan_drop_ins();
        }
        if self.journal_handle.time_to_leave(&session.followed) != Some(Duration::ZERO) {
            return Some(session);
        }
        let address = self.journal_handle.address();
        tracing::info!("{address}: following this cache now");
        // Other processes may have saved there since before this one noticed the edit.
        let now = Instant::now();
        self.last_read_at = now.checked_sub(2 * FORMER_CACHE_TIME).unwrap_or(now);
        None
    }

    /// Reads up to this number first, so that the streams get these entries before the journal is asked for more, and
    /// then reads until it has caught up.
    fn read_notified(&self, session: &mut TailSession, number: u64) -> Result<(), Error> {
        let count = number.saturating_sub(session.next_number).saturating_add(1);
        self.read_batch(session, count.min(MAX_BATCH_ENTRIES))?;
        self.read_entries(session, u64::MAX)
    }

    /// Reads until the next entry is `end`, it has caught up, or is interrupted.
    fn read_entries(&self, session: &mut TailSession, end: u64) -> Result<(), Error> {
        while session.next_number < end {
            let batch_end = self.read_batch(session, MAX_BATCH_ENTRIES)?;
            if batch_end == BatchEnd::CaughtUp || self.interrupt.is_raised() {
                break;
            }
        }
        Ok(())
    }

    fn read_batch(&self, session: &mut TailSession, limit: u64) -> Result<BatchEnd, Error> {
        let journal = Arc::clone(&session.followed.opened.journal);
        session.skip_to_ring_end(&self.shared_state.ring);
        let first_number = session.next_number;
        let batch = journal.read_from(first_number, limit)?;
        let config = self.journal_handle.config();
        let ring_entries: Vec<_> = (batch.entries.iter())
            .map(|entry| to_ring_entry(entry, session, &config))
            .collect();
        if !ring_entries.is_empty() {
            let delivery_span = |index: usize| {
                let is_new = first_number + index as u64 >= session.first_new_number;
                let entry = batch.entries[index].as_ref().ok();
                entry.filter(|_| is_new).and_then(spans::deliver)
            };
            let at = EventId::before(journal.epoch(), first_number);
            (self.shared_state).publish(at, ring_entries, delivery_span);
            self.shared_state.readiness.note_turn();
        }
        if let BatchEnd::Swept { oldest } = batch.end {
            session.next_number = oldest;
            // The streams request the entries before the ring from the journal, and find the gap.
            let epochs = journal.epochs();
            (self.shared_state).skip_to(epochs, oldest, Some(Instant::now()));
        }
        self.request_sweep(session);
        Ok(batch.end)
    }

    fn request_sweep(&self, session: &mut TailSession) {
        let sweep_number = session.next_number / ENTRIES_BETWEEN_SWEEPS;
        if session.last_sweep.replace(sweep_number) != Some(sweep_number) {
            (self.request_sweep)(Arc::clone(&session.followed.opened.journal));
        }
    }
}

/// Encodes the session's next entry.
fn to_ring_entry(
    entry: &Result<Entry, UnreadableEntry>,
    session: &mut TailSession,
    config: &Config,
) -> RingEntry {
    let number = session.next_number;
    session.next_number += 1;
    let now = SystemTime::now();
    let mut ring_entry = RingEntry::of(number, entry, config.events(), now);
    if number < session.first_new_number {
        let age = entry.as_ref().ok().and_then(|entry| entry.age(now));
        ring_entry.seen_at = session.saved_at(age);
    }
    ring_entry
}
