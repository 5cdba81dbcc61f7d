//! Ingests the drop-ins of one cache folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit};

use super::{
    claim::Surroundings,
    drop_in_watcher::{DropInEvent, DropInWatcher},
    key_queue::KeyQueue,
    losses::Losses,
    retries::Shortage,
};
use crate::{
    config::{Config, ConfigPoller},
    error::Error,
    journal::{
        Journal,
        file::{self, CacheFolder, is_file, is_folder},
    },
    key,
    observe::{JournalOperation, Observations},
    runtime::{BackgroundThread, Interrupt, RepeatedError},
};

/// What killed processes leave only occupies disk space, so it is not urgent to remove it.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(600);

/// Each open folder of claimed drop-ins takes a descriptor until its drop-ins are in the journal, and that
/// takes others. If the folders took all of them, none could ever be closed. They take at most this part:
/// the app, its connections and the journal need more.
const DESCRIPTORS_PER_FOLDER: u64 = 4;

/// Opens the cache folder or the drop-in folder.
pub(crate) type OpenFolder = Box<dyn Fn(&Config) -> Result<Arc<CacheFolder>, Error> + Send>;

/// Ingests the drop-ins of a folder into a journal until the returned handle is dropped. Of several
/// processes on one folder, one at a time ingests those of a key.
pub(crate) fn start(
    journal: Arc<dyn Journal>,
    open_folder: OpenFolder,
    config_poller: Arc<ConfigPoller>,
    observations: Observations,
) -> Result<BackgroundThread, Error> {
    let address = journal.address();
    BackgroundThread::start("sse-drop-ins", move |interrupt| {
        let mut last_error = RepeatedError::new(
            "drop-ins are not ingested",
            "the ingest of drop-ins has resumed",
        );
        let mut losses = Losses::new();
        while !interrupt.is_raised() {
            let config = config_poller.current();
            let result = open_folder(&config).and_then(|folder| {
                run(
                    &*journal,
                    &folder,
                    &config_poller,
                    interrupt,
                    &mut losses,
                    &mut last_error,
                    &observations,
                )
            });
            if let Err(error) = result {
                observations.journal_failed(JournalOperation::Ingest);
                last_error.report(&error);
            }
            interrupt.wait(config.poll_interval());
        }
    })
    .map_err(|error| address.error("ingest drop-ins", error))
}

struct Ingester<'a> {
    surroundings: Surroundings<'a>,
    config_poller: &'a ConfigPoller,
    /// The keys in the configuration by the names of their files in the cache folder.
    keys_by_name: Arc<BTreeMap<String, String>>,
    watcher: DropInWatcher,
    /// The keys with drop-ins in this server's hands, and those that cannot be claimed.
    queues: BTreeMap<String, KeyQueue>,
    losses: &'a mut Losses,
    /// Whether a key has to wait until the folder of another one is closed.
    needs_room: bool,
    /// When to look for drop-ins that killed servers have left.
    next_take_over: Instant,
    /// The last key whose folder was opened for that in this pass.
    taken_over_up_to: Option<String>,
    take_over_error: RepeatedError,
    shortage: Shortage,
    /// When the journal was last maintained, also for other servers on it.
    last_maintenance: Option<Instant>,
    maintenance_error: RepeatedError,
}

/// Ingests drop-ins until it is interrupted, or the journal is removed or replaced.
fn run(
    journal: &dyn Journal,
    cache_folder: &CacheFolder,
    config_poller: &ConfigPoller,
    interrupt: &Interrupt,
    losses: &mut Losses,
    last_error: &mut RepeatedError,
    observations: &Observations,
) -> Result<(), Error> {
    if !journal.is_in_place() {
        return Ok(());
    }
    let _impersonation = cache_folder.impersonate_owner()?;
    let mut ingester = Ingester::new(journal, cache_folder, config_poller, losses, observations)?;
    let result = ingester.work(interrupt, last_error);
    if cache_folder.is_replaced() {
        ingester.note_claimed_as_lost();
    }
    result
}

impl<'a> Ingester<'a> {
    fn new(
        journal: &'a dyn Journal,
        cache_folder: &'a CacheFolder,
        config_poller: &'a ConfigPoller,
        losses: &'a mut Losses,
        observations: &Observations,
    ) -> Result<Self, Error> {
        let claimed_folder = cache_folder.claimed_folder()?;
        let config = config_poller.current();
        Ok(Self {
            config_poller,
            keys_by_name: keys_by_name(&config),
            watcher: DropInWatcher::new(cache_folder.root()),
            queues: BTreeMap::new(),
            losses,
            needs_room: false,
            next_take_over: Instant::now(),
            taken_over_up_to: None,
            take_over_error: RepeatedError::new(
                "drop-ins that another server has left are not ingested",
                "drop-ins that another server has left are ingested",
            ),
            shortage: Shortage::new(claimed_folder.path().to_owned()),
            last_maintenance: None,
            maintenance_error: RepeatedError::new(
                "unfinished files of killed programs are not removed",
                "the removal of unfinished files has resumed",
            ),
            surroundings: Surroundings {
                journal,
                cache_folder,
                claimed_folder,
                config,
                observations: observations.clone(),
            },
        })
    }

    fn work(&mut self, interrupt: &Interrupt, last_error: &mut RepeatedError) -> Result<(), Error> {
        let Surroundings {
            journal,
            cache_folder,
            ..
        } = self.surroundings;
        // A journal elsewhere does not tell that the folder was replaced.
        while !interrupt.is_raised() && journal.is_in_place() && !cache_folder.is_replaced() {
            let next_round = self.round()?;
            last_error.note_success();
            self.wait(next_round, interrupt);
        }
        Ok(())
    }

    /// The folder is gone with the drop-ins in it.
    fn note_claimed_as_lost(&mut self) {
        for queue in self.queues.values().filter(|queue| queue.is_open()) {
            self.losses.note(queue.key());
        }
    }

    /// Claims drop-ins and appends those that have no writer. Returns when to do that again, unless a
    /// notification arrives before.
    fn round(&mut self) -> Result<Instant, Error> {
        self.follow_config();
        self.reopen_claimed_folder()?;
        self.claim_all();
        self.take_over();
        self.finish_all();
        let now = Instant::now();
        self.losses
            .record(&self.surroundings, now, &mut self.shortage);
        self.maintain_if_due();
        let now = Instant::now();
        if std::mem::take(&mut self.needs_room) && self.has_room() {
            return Ok(now);
        }
        let attempts = self
            .queues
            .values()
            .filter_map(|queue| queue.next_attempt(now))
            .chain(self.losses.next_record());
        let next_poll = now + self.surroundings.config.poll_interval();
        Ok(attempts.fold(next_poll, Instant::min))
    }

    /// Waits until the next round is due. A notification of a file that is not a drop-in does not end the wait: a
    /// framework may keep a busy cache of its own in the folder, and the check whether the cache can be written creates
    /// files, too.
    fn wait(&mut self, until: Instant, interrupt: &Interrupt) {
        loop {
            let timeout = until.saturating_duration_since(Instant::now());
            let is_notified = self.watcher.wait(timeout, interrupt);
            if !is_notified || self.read_notifications() || timeout.is_zero() {
                return;
            }
        }
    }

    /// Drop-ins of a key that is not configured any more are still finished.
    fn follow_config(&mut self) {
        let config = self.config_poller.current();
        if Arc::ptr_eq(&config, &self.surroundings.config) {
            return;
        }
        let has_other_names = config.drop_in_prefix() != self.surroundings.config.drop_in_prefix();
        self.keys_by_name = keys_by_name(&config);
        self.surroundings.config = config;
        let keys: BTreeSet<&String> = self.keys_by_name.values().collect();
        for (key, queue) in &mut self.queues {
            // What is known about a file with the key's former name says nothing about the one with its new name.
            if has_other_names || !keys.contains(key) {
                queue.note_absent();
            }
        }
    }

    /// Another program may have removed or replaced the folder.
    fn reopen_claimed_folder(&mut self) -> Result<(), Error> {
        let Surroundings {
            cache_folder,
            claimed_folder,
            ..
        } = &mut self.surroundings;
        if !cache_folder.is_claimed_folder(claimed_folder)? {
            *claimed_folder = cache_folder.claimed_folder()?;
        }
        Ok(())
    }

    fn claim_all(&mut self) {
        for (name, key) in Arc::clone(&self.keys_by_name).iter() {
            // Folders, links and devices are not drop-ins. An error of `stat` would also be one of the
            // rename, which is reported.
            let found = self.surroundings.cache_folder.root().stat(name);
            let is_absent = found.is_ok_and(|stat| !stat.is_some_and(|stat| is_file(&stat)));
            match self.queues.get_mut(key) {
                Some(queue) if is_absent => queue.note_absent(),
                _ if is_absent => {}
                _ => self.claim(key),
            }
        }
    }

    /// Whether the folder of another key may be opened.
    fn has_room(&self) -> bool {
        let open = self.queues.values().filter(|queue| queue.is_open());
        open.count() < max_open_folders()
    }

    fn has_room_for(&self, key: &str) -> bool {
        self.queues.get(key).is_some_and(KeyQueue::is_open) || self.has_room()
    }

    fn claim(&mut self, key: &str) {
        if !self.has_room_for(key) {
            self.needs_room = true;
            return;
        }
        let queue = queue_of(&mut self.queues, key);
        queue.claim(&self.surroundings, &mut self.watcher, &mut self.shortage);
        // A close just before the rename was notified under the file's former name.
        self.read_notifications();
    }

    /// Opens the folders of keys with drop-ins that killed servers have left, also those of keys that
    /// are not configured any more.
    fn take_over(&mut self) {
        let now = Instant::now();
        if now < self.next_take_over {
            return;
        }
        let result = self.take_over_keys();
        if self.taken_over_up_to.is_none() {
            self.next_take_over = now + self.surroundings.config.poll_interval();
        }
        match result {
            // A shortage of descriptors is reported with the drop-ins that it delays.
            Err(error) if error.shortage_of_descriptors().is_some() => {}
            result => self.take_over_error.note(result),
        }
    }

    fn maintain_if_due(&mut self) {
        let last = self.last_maintenance;
        if last.is_none_or(|last| last.elapsed() >= MAINTENANCE_INTERVAL) {
            self.last_maintenance = Some(Instant::now());
            let result = self.surroundings.journal.maintain();
            self.maintenance_error.note(result);
        }
    }

    /// The first error is returned, so that several do not alternate in the log.
    fn take_over_keys(&mut self) -> Result<(), Error> {
        let keys = keys_in(&self.surroundings.claimed_folder)?;
        let mut result = Ok(());
        let after = self.taken_over_up_to.take();
        let start = after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let mut last = after;
        for key in keys.range((start, Bound::Unbounded)) {
            if !self.has_room_for(key) {
                self.needs_room = true;
                self.taken_over_up_to = last;
                break;
            }
            let queue = queue_of(&mut self.queues, key);
            result = result.and(queue.take_over(&self.surroundings, &mut self.watcher));
            last = Some(key.clone());
        }
        result
    }

    fn finish_all(&mut self) {
        for queue in self.queues.values_mut() {
            queue.finish(&self.surroundings, &mut self.shortage);
            if queue.take_loss() {
                self.losses.note(queue.key());
            }
        }
        self.queues.retain(|_, queue| !queue.is_idle());
        let mut queues = self.queues.values();
        if !self.losses.is_out_of_descriptors() && !queues.any(KeyQueue::is_out_of_descriptors) {
            self.shortage.note_end();
        }
    }

    /// Returns whether one of them concerns a drop-in.
    fn read_notifications(&mut self) -> bool {
        let events = self.watcher.read(&self.keys_by_name);
        let has_events = !events.is_empty();
        for event in events {
            match event {
                DropInEvent::Written { key } => {
                    queue_of(&mut self.queues, &key).note_written(Instant::now());
                }
                DropInEvent::Removed { key } => self.losses.note(&key),
                DropInEvent::WriterClosed { key, name } => {
                    if let Some(queue) = self.queues.get_mut(&key) {
                        queue.note_closed(&name);
                    }
                }
                DropInEvent::Unknown => {}
            }
        }
        has_events
    }
}

/// Read each time, because an app may raise its limit when it has started.
fn max_open_folders() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let folders = (descriptors / DESCRIPTORS_PER_FOLDER).max(1);
    usize::try_from(folders).unwrap_or(usize::MAX)
}

fn queue_of<'a>(queues: &'a mut BTreeMap<String, KeyQueue>, key: &str) -> &'a mut KeyQueue {
    (queues.entry(key.to_owned())).or_insert_with(|| KeyQueue::new(key.to_owned()))
}

fn keys_by_name(config: &Config) -> Arc<BTreeMap<String, String>> {
    let keys = config.events().keys();
    Arc::new(
        keys.map(|key| (config.drop_in_name(key), key.to_owned()))
            .collect(),
    )
}

/// The keys that have a folder of claimed drop-ins. Links and files of other programs are ignored.
fn keys_in(claimed_folder: &file::OpenFolder) -> Result<BTreeSet<String>, Error> {
    let names = claimed_folder.names();
    let names = names.map_err(|error| Error::io("find drop-ins", claimed_folder.path(), error))?;
    let is_key_folder = |name: &String| {
        let stat = claimed_folder.stat(name).ok().flatten();
        key::rule_violation(name).is_none() && stat.is_some_and(|stat| is_folder(&stat))
    };
    Ok(names.into_iter().filter(is_key_folder).collect())
}
