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
    retries::Shortage,
};
use crate::{
    config::{Config, ConfigPoller},
    error::Error,
    journal::{
        Journal,
        file::{CacheFolder, OpenFolder, is_file, is_folder},
    },
    key,
    runtime::{BackgroundThread, Interrupt, RepeatedError},
};

/// What killed processes leave only occupies disk space, so it is not urgent to remove it.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(600);

/// Each open folder of claimed drop-ins takes a descriptor until its drop-ins are in the journal, and that
/// takes others. If the folders took all of them, none could ever be closed. They take at most this part:
/// the app, its connections and the journal need more.
const DESCRIPTORS_PER_FOLDER: u64 = 4;

/// Ingests the drop-ins of a folder into a journal until the returned handle is dropped. Of several
/// processes on one cache folder, one at a time ingests those of a key.
pub(crate) fn start(
    journal: Arc<dyn Journal>,
    folder: Arc<CacheFolder>,
    config_poller: Arc<ConfigPoller>,
) -> Result<BackgroundThread, Error> {
    let path = folder.path().to_path_buf();
    BackgroundThread::start("sse-drop-ins", move |interrupt| {
        let mut last_error = RepeatedError::new(
            "drop-ins are not ingested",
            "the ingest of drop-ins has resumed",
        );
        while !interrupt.is_raised() {
            if let Err(error) = run(
                &*journal,
                &folder,
                &config_poller,
                interrupt,
                &mut last_error,
            ) {
                last_error.report(&error);
            }
            interrupt.wait(config_poller.current().poll_interval());
        }
    })
    .map_err(|error| Error::io("ingest drop-ins from the cache folder", &path, error))
}

struct Ingester<'a> {
    surroundings: Surroundings<'a>,
    config_poller: &'a ConfigPoller,
    /// The keys in the configuration.
    keys: Arc<BTreeSet<String>>,
    watcher: DropInWatcher,
    /// The keys with drop-ins in this server's hands, and those that cannot be claimed.
    queues: BTreeMap<String, KeyQueue>,
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
    last_error: &mut RepeatedError,
) -> Result<(), Error> {
    if !journal.is_in_place() {
        return Ok(());
    }
    let _impersonation = cache_folder.impersonate_owner()?;
    let mut ingester = Ingester::new(journal, cache_folder, config_poller)?;
    while !interrupt.is_raised() && journal.is_in_place() {
        let next_round = ingester.round()?;
        last_error.note_success();
        ingester.wait(next_round, interrupt);
    }
    Ok(())
}

impl<'a> Ingester<'a> {
    fn new(
        journal: &'a dyn Journal,
        cache_folder: &'a CacheFolder,
        config_poller: &'a ConfigPoller,
    ) -> Result<Self, Error> {
        let claimed_folder = cache_folder.claimed_folder()?;
        let config = config_poller.current();
        Ok(Self {
            config_poller,
            keys: keys_of(&config),
            watcher: DropInWatcher::new(cache_folder.root()),
            queues: BTreeMap::new(),
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
            },
        })
    }

    /// Claims drop-ins and appends those that have no writer. Returns when to do that again, unless a
    /// notification arrives before.
    fn round(&mut self) -> Result<Instant, Error> {
        self.follow_config();
        self.reopen_claimed_folder()?;
        self.claim_all();
        self.take_over();
        self.finish_all();
        self.maintain_if_due();
        let now = Instant::now();
        if std::mem::take(&mut self.needs_room) && self.has_room() {
            return Ok(now);
        }
        let attempts = self
            .queues
            .values()
            .filter_map(|queue| queue.next_attempt(now));
        let next_poll = now + self.surroundings.config.poll_interval();
        Ok(attempts.fold(next_poll, Instant::min))
    }

    fn wait(&mut self, until: Instant, interrupt: &Interrupt) {
        let timeout = until.saturating_duration_since(Instant::now());
        self.watcher.wait(timeout, interrupt);
        self.read_notifications();
    }

    /// Drop-ins of a key that is not configured any more are still finished.
    fn follow_config(&mut self) {
        let config = self.config_poller.current();
        if Arc::ptr_eq(&config, &self.surroundings.config) {
            return;
        }
        self.keys = keys_of(&config);
        self.surroundings.config = config;
        for (key, queue) in &mut self.queues {
            if !self.keys.contains(key) {
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
        for key in Arc::clone(&self.keys).iter() {
            // Folders, links and devices are not drop-ins. An error of `stat` would also be one of the
            // rename, which is reported.
            let found = self.surroundings.cache_folder.root().stat(key);
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
        }
        self.queues.retain(|_, queue| !queue.is_idle());
        if !self.queues.values().any(KeyQueue::is_out_of_descriptors) {
            self.shortage.note_end();
        }
    }

    fn read_notifications(&mut self) {
        for event in self.watcher.read(|name| self.keys.contains(name)) {
            match event {
                DropInEvent::Written { name } => {
                    queue_of(&mut self.queues, &name).note_written(Instant::now());
                }
                DropInEvent::WriterClosed { key, name } => {
                    if let Some(queue) = self.queues.get_mut(&key) {
                        queue.note_closed(&name);
                    }
                }
            }
        }
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

fn keys_of(config: &Config) -> Arc<BTreeSet<String>> {
    Arc::new(config.events().keys().map(str::to_owned).collect())
}

/// The keys that have a folder of claimed drop-ins. Links and files of other programs are ignored.
fn keys_in(claimed_folder: &OpenFolder) -> Result<BTreeSet<String>, Error> {
    let names = claimed_folder.names();
    let names = names.map_err(|error| Error::io("find drop-ins", claimed_folder.path(), error))?;
    let is_key_folder = |name: &String| {
        let stat = claimed_folder.stat(name).ok().flatten();
        key::rule_violation(name).is_none() && stat.is_some_and(|stat| is_folder(&stat))
    };
    Ok(names.into_iter().filter(is_key_folder).collect())
}
