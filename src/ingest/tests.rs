//! Drop-ins, from their writers to the journal.

mod failing;
mod losses;
mod prefixes;
mod private_keys;
mod servers;
mod unusable;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{claim::Surroundings, content, key_queue::MAX_CLAIMS_PER_KEY};
use crate::{
    config::{Config, ConfigPoller},
    entry,
    journal::{
        Journal,
        file::{CacheFolder, FileJournal},
    },
    observe::Observations,
    platform,
    runtime::{BackgroundThread, Interrupt},
};

pub(super) struct App {
    dir: tempfile::TempDir,
    config: Config,
}

impl App {
    fn new() -> Self {
        Self::for_events("a:k1,b:k2")
    }

    fn with_prefix(mut self, prefix: &str) -> Self {
        self.config = self.config.with_drop_in_prefix(prefix).unwrap();
        self
    }

    pub(super) fn for_events(events: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), events)
            .unwrap()
            .with_poll_interval(Duration::from_millis(50));
        Self { dir, config }
    }

    fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.config = self.config.with_poll_interval(interval);
        self
    }

    pub(super) fn journal(&self) -> Arc<FileJournal> {
        let folder = Arc::new(CacheFolder::prepare(&self.config).unwrap());
        Arc::new(FileJournal::open(&folder).unwrap())
    }

    /// Of an ingest that runs only when the test calls it.
    pub(super) fn surroundings<'a>(&self, journal: &'a FileJournal) -> Surroundings<'a> {
        let cache_folder = journal.cache_folder();
        Surroundings {
            journal,
            cache_folder,
            claimed_folder: cache_folder.claimed_folder().unwrap(),
            config: Arc::new(self.config.clone()),
            observations: Observations::new(),
        }
    }

    fn config_poller(&self) -> Arc<ConfigPoller> {
        Arc::new(ConfigPoller::new(self.config.clone()))
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("writable/cache")
    }

    fn claimed(&self) -> PathBuf {
        self.cache().join(".sse/claimed")
    }
}

/// Ingests drop-ins into this journal.
fn start(journal: &Arc<FileJournal>, config_poller: Arc<ConfigPoller>) -> BackgroundThread {
    let folder = Arc::clone(journal.cache_folder());
    let journal = Arc::clone(journal) as Arc<dyn Journal>;
    super::start(
        journal,
        Box::new(move |_| Ok(Arc::clone(&folder))),
        config_poller,
        Observations::new(),
    )
    .unwrap()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// The first `count` entries as `key=value`, waiting for them.
fn read(journal: &Arc<FileJournal>, count: usize) -> Vec<String> {
    let mut watcher = journal.watch();
    let never = Interrupt::new().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let entries = journal.read_from(1, count as u64).unwrap().entries;
        let found: Vec<_> = (entries.into_iter().map(Result::unwrap))
            .map(|entry| format!("{}={}", entry.key(), entry.value()))
            .collect();
        if found.len() == count {
            return found;
        }
        assert!(Instant::now() < deadline, "only {found:?}");
        let next = found.len() as u64 + 1;
        watcher.wait(next, Duration::from_millis(50), &never);
    }
}

#[test]
fn each_kind_of_content_becomes_its_value() {
    let app = App::new();
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    let contents: [(&[u8], &str); 4] = [
        (b"1\n", "k1=1"),
        (b"{\"order\": 42}", "k1={\"order\": 42}"),
        (b"hello\n", "k1=\"hello\""),
        (
            b"a:3:{s:4:\"time\";i:9999999999;s:3:\"ttl\";i:60;s:4:\"data\";s:2:\"\xc3\xa9\";}",
            "k1=\"\u{e9}\"",
        ),
    ];
    for (index, (bytes, _)) in contents.iter().enumerate() {
        fs::write(app.cache().join("k1"), bytes).unwrap();
        read(&journal, index + 1);
    }
    assert_eq!(read(&journal, 4), contents.map(|(_, value)| value));
    assert!(!app.cache().join("k1").exists());
    until("the key's folder is removed", || is_empty(&app.claimed()));
}

#[test]
fn a_drop_in_is_ingested_only_after_its_writer_has_closed_it() {
    if !platform::IS_LINUX {
        // Other systems cannot tell that a file still has a writer.
        return;
    }
    let app = App::new();
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    let mut slow = File::create(app.cache().join("k1")).unwrap();
    slow.write_all(b"{\"whole\":").unwrap();
    // The file is renamed while its writer has it open.
    let deadline = Instant::now() + Duration::from_secs(10);
    while app.cache().join("k1").exists() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    // It does not hold up another key. A later file of the same key waits for it.
    fs::write(app.cache().join("k1"), "2").unwrap();
    fs::write(app.cache().join("k2"), "3").unwrap();
    assert_eq!(read(&journal, 1), ["k2=3"]);
    slow.write_all(b"true}").unwrap();
    drop(slow);
    assert_eq!(read(&journal, 3), ["k2=3", "k1={\"whole\":true}", "k1=2"]);
}

/// What `cache()->clean()` of CodeIgniter deletes has a name without a dot.
#[test]
fn a_claimed_drop_in_survives_a_php_framework_that_clears_its_cache() {
    if !platform::IS_LINUX {
        // Other systems cannot tell that a file still has a writer.
        return;
    }
    let app = App::new();
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    let _writer = File::create(app.cache().join("k1")).unwrap();
    until("it is claimed", || !app.cache().join("k1").exists());
    let claimed = fs::read_dir(app.claimed().join("k1")).unwrap();
    let names: Vec<_> = claimed.map(|file| file.unwrap().file_name()).collect();
    let [name] = &names[..] else {
        panic!("{names:?}");
    };
    assert!(name.to_str().unwrap().starts_with('.'), "{name:?}");
}

/// A file that is never closed holds up all later ones of its key.
#[test]
fn the_number_of_waiting_drop_ins_per_key_is_limited() {
    if !platform::IS_LINUX {
        // Other systems cannot tell that the file still has a writer.
        return;
    }
    let app = App::new();
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    let key = app.cache().join("k1");
    let held = File::create(&key).unwrap();
    until("the first is claimed", || !key.exists());
    for count in 1..MAX_CLAIMS_PER_KEY {
        fs::write(&key, count.to_string()).unwrap();
        until("it is claimed", || !key.exists());
    }
    for value in ["overwritten", "last"] {
        fs::write(&key, value).unwrap();
        fs::write(app.cache().join("k2"), "1").unwrap();
        until("the other key is claimed", || {
            !app.cache().join("k2").exists()
        });
        assert_eq!(fs::read_to_string(&key).unwrap(), value);
    }
    (&held).write_all(b"0").unwrap();
    drop(held);
    // Between keys, no order is promised.
    let (other_key, same_key): (Vec<_>, Vec<_>) = read(&journal, 2 + MAX_CLAIMS_PER_KEY + 1)
        .into_iter()
        .partition(|entry| entry.starts_with("k2="));
    assert_eq!(other_key, ["k2=1"; 2]);
    let mut expected: Vec<_> = (0..MAX_CLAIMS_PER_KEY)
        .map(|count| format!("k1={count}"))
        .collect();
    expected.push("k1=\"last\"".to_owned());
    assert_eq!(same_key, expected);
}

#[test]
fn other_files_and_folders_stay_and_a_broken_drop_in_is_set_aside() {
    let app = App::new();
    let journal = app.journal();
    fs::write(app.cache().join("other"), "1").unwrap();
    fs::create_dir(app.cache().join("k2")).unwrap();
    fs::write(app.cache().join("k1"), b"a:3:{s:4:\"time\";i:17").unwrap();
    let _ingest = start(&journal, app.config_poller());
    let broken = app.cache().join(".sse/broken/k1");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !broken.exists() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    assert_eq!(journal.newest_number().unwrap(), 0);
    assert!(app.cache().join("other").exists() && app.cache().join("k2").is_dir());
}

/// Waits until `condition` is true.
fn until(state: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {state}");
        thread::yield_now();
    }
}

#[test]
fn a_file_modified_before_1970_is_ingested() {
    let app = App::new();
    let journal = app.journal();
    let file = File::create(app.cache().join("k1")).unwrap();
    (&file).write_all(b"1").unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH - Duration::from_secs(1_000))
        .unwrap();
    drop(file);
    let _ingest = start(&journal, app.config_poller());
    assert_eq!(read(&journal, 1), ["k1=1"]);
}

/// A round would create the missing folder.
#[test]
fn a_file_that_is_no_drop_in_causes_no_round() {
    /// A round takes less than a millisecond.
    const ROUND: Duration = Duration::from_millis(200);
    if !platform::IS_LINUX {
        // Without notifications, every wait ends with a round.
        return;
    }
    let app = App::new().with_poll_interval(Duration::from_secs(3600));
    let journal = app.journal();
    let _ingest = start(&journal, app.config_poller());
    // So that the rounds of the start have begun.
    fs::write(app.cache().join("k1"), "1").unwrap();
    assert_eq!(read(&journal, 1), ["k1=1"]);
    let stays_removed = || {
        let _ = fs::remove_dir(app.claimed());
        thread::sleep(ROUND);
        !app.claimed().exists()
    };
    until("the rounds of the start are over", stays_removed);
    for count in 0..10 {
        fs::write(app.cache().join("other"), count.to_string()).unwrap();
    }
    fs::remove_file(app.cache().join("other")).unwrap();
    thread::sleep(ROUND);
    assert!(!app.claimed().exists());
    fs::write(app.cache().join("k1"), "2").unwrap();
    assert_eq!(read(&journal, 2), ["k1=1", "k1=2"]);
}
