//! Drop-ins: files that any program puts into the cache folder under a cache key's name.
//!
//! A drop-in is on its way in one of these places, and moves on by one system call at a time, so
//! that a process that is killed anywhere neither loses nor doubles it:
//!
//! 1. `KEY`: where its writer put it. It is renamed away *before* it is read, so that a writer who
//!    comes later makes another file.
//! 2. `.sse/claimed/NAME/KEY`: until its writer has closed it.
//! 3. `.sse/ready/NAME`: the whole journal entry. From here on, what is left in `claimed/NAME` is
//!    nothing but rubbish.
//! 4. The journal.

mod content;
mod php;
mod watch;
mod writers;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use self::{watch::CacheWatch, writers::Stillness};
use crate::{
    config::Config,
    entry,
    error::Error,
    journal::{
        Interrupt, Journal,
        file::{FileJournal, open_regular, read_all, same_file},
    },
};

/// How long to wait for a writer between looks; doubled from the first to the last.
const WRITER_WAITS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// Takes drop-ins for as long as it lives. Of several processes on one cache, one does so at a
/// time, and another takes over when it ends.
pub(crate) struct Intake {
    interrupt: Interrupt,
    thread: Option<JoinHandle<()>>,
}

impl Intake {
    pub(crate) fn start(journal: Arc<FileJournal>, config: &Config) -> Result<Self, Error> {
        let folder = journal.folder().path().to_path_buf();
        let cannot = |error| Error::io("take drop-ins from the cache folder", &folder, error);
        let interrupt = Interrupt::new().map_err(cannot)?;
        let worker = Worker {
            journal,
            keys: config.events().keys().map(str::to_owned).collect(),
            poll_interval: config.poll_interval(),
            ttl: config.ttl(),
            max_value_bytes: config.max_value_bytes(),
            interrupt: interrupt.clone(),
            claims: Vec::new(),
        };
        let thread = thread::Builder::new()
            .name("sse-drop-ins".into())
            .spawn(|| worker.run())
            .map_err(cannot)?;
        Ok(Self {
            interrupt,
            thread: Some(thread),
        })
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.interrupt.raise();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened, and taking drop-ins ended with it.
            let _ = thread.join();
        }
    }
}

struct Worker {
    journal: Arc<FileJournal>,
    keys: Vec<String>,
    poll_interval: Duration,
    ttl: Duration,
    max_value_bytes: usize,
    interrupt: Interrupt,
    /// Oldest first.
    claims: Vec<Claim>,
}

/// A drop-in in `claimed/`.
struct Claim {
    name: String,
    key: String,
    stillness: Stillness,
    wait: Duration,
}

impl Worker {
    fn run(mut self) {
        let mut reported = None;
        while !self.interrupt.is_raised() && self.journal.is_current() {
            match self.serve() {
                Ok(()) => {}
                Err(error) => {
                    // A fault that lasts is said once, not at every look.
                    let text = error.to_string();
                    if reported.as_ref() != Some(&text) {
                        log::error!("drop-ins are not taken: {text}");
                        reported = Some(text);
                    }
                }
            }
            self.interrupt.wait(self.poll_interval);
        }
    }

    /// Takes drop-ins until it shall end, or something goes wrong. Returns at once while another
    /// process does.
    fn serve(&mut self) -> Result<(), Error> {
        let folder = Arc::clone(self.journal.folder());
        let path = folder.claimed().join(".lock");
        let cannot = |error| Error::io("lock the drop-ins", &path, error);
        // Held until this returns; the kernel lets go of it when the process is killed.
        let lock = folder.access().lock_file(&path).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(()),
            Err(fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let mut watch = CacheWatch::new(folder.path());
        self.recover()?;
        while !self.interrupt.is_raised() && self.journal.is_current() && is_at(&lock, &path) {
            self.claim_all()?;
            let wait = self.settle_all()?.unwrap_or(self.poll_interval);
            watch.wait(wait.min(self.poll_interval), &self.interrupt);
        }
        Ok(())
    }

    /// Goes on with what a process that was killed has left.
    fn recover(&mut self) -> Result<(), Error> {
        let folder = Arc::clone(self.journal.folder());
        for name in names(&folder.ready())? {
            self.finish(&name)?;
        }
        self.claims.clear();
        for name in names(&folder.claimed())? {
            let dir = folder.claimed().join(&name);
            match names(&dir)?.pop() {
                Some(key) => self.claims.push(Claim::new(name, key)),
                None => remove_dir(&dir)?,
            }
        }
        Ok(())
    }

    fn claim_all(&mut self) -> Result<(), Error> {
        let folder = Arc::clone(self.journal.folder());
        for key in &self.keys {
            let path = folder.path().join(key);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_file() => {}
                // Folders, links, devices: none of them is a drop-in.
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("look for drop-ins", &path, error)),
            }
            let name = random_name(&path)?;
            let dir = folder.claimed().join(&name);
            folder
                .access()
                .make_dir(&dir)
                .map_err(|e| Error::io("take the drop-in", &dir, e))?;
            match fs::rename(&path, dir.join(key)) {
                Ok(()) => self.claims.push(Claim::new(name, key.clone())),
                Err(error) => {
                    remove_dir(&dir)?;
                    if error.kind() != io::ErrorKind::NotFound {
                        return Err(Error::io("take the drop-in", &path, error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Turns every claim whose writer has gone into an entry, and says when to look at the others.
    fn settle_all(&mut self) -> Result<Option<Duration>, Error> {
        let mut waiting: Vec<Claim> = Vec::new();
        for mut claim in std::mem::take(&mut self.claims) {
            // A later drop-in of the same key comes after the earlier, however long that takes.
            let in_turn = !waiting.iter().any(|earlier| earlier.key == claim.key);
            if !in_turn || !self.settle(&mut claim)? {
                waiting.push(claim);
            }
        }
        self.claims = waiting;
        Ok(self.claims.iter().map(|claim| claim.wait).min())
    }

    /// `false`: its writer has not gone yet.
    fn settle(&mut self, claim: &mut Claim) -> Result<bool, Error> {
        let folder = Arc::clone(self.journal.folder());
        let path = folder.claimed().join(&claim.name).join(&claim.key);
        let mut file = match open_regular(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                remove_dir(&folder.claimed().join(&claim.name))?;
                return Ok(true);
            }
            Err(error) => return self.set_aside(claim, &error.to_string()),
        };
        if !claim.stillness.has_no_writer(&file, self.poll_interval) {
            claim.wait = (claim.wait * 2).min(WRITER_WAITS.1);
            return Ok(false);
        }
        match self.read(&mut file, &claim.key) {
            Err(why) => self.set_aside(claim, &why),
            Ok(None) => {
                self.discard_claim(&claim.name)?;
                Ok(true)
            }
            Ok(Some(document)) => {
                let ready = folder.ready().join(&claim.name);
                folder
                    .access()
                    .dot_file(&folder.ready())
                    .and_then(|mut made| {
                        made.write_all(&document)?;
                        made.into_temp_path()
                            .persist(&ready)
                            .map_err(|error| error.error)
                    })
                    .map_err(|error| Error::io("take the drop-in", &ready, error))?;
                self.finish(&claim.name)?;
                Ok(true)
            }
        }
    }

    /// The drop-in as a journal entry; `None` where it is over already.
    fn read(&self, file: &mut File, key: &str) -> Result<Option<Vec<u8>>, String> {
        let now = SystemTime::now();
        let modified = file
            .metadata()
            .and_then(|found| found.modified())
            .unwrap_or(now);
        let bytes = read_all(file).map_err(|error| error.to_string())?;
        let content = content::parse(&bytes)?;
        if content.value.get().len() > self.max_value_bytes {
            return Err(format!(
                "its value is longer than {} bytes",
                self.max_value_bytes
            ));
        }
        let saved = content.time.unwrap_or(modified).min(now);
        let ttl = content.ttl.unwrap_or(self.ttl);
        // The record says itself until when it counts, and CodeIgniter would not return it either.
        let given = content.ttl.is_some_and(|ttl| !ttl.is_zero());
        if given && now.duration_since(saved).unwrap_or_default() > ttl {
            log::info!("the drop-in `{key}` has expired and fires nothing");
            return Ok(None);
        }
        Ok(Some(entry::document(key, content.value, ttl, saved)))
    }

    /// From `ready` into the journal.
    fn finish(&self, name: &str) -> Result<(), Error> {
        self.discard_claim(name)?;
        self.journal
            .append_file(&self.journal.folder().ready().join(name))
            .map(drop)
    }

    fn discard_claim(&self, name: &str) -> Result<(), Error> {
        let dir = self.journal.folder().claimed().join(name);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("take the drop-in", &dir, error))
            }
            _ => Ok(()),
        }
    }

    /// Keeps the last broken drop-in of each key for its owner to look at.
    fn set_aside(&self, claim: &Claim, why: &str) -> Result<bool, Error> {
        let folder = self.journal.folder();
        let (from, to) = (
            folder.claimed().join(&claim.name).join(&claim.key),
            folder.broken().join(&claim.key),
        );
        log::error!(
            "the drop-in `{}` is left out: {why}; it is kept as {}",
            claim.key,
            to.display()
        );
        fs::rename(&from, &to).map_err(|error| Error::io("set the drop-in aside", &from, error))?;
        remove_dir(&folder.claimed().join(&claim.name))?;
        Ok(true)
    }
}

impl Claim {
    fn new(name: String, key: String) -> Self {
        Self {
            name,
            key,
            stillness: Stillness::default(),
            wait: WRITER_WAITS.0,
        }
    }
}

/// Whether `file` is still what `path` leads to.
fn is_at(file: &File, path: &Path) -> bool {
    matches!((file.metadata(), fs::metadata(path)), (Ok(held), Ok(found)) if same_file(&held, &found))
}

/// The names in `dir` that do not begin with a dot.
fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let cannot = |error| Error::io("look for drop-ins", dir, error);
    let mut names = Vec::new();
    for item in fs::read_dir(dir).map_err(cannot)? {
        if let Ok(name) = item.map_err(cannot)?.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn remove_dir(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("take the drop-in", dir, error))
        }
        _ => Ok(()),
    }
}

/// Claims in the order they were made: recovery takes them by name.
fn random_name(path: &Path) -> Result<String, Error> {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let random = getrandom::u32().map_err(|error| {
        Error::io(
            "take the drop-in",
            path,
            io::Error::other(error.to_string()),
        )
    })?;
    Ok(format!("{nanos:024x}-{random:08x}"))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, path::PathBuf, time::Instant};

    use super::*;
    use crate::journal::{Reader, Step, file::CacheFolder};

    struct App {
        dir: tempfile::TempDir,
        config: Config,
    }

    impl App {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let config = Config::new(dir.path(), "a:k1,b:k2")
                .unwrap()
                .with_poll_interval(Duration::from_millis(50));
            Self { dir, config }
        }

        fn journal(&self) -> Arc<FileJournal> {
            let folder = Arc::new(CacheFolder::prepare(&self.config).unwrap());
            Arc::new(FileJournal::open(folder).unwrap())
        }

        fn cache(&self) -> PathBuf {
            self.dir.path().join("writable/cache")
        }
    }

    /// The next `count` entries as `key=value`, waiting for them.
    fn read(journal: &Arc<FileJournal>, count: usize) -> Vec<String> {
        let mut reader = Reader::new(Arc::clone(journal) as Arc<dyn Journal>, 1);
        let mut watch = journal.watch();
        let never = Interrupt::new().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut found = Vec::new();
        while found.len() < count {
            match reader.step().unwrap() {
                Step::Entry(entry) => found.push(format!("{}={}", entry.key(), entry.value())),
                Step::CaughtUp => {
                    assert!(Instant::now() < deadline, "only {found:?}");
                    watch.wait(reader.next(), Duration::from_millis(50), &never);
                }
                Step::Missed(why) => panic!("{why:?}"),
            }
        }
        found
    }

    #[test]
    fn every_content_becomes_its_value() {
        let app = App::new();
        let journal = app.journal();
        let intake = Intake::start(Arc::clone(&journal), &app.config).unwrap();
        let contents: [(&[u8], &str); 4] = [
            (b"1\n", "k1=1"),
            (b"{\"order\": 42}", "k1={\"order\": 42}"),
            (b"hello\n", "k1=\"hello\""),
            (
                b"a:3:{s:4:\"time\";i:9999999999;s:3:\"ttl\";i:60;s:4:\"data\";s:2:\"\xc3\xa9\";}",
                "k1=\"\u{e9}\"",
            ),
        ];
        for (at, (bytes, _)) in contents.iter().enumerate() {
            fs::write(app.cache().join("k1"), bytes).unwrap();
            read(&journal, at + 1);
        }
        drop(intake);
        assert_eq!(read(&journal, 4), contents.map(|(_, value)| value));
        assert!(names(&app.cache()).unwrap().is_empty());
        assert!(names(&app.cache().join(".sse/claimed")).unwrap().is_empty());
    }

    #[test]
    fn a_slow_writer_is_waited_for() {
        let app = App::new();
        let journal = app.journal();
        let _intake = Intake::start(Arc::clone(&journal), &app.config).unwrap();
        let mut slow = File::create(app.cache().join("k1")).unwrap();
        slow.write_all(b"{\"whole\":").unwrap();
        // Taken away from its writer, who does not notice.
        let deadline = Instant::now() + Duration::from_secs(10);
        while app.cache().join("k1").exists() {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        // Another key is not held up, and a later file of the same key comes after the slow one.
        fs::write(app.cache().join("k1"), "2").unwrap();
        fs::write(app.cache().join("k2"), "3").unwrap();
        assert_eq!(read(&journal, 1), ["k2=3"]);
        slow.write_all(b"true}").unwrap();
        drop(slow);
        assert_eq!(read(&journal, 3), ["k2=3", "k1={\"whole\":true}", "k1=2"]);
    }

    #[test]
    fn of_two_servers_one_takes_a_drop_in_and_the_other_takes_over() {
        let app = App::new();
        let journal = app.journal();
        let one = Intake::start(Arc::clone(&journal), &app.config).unwrap();
        let _other = Intake::start(app.journal(), &app.config).unwrap();
        fs::write(app.cache().join("k1"), "1").unwrap();
        assert_eq!(read(&journal, 1), ["k1=1"]);
        drop(one);
        fs::write(app.cache().join("k1"), "2").unwrap();
        assert_eq!(read(&journal, 2), ["k1=1", "k1=2"]);
        assert_eq!(journal.newest().unwrap(), 2);
    }

    #[test]
    fn what_a_killed_server_left_is_taken_once() {
        let app = App::new();
        let journal = app.journal();
        let folder = Arc::clone(journal.folder());
        // Killed after the entry was ready, before the claim was removed.
        fs::create_dir(folder.claimed().join("one")).unwrap();
        fs::write(folder.claimed().join("one/k1"), "1").unwrap();
        let value = content::parse(b"1").unwrap().value;
        let document = entry::document("k1", value, Duration::ZERO, SystemTime::now());
        fs::write(folder.ready().join("one"), document).unwrap();
        // Killed after the claim; and before anything was in it.
        fs::create_dir(folder.claimed().join("two")).unwrap();
        fs::write(folder.claimed().join("two/k2"), "2").unwrap();
        fs::create_dir(folder.claimed().join("three")).unwrap();

        let _intake = Intake::start(Arc::clone(&journal), &app.config).unwrap();
        assert_eq!(read(&journal, 2), ["k1=1", "k2=2"]);
        assert_eq!(journal.newest().unwrap(), 2);
    }

    #[test]
    fn what_is_no_drop_in_stays_and_what_is_broken_is_set_aside() {
        let app = App::new();
        let journal = app.journal();
        fs::write(app.cache().join("other"), "1").unwrap();
        fs::create_dir(app.cache().join("k2")).unwrap();
        fs::write(app.cache().join("k1"), b"a:3:{s:4:\"time\";i:17").unwrap();
        let _intake = Intake::start(Arc::clone(&journal), &app.config).unwrap();
        let broken = app.cache().join(".sse/broken/k1");
        let deadline = Instant::now() + Duration::from_secs(10);
        while !broken.exists() {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
        assert_eq!(journal.newest().unwrap(), 0);
        assert!(app.cache().join("other").exists() && app.cache().join("k2").is_dir());
    }
}
