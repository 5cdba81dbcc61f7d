//! One drop-in on its way from its writer into the journal.

use std::{
    fs::File,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::Level;

use super::{
    drop_in_file::{self, ReadError},
    writers::WriterCheck,
};
use crate::{
    config::Config,
    error::{Error, one_line},
    journal::{
        Journal,
        file::{CacheFolder, OpenFolder, discard, is_temporary},
    },
    observe::Observations,
    runtime::LimitedLog,
    spans,
};

/// A notification that the writer has closed the file may name the place where the file was before it
/// was claimed, and arrive this long after the claim: the kernel looks up the name before it queues the
/// notification, and the writer may lose its processor in between. If the notification belongs to a
/// later file instead, this one is only taken to be closed when it is quiet for a moment, and a file
/// that is empty or locked is not.
const MAX_CLOSE_DELAY: Duration = Duration::from_millis(500);

const PRIVATE_KEY_REASON: &str = "its cache key is private, and a file cannot name an audience; help: save the value \
    with `sse save KEY VALUE --to AUDIENCE` instead, or remove `:private` after the key in SSE_EVENTS";

/// What an ingest of drop-ins works with.
pub(super) struct Surroundings<'a> {
    pub(super) journal: &'a dyn Journal,
    pub(super) cache_folder: &'a CacheFolder,
    pub(super) claimed_folder: OpenFolder,
    pub(super) config: Arc<Config>,
    pub(super) observations: Observations,
}

/// A drop-in in `claimed/KEY/NAME`.
pub(super) struct ClaimedDropIn {
    /// Names sort in the order in which the drop-ins were claimed, so recovery keeps that order.
    name: String,
    claimed_at: Instant,
    writer_check: WriterCheck,
    /// `None`: not checked yet, or its writer has closed it since the last check.
    next_writer_check: Option<Instant>,
    /// If the drop-in's entry is already in the journal, it has a higher number than this. `None`: nobody
    /// has tried to append it.
    may_be_after: Option<u64>,
}

pub(super) enum ClaimState {
    /// The drop-in is in the journal, or was set aside.
    Finished,
    /// A program may still be writing it.
    HasWriter,
    /// Another program has removed it.
    Lost,
}

impl ClaimedDropIn {
    /// `was_closed`: a writer was seen to close the file.
    pub(super) fn new(name: String, was_closed: bool) -> Self {
        Self {
            name,
            claimed_at: Instant::now(),
            writer_check: WriterCheck::new(was_closed),
            next_writer_check: None,
            may_be_after: None,
        }
    }

    /// A drop-in that another process has claimed, and may have appended.
    pub(super) fn left_behind(name: String) -> Self {
        Self {
            may_be_after: Some(0),
            ..Self::new(name, false)
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// When its writers are to be checked again; `None`: at once.
    pub(super) fn next_writer_check(&self) -> Option<Instant> {
        self.next_writer_check
    }

    /// A writer has closed the file.
    pub(super) fn writer_closed(&mut self) {
        self.writer_check.writer_closed();
        self.next_writer_check = None;
    }

    /// A writer has closed a file at the place from where this one was claimed.
    pub(super) fn writer_of_key_closed(&mut self) {
        if !self.writer_check.was_closed() && self.claimed_at.elapsed() <= MAX_CLOSE_DELAY {
            self.writer_closed();
        }
    }

    /// Begins to observe the file, so that a drop-in that waits behind another is quiet by the time that
    /// it is its turn.
    pub(super) fn observe(&mut self, folder: &OpenFolder, config: &Config) {
        if self.next_writer_check.is_none()
            && let Ok(file) = folder.open_file(&self.name)
        {
            self.has_writer(&file, config);
        }
    }

    fn has_writer(&mut self, file: &File, config: &Config) -> bool {
        let delay = self.writer_check.has_writer(file, config.poll_interval());
        // Without a writer, the next check is when it is this drop-in's turn.
        self.next_writer_check = Some(Instant::now() + delay.unwrap_or_default());
        delay.is_some()
    }

    /// Appends the drop-in to the journal if its writer has closed it.
    pub(super) fn try_finish(
        &mut self,
        key: &str,
        folder: &OpenFolder,
        surroundings: &Surroundings<'_>,
    ) -> Result<ClaimState, Error> {
        if self
            .next_writer_check
            .is_some_and(|next| next > Instant::now())
        {
            return Ok(ClaimState::HasWriter);
        }
        let mut file = match folder.open_file(&self.name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ClaimState::Lost),
            Err(error) if is_temporary(&error) => return Err(self.read_error(folder, error)),
            Err(error) => {
                let reason = drop_in_file::describe_open_error(&error);
                return self.set_aside(key, folder, surroundings, &reason);
            }
        };
        if self.has_writer(&file, &surroundings.config) {
            return Ok(ClaimState::HasWriter);
        }
        let span = spans::ingest(key);
        let result = span.in_scope(|| self.ingest(&mut file, key, folder, surroundings));
        spans::record_error(&span, &result);
        result
    }

    fn ingest(
        &mut self,
        file: &mut File,
        key: &str,
        folder: &OpenFolder,
        surroundings: &Surroundings<'_>,
    ) -> Result<ClaimState, Error> {
        // Claimed before the key became private.
        if surroundings.config.events().is_private(key) {
            return self.set_aside(key, folder, surroundings, PRIVATE_KEY_REASON);
        }
        match drop_in_file::read(
            file,
            &self.name,
            key,
            &surroundings.config,
            surroundings.journal,
        ) {
            Err(ReadError::Temporary(error)) => Err(self.read_error(folder, error)),
            Err(ReadError::Broken(reason)) => self.set_aside(key, folder, surroundings, &reason),
            Ok(None) => self.remove(folder),
            Ok(Some(document)) => {
                let journal = surroundings.journal;
                let appended = self.append(&document, journal);
                // If the journal was replaced meanwhile, the entry may be in the old one. The file then
                // stays, and is appended to the new journal unless that has the entry.
                if journal.is_replaced() {
                    return Ok(ClaimState::Finished);
                }
                appended?;
                let state = match journal.is_in_place() {
                    true => self.remove(folder)?,
                    false => ClaimState::Finished,
                };
                surroundings.observations.ingested();
                Ok(state)
            }
        }
    }

    /// Appends the entry, unless an earlier attempt has.
    fn append(&mut self, document: &[u8], journal: &dyn Journal) -> Result<(), Error> {
        let after = match self.may_be_after {
            Some(after) => after,
            None => journal.newest_number()?,
        };
        self.may_be_after = Some(after);
        let number = journal.append_once(&self.name, after, document)?;
        // If the file cannot be removed, the next attempt finds the entry at once.
        self.may_be_after = Some(number - 1);
        Ok(())
    }

    fn remove(&self, folder: &OpenFolder) -> Result<ClaimState, Error> {
        match folder.remove_file(&self.name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(
                "remove the ingested drop-in",
                &folder.path_of(&self.name),
                error,
            )),
            _ => Ok(ClaimState::Finished),
        }
    }

    fn read_error(&self, folder: &OpenFolder, error: io::Error) -> Error {
        Error::io("read the drop-in", &folder.path_of(&self.name), error)
    }

    fn set_aside(
        &self,
        key: &str,
        folder: &OpenFolder,
        surroundings: &Surroundings<'_>,
        reason: &str,
    ) -> Result<ClaimState, Error> {
        set_aside(key, folder, &self.name, surroundings.cache_folder, reason)?;
        Ok(ClaimState::Finished)
    }
}

/// Moves the drop-in of a private key out of the way as it stands, perhaps before its writer has closed it. It is
/// never claimed: a server whose `.env` does not have the key, and which takes over from a killed one, would
/// publish it.
pub(super) fn set_private_aside(key: &str, surroundings: &Surroundings<'_>) -> Result<(), Error> {
    let cache_folder = surroundings.cache_folder;
    set_aside(
        key,
        cache_folder.root(),
        &surroundings.config.drop_in_name(key),
        cache_folder,
        PRIVATE_KEY_REASON,
    )
}

/// Keeps the last broken drop-in of each key for its owner to read.
fn set_aside(
    key: &str,
    folder: &OpenFolder,
    name: &str,
    cache_folder: &CacheFolder,
    reason: &str,
) -> Result<(), Error> {
    let path = folder.path_of(name);
    let error_at = |error| Error::io("set the drop-in aside", &path, error);
    let broken_folder = cache_folder.broken_folder()?;
    match folder.rename(name, &broken_folder, key) {
        Ok(()) => {}
        // Another server or program was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => {
            // A folder has the name: a rename does not replace folders.
            discard(&broken_folder, key, &cache_folder.trash_folder()?).map_err(error_at)?;
            folder.rename(name, &broken_folder, key).map_err(error_at)?;
        }
    }
    static LOG: LimitedLog = LimitedLog::new(Level::ERROR, "drop-ins were skipped");
    LOG.log(|| {
        format!(
            "a drop-in of the key `{}` is skipped and kept as {}: {}",
            one_line(key),
            one_line(&broken_folder.path_of(key).to_string_lossy()),
            one_line(reason)
        )
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{entry, ingest::tests::App};

    /// An append may fail after the entry got its number.
    #[test]
    fn a_drop_in_is_not_repeated_if_its_entry_is_found_after_a_failed_append() {
        let app = App::for_events("a:k");
        let journal = app.journal();
        let surroundings = app.surroundings(&journal);
        let folder = &surroundings.claimed_folder;
        let value = serde_json::value::to_raw_value("1").unwrap();
        let now = std::time::SystemTime::now();
        let document = entry::encode_drop_in_document("found", "k", value, Duration::ZERO, now);
        journal.append(&document).unwrap();
        for (name, entries) in [("found", 1), ("missing", 2)] {
            fs::write(folder.path_of(name), "1").unwrap();
            let mut drop_in = ClaimedDropIn::new(name.into(), true);
            drop_in.may_be_after = Some(0);
            // Where the kernel does not tell that it has no writer, it must be quiet for a moment.
            let deadline = Instant::now() + Duration::from_secs(10);
            while let ClaimState::HasWriter =
                drop_in.try_finish("k", folder, &surroundings).unwrap()
            {
                assert!(Instant::now() < deadline);
                std::thread::yield_now();
            }
            assert_eq!(journal.newest_number().unwrap(), entries, "{name}");
            assert!(!folder.has(name).unwrap());
        }
    }

    #[test]
    fn a_close_that_is_notified_late_under_the_former_name_counts() {
        let mut drop_in = ClaimedDropIn::new("name".into(), false);
        drop_in.writer_of_key_closed();
        assert!(drop_in.writer_check.was_closed());
        let mut drop_in = ClaimedDropIn::new("name".into(), false);
        drop_in.claimed_at -= MAX_CLOSE_DELAY + Duration::from_secs(1);
        drop_in.writer_of_key_closed();
        assert!(!drop_in.writer_check.was_closed());
    }
}
