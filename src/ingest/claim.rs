//! One drop-in on its way from its writer into the journal.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    time::{Duration, SystemTime},
};

use super::{content, watch::DropInWatch, writers::Stillness};
use crate::{
    config::Config,
    entry,
    error::{Error, one_line},
    journal::{
        Journal,
        file::{CacheFolder, Dir, FileJournal, discard, is_temporary, read_all, remove_tree},
    },
};

/// How long to wait for a writer between looks; doubled from the first to the last.
const WAITS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// A drop-in in `claimed/NAME/KEY`.
pub(super) struct Claim {
    name: String,
    key: String,
    stillness: Stillness,
    wait: Duration,
}

pub(super) enum Settled {
    /// It is an entry, or was set aside.
    Done,
    /// Somebody may still be writing it.
    HasWriter,
}

/// Why a drop-in cannot be read.
enum Unread {
    /// It never will be.
    Broken(String),
    /// It may be later: the machine is out of something.
    NotNow(io::Error),
}

impl Claim {
    /// Takes the file away from its writer; `None`: somebody else has taken it.
    pub(super) fn take(
        key: &str,
        folder: &CacheFolder,
        claimed: &Dir,
        watch: &mut DropInWatch,
    ) -> Result<Option<Self>, Error> {
        let cannot = |error| Error::io("take the drop-in", &folder.cache().path_of(key), error);
        let name = random_name().map_err(cannot)?;
        let dir = folder.access().create_dir(claimed, &name).map_err(cannot)?;
        // Before the file comes, so that no writer's end is missed.
        watch.add_claim(&name, &dir);
        match folder.cache().rename(key, &dir, key) {
            Ok(()) => {
                // The writer may have closed the file before the rename, and the notification may be
                // unread: the file can be found when something else has ended the wait.
                watch.read();
                let closed = watch.take_closed(key);
                Ok(Some(Self::new(name, key.to_owned(), closed)))
            }
            Err(error) => {
                let _ = claimed.remove_dir(&name);
                match error.kind() {
                    io::ErrorKind::NotFound => Ok(None),
                    _ => Err(cannot(error)),
                }
            }
        }
    }

    /// One that a killed process had taken.
    pub(super) fn recovered(name: String, key: String, dir: &Dir, watch: &mut DropInWatch) -> Self {
        watch.add_claim(&name, dir);
        Self::new(name, key, false)
    }

    fn new(name: String, key: String, closed: bool) -> Self {
        Self {
            name,
            key,
            stillness: Stillness::new(closed),
            wait: WAITS.0,
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// When to look again.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// Makes it an entry, if its writer has gone.
    pub(super) fn settle(
        &mut self,
        journal: &FileJournal,
        claimed: &Dir,
        config: &Config,
        watch: &mut DropInWatch,
    ) -> Result<Settled, Error> {
        self.wait = (self.wait * 2).min(WAITS.1);
        let folder = journal.folder();
        let opened = claimed.open_dir(&self.name);
        let mut file = match opened.and_then(|dir| dir.open_file(&self.key)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Its owner has cleared the cache.
                remove_claim(&self.name, folder, claimed)?;
                return Ok(Settled::Done);
            }
            Err(error) if is_temporary(&error) => {
                return Err(Error::io("read the drop-in", &self.path(claimed), error));
            }
            Err(error) => return self.set_aside(folder, claimed, &error.to_string()),
        };
        if watch.take_closed(&self.name) {
            self.stillness.writer_closed();
        }
        if !self.stillness.has_no_writer(&file, config.poll_interval()) {
            return Ok(Settled::HasWriter);
        }
        match self.read(&mut file, config) {
            Err(Unread::NotNow(error)) => {
                Err(Error::io("read the drop-in", &self.path(claimed), error))
            }
            Err(Unread::Broken(why)) => self.set_aside(folder, claimed, &why),
            Ok(None) => {
                remove_claim(&self.name, folder, claimed)?;
                Ok(Settled::Done)
            }
            Ok(Some(document)) => {
                let ready = folder.ready()?;
                write_ready(folder, &ready, &self.name, &document).map_err(|error| {
                    Error::io("take the drop-in", &ready.path_of(&self.name), error)
                })?;
                remove_claim(&self.name, folder, claimed)?;
                append_ready(&self.name, &document, &ready, journal)?;
                Ok(Settled::Done)
            }
        }
    }

    fn path(&self, claimed: &Dir) -> std::path::PathBuf {
        claimed.path_of(&self.name).join(&self.key)
    }

    /// The drop-in as a journal entry; `None` if it has expired already.
    fn read(&self, file: &mut File, config: &Config) -> Result<Option<Vec<u8>>, Unread> {
        let broken = |why: String| Unread::Broken(why);
        let found = file.metadata().map_err(Unread::NotNow)?;
        if found.nlink() > 1 {
            // It may be somebody's private file, given a second name by a user who cannot read it.
            return Err(broken("the file has a second name (a hard link)".into()));
        }
        // Escapes and PHP's lengths make a file longer than its value, but not by so much.
        let most = config.max_value_bytes();
        if found.len() > 8 * (most as u64) + 1024 {
            return Err(broken(format!(
                "it is much longer than a value may be, {most} bytes"
            )));
        }
        let bytes = read_all(file).map_err(|error| {
            if is_temporary(&error) {
                Unread::NotNow(error)
            } else {
                broken(error.to_string())
            }
        })?;
        let content = content::parse(&bytes).map_err(broken)?;
        if content.value.get().len() > most {
            return Err(broken(format!("its value is longer than {most} bytes")));
        }
        let now = SystemTime::now();
        let saved = content
            .time
            .or(found.modified().ok())
            .unwrap_or(now)
            .min(now);
        let ttl = content.ttl.unwrap_or(config.ttl());
        // The record says itself until when it counts, and CodeIgniter would not return it either.
        let said = content.ttl.is_some_and(|ttl| !ttl.is_zero());
        if said && now.duration_since(saved).unwrap_or_default() > ttl {
            log::info!("the drop-in `{}` has expired and fires nothing", self.key);
            return Ok(None);
        }
        Ok(Some(entry::of_drop_in(
            &self.name,
            &self.key,
            content.value,
            ttl,
            saved,
        )))
    }

    /// Keeps the last broken drop-in of each key for its owner to look at.
    fn set_aside(&self, folder: &CacheFolder, claimed: &Dir, why: &str) -> Result<Settled, Error> {
        let cannot = |error| Error::io("set the drop-in aside", &self.path(claimed), error);
        let broken = folder.broken()?;
        let claim = claimed.open_dir(&self.name).map_err(cannot)?;
        if claim.rename(&self.key, &broken, &self.key).is_err() {
            // A directory has its place.
            discard(&broken, &self.key, &folder.trash()?).map_err(cannot)?;
            claim
                .rename(&self.key, &broken, &self.key)
                .map_err(cannot)?;
        }
        log::error!(
            "the drop-in `{}` is left out: {}; it is kept as {}",
            one_line(&self.key),
            one_line(why),
            one_line(&broken.path_of(&self.key).to_string_lossy())
        );
        remove_claim(&self.name, folder, claimed)?;
        Ok(Settled::Done)
    }
}

/// From `ready/` into the journal. A server that is killed in between leaves the ready file, and the
/// entry names it.
pub(super) fn append_ready(
    name: &str,
    document: &[u8],
    ready: &Dir,
    journal: &FileJournal,
) -> Result<(), Error> {
    journal.append(document)?;
    // If the journal was replaced meanwhile, the entry may be in the former one. The ready file
    // stays, and the drop-in is taken for the new journal.
    if journal.is_in_place() {
        remove_ready(name, ready)?;
    }
    Ok(())
}

pub(super) fn remove_ready(name: &str, ready: &Dir) -> Result<(), Error> {
    match ready.remove_file(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("take the drop-in", &ready.path_of(name), error))
        }
        _ => Ok(()),
    }
}

fn write_ready(folder: &CacheFolder, ready: &Dir, name: &str, document: &[u8]) -> io::Result<()> {
    let (mut file, unfinished) = folder.access().unfinished_file(ready)?;
    file.write_all(document)?;
    unfinished.replace(name)
}

/// Removes what is left of a claim.
pub(super) fn remove_claim(name: &str, folder: &CacheFolder, claimed: &Dir) -> Result<(), Error> {
    remove_tree(claimed, name, &folder.trash()?)
}

/// Names are in the order in which the claims were made: recovery takes them by name.
fn random_name() -> io::Result<String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let random = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{:024x}-{random:08x}", now.as_nanos()))
}
