//! Copies the journals of all Redis servers.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use support::oracle::At;

use super::{
    aof::{AppendOnlyFile, Transaction},
    history::{self, Head},
    view,
};
use crate::{archive::Archive, clock::Clock};

/// How long a server may take to write its append-only file.
const MAX_WRITE_DELAY: Duration = Duration::from_secs(5);

/// The journals, and the files in which they are.
pub(crate) struct RedisArchive {
    pub(super) archive: Archive,
    nodes: Vec<Node>,
    keep: u64,
    /// When the last round began: what is new in the next one did not exist then.
    polled: At,
}

struct Node {
    file: AppendOnlyFile,
    head: Head,
    /// Read, and not applied yet.
    waiting: VecDeque<(Transaction, At, At)>,
}

/// Follows the servers on threads.
pub(crate) struct RedisFollower {
    archive: Arc<Mutex<RedisArchive>>,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl RedisArchive {
    fn new(dirs: &[PathBuf], keep: u64) -> Self {
        let node = |dir: &PathBuf| Node {
            file: AppendOnlyFile::new(dir),
            head: Head::default(),
            waiting: VecDeque::new(),
        };
        Self {
            archive: Archive::default(),
            nodes: dirs.iter().map(node).collect(),
            keep,
            polled: At::ZERO,
        }
    }

    /// Copies what is new. Returns whether anything was.
    pub(super) fn poll(&mut self, clock: &Clock) -> bool {
        let round = clock.now();
        let result = self.read(clock).and_then(|is_new| {
            self.apply(clock.now())?;
            Ok(is_new)
        });
        self.polled = round;
        result.unwrap_or_else(|why| {
            self.archive.broken.get_or_insert(why);
            false
        })
    }

    fn read(&mut self, clock: &Clock) -> Result<bool, String> {
        let mut is_new = false;
        for node in &mut self.nodes {
            let (begins, transactions) = node.file.read()?;
            if begins {
                node.waiting.clear();
                node.head = Head::default();
            }
            is_new |= begins || !transactions.is_empty();
            let seen = clock.now();
            let read = transactions.into_iter();
            node.waiting
                .extend(read.map(|transaction| (transaction, self.polled, seen)));
        }
        Ok(is_new)
    }

    /// One server's entries may follow those of another.
    fn apply(&mut self, now: At) -> Result<(), String> {
        let mut has_progressed = true;
        while has_progressed {
            has_progressed = false;
            for node in &mut self.nodes {
                while let Some((transaction, absent, seen)) = node.waiting.front() {
                    let times = (*absent, *seen);
                    if !history::apply(
                        &mut self.archive,
                        &mut node.head,
                        transaction,
                        times,
                        self.keep,
                    )? {
                        break;
                    }
                    node.waiting.pop_front();
                    has_progressed = true;
                }
            }
        }
        let mut oldest = self.nodes.iter().filter_map(|node| node.waiting.front());
        match oldest.find(|(.., seen)| *seen + MAX_WRITE_DELAY < now) {
            Some((_, absent, _)) => Err(format!(
                "a hole: what was saved after {absent:?} continues unknown entries"
            )),
            None => Ok(()),
        }
    }

    /// The files of a server are about to be replaced.
    pub(super) fn forget(&mut self, node: usize) {
        self.nodes[node].file.forget();
        self.nodes[node].head = Head::default();
    }
}

impl RedisFollower {
    /// `dirs` are the folders of the servers.
    pub(super) fn start(dirs: &[PathBuf], keep: u64, clock: &Arc<Clock>) -> Self {
        let archive = Arc::new(Mutex::new(RedisArchive::new(dirs, keep)));
        let ends = Arc::new(AtomicBool::new(false));
        let mut threads = vec![thread::spawn({
            let (archive, ends, clock) =
                (Arc::clone(&archive), Arc::clone(&ends), Arc::clone(clock));
            move || follow(&archive, &ends, &clock)
        })];
        for dir in dirs {
            let (archive, ends, clock) =
                (Arc::clone(&archive), Arc::clone(&ends), Arc::clone(clock));
            let dir = dir.clone();
            threads.push(thread::spawn(move || watch(&dir, &archive, &ends, &clock)));
        }
        Self {
            archive,
            ends,
            threads,
        }
    }

    pub(super) fn share(&self) -> Arc<Mutex<RedisArchive>> {
        Arc::clone(&self.archive)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, RedisArchive> {
        lock(&self.archive)
    }

    pub(super) fn end(&mut self) -> Archive {
        self.ends.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        std::mem::take(&mut self.lock().archive)
    }
}

impl Drop for RedisFollower {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}

pub(super) fn lock(archive: &Mutex<RedisArchive>) -> MutexGuard<'_, RedisArchive> {
    archive.lock().unwrap_or_else(PoisonError::into_inner)
}

fn follow(archive: &Mutex<RedisArchive>, ends: &AtomicBool, clock: &Clock) {
    loop {
        // Read before the last poll, so that this poll comes after all saves.
        let last = ends.load(Ordering::SeqCst);
        let is_new = lock(archive).poll(clock);
        if last && !is_new {
            return;
        }
        if !is_new {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Notes which epochs a server is about to begin, as long as nothing is saved.
fn watch(dir: &Path, archive: &Mutex<RedisArchive>, ends: &AtomicBool, clock: &Clock) {
    let mut connection = None;
    while !ends.load(Ordering::SeqCst) {
        let now = clock.now();
        match view::read(dir, &mut connection) {
            Ok(Some(view)) if view.next.is_some() => {
                let mut archive = lock(archive);
                // The entries that it has were copied before, unless this thread was faster.
                archive.poll(clock);
                view.expect(&mut archive.archive, now);
            }
            Ok(_) => {}
            Err(_) => connection = None,
        }
        thread::sleep(Duration::from_millis(10));
    }
}
