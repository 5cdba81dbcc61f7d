//! Carries entries from the journal to every stream of this process.
//!
//! One thread, the tail, reads each new entry, encodes each of its events once, and adds the frames to the ring, unless
//! the thread that has saved the entry, or a worker, is faster. A stream is a cursor into the ring, without a queue of
//! its own, so a slow client needs no more memory here than a fast one and delays no other. A stream whose next entry
//! is no longer in the ring is served from the journal.

mod authorization;
mod chunk;
mod connections;
mod cursor;
mod disconnect;
mod event_names;
mod frame;
mod heartbeat;
mod holders;
mod local_hub;
mod notifiers;
mod read_frames;
mod read_request;
mod readiness;
mod recent;
mod replay;
mod replay_cache;
mod replay_threads;
mod revocations;
mod ring;
mod ring_check;
mod ring_entry;
mod saved_entries;
mod shared_state;
mod subscribers;
mod tail;
mod timers;
mod topic_index;
mod value_frame;
mod worker_reader;
mod worker_task;

use std::{rc::Rc, sync::Arc, time::Instant};

use tokio::sync::oneshot;

#[cfg(any(fuzzing, test))]
pub(crate) use self::frame::encode_entry;
pub(crate) use self::{
    authorization::{Authorization, Grants, NameGrant},
    connections::Endpoints,
    cursor::{Cursor, EventId, Gap, StartPoints, StreamPosition},
    frame::{DataFormat, encode_gap},
    heartbeat::encode_heartbeat,
    local_hub::{LocalHub, StreamHandle},
    read_frames::ReadFrames,
    read_request::{Filter, ReadRequest, Selection},
    recent::RecentEvent,
    replay::{ReplayRange, ReplayRequest, ReplayResult},
    ring::{Ring, RingRead},
    ring_check::RingCheck,
    shared_state::SharedState,
};
use self::{
    event_names::encode_event_names, replay_cache::ReplayCache, replay_threads::ReplayThreads,
    saved_entries::SavedEntries,
};
#[cfg(feature = "__internals")]
pub(crate) use self::{ring_entry::RingEntry, tail::read_existing_entries};
use crate::{
    cache::{EntryReceiver, JournalHandle},
    config::Config,
    error::Error,
    journal::CacheAddress,
    observe::{JournalOperation, Observations},
    runtime::{BackgroundThread, RepeatedError},
};

/// What all streams of one cache share.
pub(crate) struct Hub {
    shared_state: Arc<SharedState>,
    journal_handle: Arc<JournalHandle>,
    /// The journal handle holds it weakly, so this keeps it alive.
    _saved_entries: Arc<dyn EntryReceiver>,
    replay_threads: ReplayThreads,
    /// These threads end when the hub is dropped.
    tail: BackgroundThread,
    _config_thread: BackgroundThread,
    _check_thread: BackgroundThread,
}

impl Hub {
    pub(crate) fn start(journal_handle: Arc<JournalHandle>) -> Result<Self, Error> {
        let observations = journal_handle.observations().clone();
        let shared_state = Arc::new(SharedState::new(&journal_handle.config(), observations));
        let tail = tail::start(&journal_handle, Arc::clone(&shared_state))?;
        let saved_entries = take_saved_entries(&journal_handle, &shared_state, tail.waker());
        let config_thread = follow_config(&journal_handle, &shared_state, tail.waker())?;
        let check_thread = check_cache(&journal_handle, &shared_state)?;
        let replay_threads = start_replay_threads(&journal_handle)?;
        Ok(Self {
            shared_state,
            journal_handle,
            _saved_entries: saved_entries,
            replay_threads,
            tail,
            _config_thread: config_thread,
            _check_thread: check_thread,
        })
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.shared_state.ring
    }

    pub(crate) fn observations(&self) -> &Observations {
        self.journal_handle.observations()
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        self.journal_handle.config()
    }

    /// Where the cache is.
    pub(crate) fn address(&self) -> CacheAddress {
        self.journal_handle.address()
    }

    /// Changes each time that the configuration changes.
    pub(crate) fn config_version(&self) -> u32 {
        self.journal_handle.config_version()
    }

    /// Why the last edit of the configuration has no effect.
    pub(crate) fn config_problem(&self) -> Option<Error> {
        self.journal_handle.config_problem()
    }

    /// Reads the journal for a stream when it is its turn. Drop the receiver if the stream is dropped.
    pub(crate) fn replay(
        &self,
        request: ReplayRequest,
    ) -> oneshot::Receiver<Result<ReplayResult, Error>> {
        self.replay_threads.add(request)
    }

    /// Where a stream that opens now may start: a new client also receives what was saved within
    /// the lookback.
    pub(crate) fn start_points(&self) -> StartPoints {
        let since = Instant::now().checked_sub(self.config().lookback());
        self.shared_state.ring.start_points(since)
    }

    /// Has the tail check whether the ring shows the current journal up to its end. Completes when that
    /// is so, also if the tail first has to change to that journal.
    pub(crate) fn check_ring(&self) -> RingCheck {
        let check = self.shared_state.ring_checks.request();
        self.tail.wake();
        check
    }

    /// Why saved values are not delivered now; `None` if they are.
    pub(crate) fn delivery_error(&self) -> Option<Error> {
        self.shared_state.readiness.delivery_error()
    }

    /// Why this server cannot do its work now; `None` if it can.
    pub(crate) fn problem(&self) -> Option<Error> {
        let poll_interval = self.config().poll_interval();
        self.shared_state.readiness.problem(poll_interval)
    }

    /// The authorization of a stream that opens now. `position` is the end of the ring when its request was
    /// authenticated, if the app has noted it.
    pub(crate) fn authorize(&self, grants: Grants, position: Option<EventId>) -> Authorization {
        if grants.is_empty() {
            // Nothing can be revoked, so a public stream does not wait for the lock of the revocations.
            return Authorization::default();
        }
        self.shared_state.revocations.authorize(grants, position)
    }

    /// Whether a stream that starts at `start` must not, because one of its audiences was revoked before, or may
    /// have been.
    pub(crate) fn is_revoked_before(&self, authorization: &Authorization, start: Cursor) -> bool {
        let revocations = &self.shared_state.revocations;
        !authorization.is_public() && revocations.end_before(authorization, start)
    }

    /// How many streams hold this audience.
    pub(crate) fn count_holders(&self, name: &str) -> usize {
        self.shared_state.notifiers.count_holders(name)
    }

    /// Registers a stream on this thread. Call it on a worker.
    pub(crate) fn add_stream(
        &self,
        selection: &Selection,
        connection: Option<Endpoints>,
    ) -> StreamHandle {
        self.local_hub().add_stream(selection, connection)
    }

    /// The comment that names the events of `allowed`, for the beginning of a stream and after a change of
    /// the configuration. Call it on a worker.
    pub(crate) fn event_names(&self, allowed: &Filter) -> Rc<str> {
        // The version first: if the configuration changes after it, the comment is encoded again.
        let version = self.config_version();
        let encode = || {
            let config = self.config();
            let names = config.events().names();
            encode_event_names(names.filter(|name| allowed.wants(name)))
        };
        match allowed {
            Filter::All => self.local_hub().event_names(version, encode),
            Filter::Only(_) => encode(),
        }
    }

    /// What the streams of this thread share. Call it on a worker.
    pub(crate) fn local_hub(&self) -> Rc<LocalHub> {
        worker_task::local_hub(&self.shared_state)
    }

    /// Ends every stream. Clients that do not read are disconnected shortly after.
    pub(crate) fn close(&self) {
        self.shared_state.close();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.shared_state.is_closing()
    }
}

/// Takes what this process saves, for as long as the returned value lives.
fn take_saved_entries(
    journal_handle: &JournalHandle,
    shared_state: &Arc<SharedState>,
    wake_tail: impl Fn() + Send + Sync + 'static,
) -> Arc<dyn EntryReceiver> {
    let receiver: Arc<dyn EntryReceiver> =
        Arc::new(SavedEntries::new(Arc::clone(shared_state), wake_tail));
    journal_handle.add_receiver(Arc::downgrade(&receiver));
    receiver
}

fn start_replay_threads(journal_handle: &Arc<JournalHandle>) -> Result<ReplayThreads, Error> {
    let handle = Arc::clone(journal_handle);
    let cache = ReplayCache::default();
    let read = move |request: &ReplayRequest| {
        let result = replay::replay(&handle, &cache, request);
        if result.is_err() {
            handle
                .observations()
                .journal_failed(JournalOperation::Replay);
        }
        result
    };
    ReplayThreads::start(replay_threads::thread_count(), read).map_err(|error| {
        (journal_handle.address()).error("start the threads that read the cache", error)
    })
}

/// Polls `.env` for as long as the returned handle lives, and wakes the tail and
/// every stream after a change, whichever thread has noticed it. Also measures from time to time: this thread does not
/// depend on the tail.
fn follow_config(
    journal_handle: &Arc<JournalHandle>,
    shared_state: &Arc<SharedState>,
    wake_tail: impl Fn() + Send + 'static,
) -> Result<BackgroundThread, Error> {
    let (journal_handle, shared_state) = (Arc::clone(journal_handle), Arc::clone(shared_state));
    let folder = journal_handle.config().app_dir().to_owned();
    let mut seen_version = journal_handle.config_version();
    let mut measured = shared_state.ring.change_count();
    BackgroundThread::start("sse-config", move |interrupt| {
        while !interrupt.is_raised() {
            journal_handle.reload_config_if_due();
            // The order matters: the configuration does not change between this line and the end of the
            // wait, so no change is noticed late.
            let time_to_check = journal_handle.time_to_config_check();
            let observations = journal_handle.observations();
            observations.refresh_tail_age();
            let poll_interval = journal_handle.config().poll_interval();
            if shared_state
                .readiness
                .hanging_check(poll_interval)
                .is_some()
            {
                observations.journal_failed(JournalOperation::Check);
            }
            shared_state.measure_slowest_stream(&mut measured);
            let version = journal_handle.config_version();
            if version != seen_version {
                seen_version = version;
                wake_tail();
                shared_state.wake_all();
            }
            interrupt.wait(time_to_check);
        }
    })
    .map_err(|error| Error::io("follow the configuration", &folder, error))
}

/// Checks from time to time whether the cache can be written, for as long as the returned handle lives. It has a thread
/// of its own, because a check may wait for a disk or a network.
fn check_cache(
    journal_handle: &Arc<JournalHandle>,
    shared_state: &Arc<SharedState>,
) -> Result<BackgroundThread, Error> {
    let (handle, shared_state) = (Arc::clone(journal_handle), Arc::clone(shared_state));
    BackgroundThread::start("sse-check", move |interrupt| {
        let mut last_error =
            RepeatedError::new("nothing can be saved", "values can be saved again");
        while !interrupt.is_raised() {
            let readiness = &shared_state.readiness;
            let result = readiness.run_check(|| handle.check_usable());
            if result.is_err() {
                (handle.observations()).journal_failed(JournalOperation::Check);
            }
            // An outage of Redis is logged already.
            if !result.as_ref().is_err_and(Error::is_temporary) {
                last_error.note(result);
            }
            interrupt.wait(readiness.check_interval(handle.config().poll_interval()));
        }
    })
    .map_err(|error| (journal_handle.address()).error("check the cache", error))
}
