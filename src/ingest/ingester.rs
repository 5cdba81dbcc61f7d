//! Ingests drop-ins in one process at a time.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use super::{
    claim::{ClaimState, ClaimedDropIn},
    drop_in_watcher::DropInWatcher,
    recovery,
};
use crate::{
    config::Config,
    error::Error,
    journal::{
        Journal,
        file::{FileJournal, OpenFolder, is_file, sweep_orphans},
    },
    runtime::{Interrupt, RepeatedError},
};

/// How many drop-ins of one key may wait for their writers. Each takes a folder and a watch, of which
/// older kernels grant a user 8,192, and a writer that never closes its file holds up all later ones of
/// its key. Later drop-ins stay where they are; if they are overwritten there, only the last one is
/// ingested.
pub(super) const MAX_CLAIMS_PER_KEY: usize = 100;

/// What killed processes leave only occupies disk space, so it is not urgent to remove it.
const ORPHAN_SWEEP_INTERVAL: Duration = Duration::from_secs(600);

pub(super) struct Ingester<'a> {
    journal: &'a FileJournal,
    config: &'a Config,
    interrupt: &'a Interrupt,
    /// Oldest first.
    claims: Vec<ClaimedDropIn>,
    /// By key, and during recovery by the name of the claim: a drop-in that cannot be ingested does not
    /// hold up those of other keys.
    errors: HashMap<String, RepeatedError>,
    last_orphan_sweep: Option<Instant>,
    orphan_sweep_error: RepeatedError,
}

/// Why an ingester stopped without an error.
pub(super) enum StopReason {
    /// Another process ingests drop-ins, the journal was removed or replaced, the folder of claimed
    /// drop-ins was removed, or the server shuts down.
    Ended,
    ConfigChanged,
}

impl<'a> Ingester<'a> {
    pub(super) fn new(
        journal: &'a FileJournal,
        config: &'a Config,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            journal,
            config,
            interrupt,
            claims: Vec::new(),
            errors: HashMap::new(),
            last_orphan_sweep: None,
            orphan_sweep_error: RepeatedError::new(
                "unfinished files of killed programs are not removed",
                "the removal of unfinished files has resumed",
            ),
        }
    }

    /// Ingests drop-ins until it is interrupted, `is_config_current` returns `false`, or the journal or
    /// the folder of claimed drop-ins is removed. Returns at once if another process ingests them.
    pub(super) fn run(
        &mut self,
        is_config_current: impl Fn() -> bool,
    ) -> Result<StopReason, Error> {
        if !self.journal.is_in_place() {
            return Ok(StopReason::Ended);
        }
        let cache_folder = self.journal.cache_folder();
        let _impersonation = cache_folder.impersonate_owner()?;
        let claimed_folder = cache_folder.claimed_folder()?;
        let error_at = |error| Error::io("lock the drop-ins", cache_folder.path(), error);
        // Held until this method returns; the kernel releases it if the process is killed.
        let lock = self.journal.open_lock_file().map_err(error_at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(StopReason::Ended),
            Err(fs::TryLockError::Error(error)) => return Err(error_at(error)),
        }
        let mut watcher = DropInWatcher::new(cache_folder.root(), self.config.events().keys());
        self.recover(&claimed_folder, &mut watcher)?;
        while !self.interrupt.is_raised()
            && self.journal.is_in_place()
            && !claimed_folder.is_removed()
        {
            if !is_config_current() {
                return Ok(StopReason::ConfigChanged);
            }
            self.journal.stop_former_programs()?;
            self.claim_all(&claimed_folder, &mut watcher);
            let next_check = self.finish_claims(&claimed_folder, &mut watcher);
            self.sweep_orphans();
            watcher.wait(next_check.min(self.config.poll_interval()), self.interrupt);
        }
        Ok(StopReason::Ended)
    }

    fn recover(
        &mut self,
        claimed_folder: &OpenFolder,
        watcher: &mut DropInWatcher,
    ) -> Result<(), Error> {
        let errors = &mut self.errors;
        recovery::append_ready(self.journal, claimed_folder, |name, error| {
            error_log_of(errors, name).report(error);
        })?;
        self.claims = recovery::recover_claims(claimed_folder, watcher)?;
        Ok(())
    }

    fn claim_all(&mut self, claimed_folder: &OpenFolder, watcher: &mut DropInWatcher) {
        for key in self.config.events().keys() {
            let waiting = self.claims.iter().filter(|claim| claim.key() == key);
            if waiting.count() >= MAX_CLAIMS_PER_KEY {
                continue;
            }
            match self.claim(key, claimed_folder, watcher) {
                Ok(claim) => self.claims.extend(claim),
                Err(error) => error_log_of(&mut self.errors, key).report(&error),
            }
        }
    }

    fn claim(
        &self,
        key: &str,
        claimed_folder: &OpenFolder,
        watcher: &mut DropInWatcher,
    ) -> Result<Option<ClaimedDropIn>, Error> {
        let cache_folder = self.journal.cache_folder();
        match cache_folder.root().stat(key) {
            Ok(Some(stat)) if is_file(&stat) => {
                ClaimedDropIn::take(key, cache_folder, claimed_folder, watcher)
            }
            // Folders, links and devices are not drop-ins.
            Ok(_) => Ok(None),
            Err(error) => {
                let path = cache_folder.root().path_of(key);
                Err(Error::io("find drop-ins", &path, error))
            }
        }
    }

    fn sweep_orphans(&mut self) {
        let is_due = self
            .last_orphan_sweep
            .is_none_or(|last| last.elapsed() >= ORPHAN_SWEEP_INTERVAL);
        if !is_due {
            return;
        }
        self.last_orphan_sweep = Some(Instant::now());
        self.journal.touch();
        match sweep_orphans(self.journal.cache_folder()) {
            Ok(()) => self.orphan_sweep_error.note_success(),
            Err(error) => self.orphan_sweep_error.report(&error),
        }
    }

    /// Appends every claimed drop-in whose writer has closed it, and returns when to check the others.
    fn finish_claims(
        &mut self,
        claimed_folder: &OpenFolder,
        watcher: &mut DropInWatcher,
    ) -> Duration {
        let mut waiting: Vec<ClaimedDropIn> = Vec::new();
        for mut claim in std::mem::take(&mut self.claims) {
            // Drop-ins of one key keep their order, however long the first one takes.
            if waiting.iter().any(|earlier| earlier.key() == claim.key()) {
                waiting.push(claim);
                continue;
            }
            match claim.try_finish(self.journal, claimed_folder, self.config, watcher) {
                Ok(ClaimState::Finished) => {
                    error_log_of(&mut self.errors, claim.key()).note_success();
                }
                Ok(ClaimState::HasWriter) => waiting.push(claim),
                Err(error) => {
                    error_log_of(&mut self.errors, claim.key()).report(&error);
                    waiting.push(claim);
                }
            }
        }
        self.claims = waiting;
        let next_check = self.claims.iter().map(ClaimedDropIn::check_delay).min();
        next_check.unwrap_or(self.config.poll_interval())
    }
}

fn error_log_of<'a>(
    errors: &'a mut HashMap<String, RepeatedError>,
    key_or_claim_name: &str,
) -> &'a mut RepeatedError {
    errors
        .entry(key_or_claim_name.to_owned())
        .or_insert_with(|| {
            RepeatedError::new(
                "a drop-in cannot be ingested",
                "the drop-in has been ingested",
            )
        })
}
