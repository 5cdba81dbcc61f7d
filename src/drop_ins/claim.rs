//! One drop-in on its way from its writer into the journal.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{content, watch::CacheWatch, writers::Stillness};
use crate::{
    config::Config,
    entry,
    error::Error,
    journal::file::{CacheFolder, FileJournal, is_passing, open_regular, read_all},
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
        path: &Path,
        folder: &CacheFolder,
        watch: &mut CacheWatch,
    ) -> Result<Option<Self>, Error> {
        let name = random_name(path)?;
        let dir = folder.claimed().join(&name);
        folder.make(&dir)?;
        // Before the file comes, so that no writer's end is missed.
        watch.add(&name, &dir);
        let closed = watch.take_closed(key);
        match fs::rename(path, dir.join(key)) {
            Ok(()) => Ok(Some(Self::new(name, key.to_owned(), closed))),
            Err(error) => {
                let _ = fs::remove_dir(&dir);
                match error.kind() {
                    io::ErrorKind::NotFound => Ok(None),
                    _ => Err(Error::io("take the drop-in", path, error)),
                }
            }
        }
    }

    /// One that a killed process had taken.
    pub(super) fn recovered(name: String, key: String, dir: &Path, watch: &mut CacheWatch) -> Self {
        watch.add(&name, dir);
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

    fn path(&self, folder: &CacheFolder) -> PathBuf {
        folder.claimed().join(&self.name).join(&self.key)
    }

    /// Makes it an entry, if its writer has gone.
    pub(super) fn settle(
        &mut self,
        journal: &FileJournal,
        config: &Config,
        watch: &mut CacheWatch,
    ) -> Result<Settled, Error> {
        self.wait = (self.wait * 2).min(WAITS.1);
        let folder = journal.folder();
        let path = self.path(folder);
        let mut file = match open_regular(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Its owner has cleared the cache.
                discard(&self.name, folder)?;
                return Ok(Settled::Done);
            }
            Err(error) if is_passing(&error) => {
                return Err(Error::io("read the drop-in", &path, error));
            }
            Err(error) => return self.set_aside(folder, &error.to_string()),
        };
        if watch.take_closed(&self.name) {
            self.stillness.writer_closed();
        }
        if !self.stillness.has_no_writer(&file, config.poll_interval()) {
            return Ok(Settled::HasWriter);
        }
        match self.read(&mut file, config) {
            Err(Unread::NotNow(error)) => Err(Error::io("read the drop-in", &path, error)),
            Err(Unread::Broken(why)) => self.set_aside(folder, &why),
            Ok(None) => {
                discard(&self.name, folder)?;
                Ok(Settled::Done)
            }
            Ok(Some(document)) => {
                let ready = folder.ready().join(&self.name);
                write_ready(folder, &ready, &document)
                    .map_err(|error| Error::io("take the drop-in", &ready, error))?;
                Self::finish_ready(&self.name, journal)?;
                Ok(Settled::Done)
            }
        }
    }

    /// From `ready/` into the journal.
    pub(super) fn finish_ready(name: &str, journal: &FileJournal) -> Result<(), Error> {
        discard(name, journal.folder())?;
        let ready = journal.folder().ready().join(name);
        if has_another_name(&ready) {
            // Where files are linked to their numbers instead of renamed, it was killed between
            // the link and the end of the old name.
            return fs::remove_file(&ready).map_err(|e| Error::io("take the drop-in", &ready, e));
        }
        journal.append_file(&ready).map(drop)
    }

    /// The drop-in as a journal entry; `None` where it is over already.
    fn read(&self, file: &mut File, config: &Config) -> Result<Option<Vec<u8>>, Unread> {
        let broken = |why: String| Unread::Broken(why);
        let found = file.metadata().map_err(Unread::NotNow)?;
        // Escapes and PHP's lengths make a file longer than its value, but not by so much.
        let most = config.max_value_bytes();
        if found.len() > 8 * (most as u64) + 1024 {
            return Err(broken(format!(
                "it is much longer than a value may be, {most} bytes"
            )));
        }
        let bytes = read_all(file).map_err(|error| {
            if is_passing(&error) {
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
        Ok(Some(entry::document(&self.key, content.value, ttl, saved)))
    }

    /// Keeps the last broken drop-in of each key for its owner to look at.
    fn set_aside(&self, folder: &CacheFolder, why: &str) -> Result<Settled, Error> {
        let (from, to) = (self.path(folder), folder.broken().join(&self.key));
        folder.make(&folder.broken())?;
        fs::rename(&from, &to).map_err(|e| Error::io("set the drop-in aside", &from, e))?;
        log::error!(
            "the drop-in `{}` is left out: {why}; it is kept as {}",
            self.key,
            to.display()
        );
        discard(&self.name, folder)?;
        Ok(Settled::Done)
    }
}

fn write_ready(folder: &CacheFolder, ready: &Path, document: &[u8]) -> io::Result<()> {
    let mut made = folder.access().dot_file(&folder.ready())?;
    made.write_all(document)?;
    made.into_temp_path()
        .persist(ready)
        .map_err(|error| error.error)
}

/// Removes what is left of a claim.
fn discard(name: &str, folder: &CacheFolder) -> Result<(), Error> {
    let dir = folder.claimed().join(name);
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("take the drop-in", &dir, error))
        }
        _ => Ok(()),
    }
}

fn has_another_name(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::symlink_metadata(path).is_ok_and(|found| found.nlink() > 1)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Names are in the order in which the claims were made: recovery takes them by name.
fn random_name(path: &Path) -> Result<String, Error> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let random = getrandom::u32().map_err(|error| {
        Error::io(
            "take the drop-in",
            path,
            io::Error::other(error.to_string()),
        )
    })?;
    Ok(format!("{:024x}-{random:08x}", now.as_nanos()))
}
