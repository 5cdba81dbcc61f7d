//! The drop-ins of one key, which are ingested in their order.
//!
//! Their folder, `claimed/KEY`, exists only while drop-ins are in it. The server that ingests them locks it,
//! and the lock belongs to the folder that is held open, not to its path. Whoever finds drop-ins in a folder
//! has its lock, so if a folder is removed or replaced, no other server has the drop-ins that the holder of
//! the lock knows.

use std::{collections::VecDeque, io, time::Instant};

use rustix::{fs::FlockOperation, io::Errno};

use super::{
    claim::{ClaimState, ClaimedDropIn, Surroundings, set_private_aside},
    drop_in_watcher::DropInWatcher,
    retries::{Retries, Shortage},
};
use crate::{
    error::Error,
    journal::file::{CacheFolder, OpenFolder, time_of_ordered_name, time_ordered_name},
    observe::JournalOperation,
};

/// How many drop-ins of one key may wait for their writers. A writer that never closes its file holds
/// up all later ones of its key. Later drop-ins stay where they are; if they are overwritten there, only
/// the last one is ingested.
pub(super) const MAX_CLAIMS_PER_KEY: usize = 100;

/// In each attempt, another program or server removes the key's folder at the same moment.
const MAX_CLAIM_ATTEMPTS: u32 = 10;

pub(super) struct KeyQueue {
    key: String,
    /// Open and locked while drop-ins are in it.
    folder: Option<OpenFolder>,
    /// Oldest first.
    drop_ins: VecDeque<ClaimedDropIn>,
    /// Whether a writer has closed a drop-in since the last claim.
    was_written: bool,
    /// Whether another program has removed a claimed drop-in.
    has_loss: bool,
    claims: Retries,
    appends: Retries,
}

impl KeyQueue {
    pub(super) fn new(key: String) -> Self {
        Self {
            key,
            folder: None,
            drop_ins: VecDeque::new(),
            was_written: false,
            has_loss: false,
            claims: new_claim_retries(),
            appends: new_append_retries(),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether another program has removed a claimed drop-in since the last call.
    pub(super) fn take_loss(&mut self) -> bool {
        std::mem::take(&mut self.has_loss)
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_idle(&self) -> bool {
        self.folder.is_none() && !self.was_written && self.claims.retry_at().is_none()
    }

    /// Whether the key's folder is open, which takes a descriptor.
    pub(super) fn is_open(&self) -> bool {
        self.folder.is_some()
    }

    /// Whether another attempt waits for free descriptors.
    pub(super) fn is_out_of_descriptors(&self) -> bool {
        self.claims.is_out_of_descriptors() || self.appends.is_out_of_descriptors()
    }

    /// A file was closed by its writer, or renamed, to the place of the key's drop-in.
    pub(super) fn note_written(&mut self, now: Instant) {
        self.was_written = true;
        self.claims.retry_now(now);
        self.appends.retry_now(now);
        for drop_in in &mut self.drop_ins {
            drop_in.writer_of_key_closed();
        }
    }

    /// A claimed file was closed by its writer.
    pub(super) fn note_closed(&mut self, name: &str) {
        let drop_in = self.drop_ins.iter_mut().find(|found| found.name() == name);
        if let Some(drop_in) = drop_in {
            drop_in.writer_closed();
        }
    }

    /// The key has no file, or another file name; or it is not a key any more.
    pub(super) fn note_absent(&mut self) {
        self.was_written = false;
        if self.claims.retry_at().is_some() {
            self.claims = new_claim_retries();
        }
    }

    /// Takes the file of the key away from its writer. If this opens the key's folder, the drop-ins
    /// that a killed server has left there come first.
    pub(super) fn claim(
        &mut self,
        surroundings: &Surroundings<'_>,
        watcher: &mut DropInWatcher,
        shortage: &mut Shortage,
    ) {
        let now = Instant::now();
        if !self.claims.is_due(now) || self.drop_ins.len() >= MAX_CLAIMS_PER_KEY {
            return;
        }
        match self.try_claim(surroundings, watcher) {
            Ok(true) => self.claims.succeeded(),
            // It may be the server of an app without this key, which only looks for drop-ins that were
            // left.
            Ok(false) => self.claims.postpone(now),
            Err(error) => {
                surroundings
                    .observations
                    .journal_failed(JournalOperation::Ingest);
                self.claims.failed(&error, now, shortage);
            }
        }
    }

    /// Opens the key's folder for the drop-ins that a killed server has left there.
    pub(super) fn take_over(
        &mut self,
        surroundings: &Surroundings<'_>,
        watcher: &mut DropInWatcher,
    ) -> Result<(), Error> {
        match self.folder {
            Some(_) => Ok(()),
            None => self.lock_folder(surroundings, watcher).map(drop),
        }
    }

    /// `false`: the key's folder cannot be used now.
    fn try_claim(
        &mut self,
        surroundings: &Surroundings<'_>,
        watcher: &mut DropInWatcher,
    ) -> Result<bool, Error> {
        if surroundings.config.events().is_private(&self.key) {
            self.was_written = false;
            return set_private_aside(&self.key, surroundings).map(|()| true);
        }
        let root = surroundings.cache_folder.root();
        let file_name = surroundings.config.drop_in_name(&self.key);
        for _ in 0..MAX_CLAIM_ATTEMPTS {
            let is_locked = self.lock_folder(surroundings, watcher)?;
            let Some(folder) = self.folder.as_ref().filter(|_| is_locked) else {
                return Ok(false);
            };
            let last = self.drop_ins.back().map(ClaimedDropIn::name);
            let name = time_ordered_name(last);
            let claimed = name.and_then(|name| {
                root.rename(&file_name, folder, &name)?;
                Ok(name)
            });
            match claimed {
                Ok(name) => {
                    let was_closed = std::mem::take(&mut self.was_written);
                    self.drop_ins
                        .push_back(ClaimedDropIn::new(name, was_closed));
                    return Ok(true);
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let path = root.path_of(&file_name);
                    return Err(Error::io("ingest the drop-in", &path, error));
                }
                Err(_) if folder.is_removed() => {}
                // Another server or program was faster.
                Err(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Opens the key's folder, unless it is open. `false`: another server has locked it; or the folder
    /// was moved away, and the drop-ins in it come first.
    fn lock_folder(
        &mut self,
        surroundings: &Surroundings<'_>,
        watcher: &mut DropInWatcher,
    ) -> Result<bool, Error> {
        let claimed_folder = &surroundings.claimed_folder;
        if let Some(folder) = &self.folder {
            let is_in_place = folder.is_at(claimed_folder, &self.key).map_err(|error| {
                Error::io("use the folder of claimed drop-ins", folder.path(), error)
            })?;
            if is_in_place {
                return Ok(true);
            }
            if !folder.is_removed() && !self.drop_ins.is_empty() {
                return Ok(false);
            }
            self.forget_folder();
        }
        let cache_folder = surroundings.cache_folder;
        let Some(folder) = lock(cache_folder, claimed_folder, &self.key)? else {
            return Ok(false);
        };
        // Before drop-ins are renamed into it, so that no close of a writer is missed.
        watcher.add(&self.key, &folder);
        self.drop_ins = left_behind(&folder)?;
        self.folder = Some(folder);
        Ok(true)
    }

    /// The drop-ins in the folder are gone with it.
    fn forget_folder(&mut self) {
        self.has_loss |= !self.drop_ins.is_empty();
        self.folder = None;
        self.drop_ins.clear();
        self.appends = new_append_retries();
    }

    /// Appends the drop-ins whose writers have closed them, in their order.
    pub(super) fn finish(&mut self, surroundings: &Surroundings<'_>, shortage: &mut Shortage) {
        let now = Instant::now();
        if !self.appends.is_due(now) {
            return;
        }
        if let Err(error) = self.try_finish(surroundings) {
            surroundings
                .observations
                .journal_failed(JournalOperation::Ingest);
            self.appends.failed(&error, now, shortage);
        }
    }

    fn try_finish(&mut self, surroundings: &Surroundings<'_>) -> Result<(), Error> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for waiting in self.drop_ins.iter_mut().skip(1) {
            waiting.observe(folder, &surroundings.config);
        }
        while let Some(first) = self.drop_ins.front_mut() {
            match first.try_finish(&self.key, folder, surroundings)? {
                ClaimState::HasWriter => return Ok(()),
                ClaimState::Lost => self.has_loss = true,
                ClaimState::Finished => {}
            }
            self.drop_ins.pop_front();
            self.appends.succeeded();
        }
        if let Some(folder) = self.folder.take() {
            release(folder, &surroundings.claimed_folder, &self.key);
        }
        Ok(())
    }

    /// When the next attempt is due. `None`: after a notification, or at the next poll.
    pub(super) fn next_attempt(&self, now: Instant) -> Option<Instant> {
        let first = self.drop_ins.front();
        let next_check = first.map(|drop_in| drop_in.next_writer_check().unwrap_or(now));
        let next_append = next_check.map(|check| self.appends.retry_at().unwrap_or(now).max(check));
        next_append.into_iter().chain(self.claims.retry_at()).min()
    }
}

fn new_claim_retries() -> Retries {
    Retries::new("a drop-in stays where it is", "the drop-in has been moved")
}

fn new_append_retries() -> Retries {
    Retries::new(
        "a drop-in cannot be ingested",
        "the drop-in has been ingested",
    )
}

/// The drop-ins that a killed server has left in a folder, oldest first.
fn left_behind(folder: &OpenFolder) -> Result<VecDeque<ClaimedDropIn>, Error> {
    let names = folder.names();
    let mut names = names.map_err(|error| Error::io("find drop-ins", folder.path(), error))?;
    // Other programs may have put files here.
    names.retain(|name| time_of_ordered_name(name).is_some());
    names.sort_unstable();
    Ok(names.into_iter().map(ClaimedDropIn::left_behind).collect())
}

/// Opens and locks the folder of a key, and creates it if it is missing. `None`: another server uses it.
///
/// Its former holder may have removed the folder meanwhile. Then nothing can be renamed to it.
fn lock(
    cache_folder: &CacheFolder,
    claimed_folder: &OpenFolder,
    key: &str,
) -> Result<Option<OpenFolder>, Error> {
    let folder = match cache_folder.open_or_create_folder(claimed_folder, key) {
        // Another server has removed it right after it was created.
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(folder)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(Error::io(
            "lock the drop-ins",
            &claimed_folder.path_of(key),
            error.into(),
        )),
    }
}

/// Removes the folder if nothing is left in it, and releases the lock.
fn release(folder: OpenFolder, claimed_folder: &OpenFolder, key: &str) {
    // Before the lock is released, so that no other server uses the folder. Fails if other programs
    // have put files there, which stay.
    let _ = claimed_folder.remove_folder(key);
    drop(folder);
}
