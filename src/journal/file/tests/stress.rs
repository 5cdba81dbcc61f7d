//! Writers that stall anywhere, sweepers that never wait, and a reader that must still see every save
//! exactly once.

use std::{
    cell::Cell,
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    config::Config,
    journal::{
        Journal,
        batch::StoredEntry,
        file::{CacheFolder, FileJournal, layout::Layout, test_hooks, trash},
    },
};

/// Small folders, so that one is created and one swept every few saves.
const NUMBERS_PER_FOLDER: u64 = 4;
/// More than most machines have cores, so that writers are also stopped by the scheduler.
const WRITERS: u64 = 6;
/// Enough that a broken rule 2 loses saves in nearly every run, within a few seconds.
const SAVES_PER_WRITER: u64 = 800;

/// Each journal stands for one process: they share only the folder.
fn journal(app: &Path) -> FileJournal {
    let config = Config::new(app, "a:k").unwrap();
    let folder = Arc::new(CacheFolder::prepare(&config).unwrap());
    let mut journal = FileJournal::open(&folder).unwrap();
    journal.set_layout(Layout::with_numbers_per_folder(NUMBERS_PER_FOLDER));
    journal
}

/// Usually nothing; sometimes long enough for the other writers to fill many folders, and for the
/// sweepers to sweep them.
fn stall() {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(getrandom::u64().unwrap() | 1);
    }
    let mut x = STATE.get();
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    STATE.set(x);
    if x.is_multiple_of(100) {
        thread::sleep(Duration::from_millis(x / 100 % 60));
    }
}

/// What the threads of one run share.
#[derive(Default)]
struct Run {
    uses_plain_mkdir: bool,
    /// Entries that the reader has read.
    passed: AtomicU64,
    saved: AtomicUsize,
    is_over: AtomicBool,
}

impl Run {
    fn write(&self, journal: &FileJournal, writer: u64) {
        test_hooks::set_hooks(stall, self.uses_plain_mkdir);
        for save in 0..SAVES_PER_WRITER {
            let appended = journal.append(format!("{writer}-{save}").as_bytes());
            if save % 2 == 0 {
                journal.prepare_append();
            }
            match appended {
                // Relaxed: the count is read after the threads are joined.
                Ok(_) => self.saved.fetch_add(1, Ordering::Relaxed),
                // The writer noticed the damage, so this save is not lost.
                Err(_) if self.uses_plain_mkdir => break,
                Err(error) => panic!("{error}"),
            };
        }
    }

    fn sweep(&self, journal: &FileJournal) {
        // Relaxed: the flag guards no data.
        while !self.is_over.load(Ordering::Relaxed) {
            // Entries that the reader has not passed stay, so that an entry it does not see was lost,
            // and not merely swept. Relaxed: an outdated number is lower, and only delays the sweep.
            let last = self.passed.load(Ordering::Relaxed);
            let trash = journal.cache_folder.trash_folder().unwrap();
            let swept = journal.sweep_oldest(&trash, last);
            assert!(self.uses_plain_mkdir || swept.is_ok(), "{swept:?}");
            trash::delete_contents(&trash).unwrap();
            thread::yield_now();
        }
    }

    /// Reads until the writers have ended and no entry is left, and counts each entry.
    fn read(&self, reader: &FileJournal, have_ended: impl Fn() -> bool) -> HashMap<Vec<u8>, u32> {
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut next = 1;
        let mut is_last_read = false;
        loop {
            // A server checks this whenever it has caught up.
            let is_intact = reader.is_intact_up_to(next - 1).unwrap();
            assert!(
                self.uses_plain_mkdir || is_intact,
                "a sound journal counts as damaged before entry {next}"
            );
            match reader.read(next).unwrap() {
                StoredEntry::Entry(bytes) => {
                    *seen.entry(bytes).or_default() += 1;
                    self.passed.store(next, Ordering::Relaxed);
                    next += 1;
                    is_last_read = false;
                }
                StoredEntry::NotYet if !have_ended() => thread::yield_now(),
                // With rule 2 broken, the journal may also skip numbers.
                StoredEntry::Swept { .. } if self.uses_plain_mkdir => return seen,
                StoredEntry::NotYet if is_last_read => return seen,
                // One more read after the last writer has ended; a save not seen by then is lost.
                StoredEntry::NotYet => is_last_read = true,
                other => panic!("the reader never passed entry {next}, but it is {other:?}"),
            }
        }
    }
}

/// How many saves a reader never saw, and how many it saw more than once.
fn lost_and_repeated(uses_plain_mkdir: bool) -> (usize, usize) {
    let app = tempfile::tempdir().unwrap();
    let run = Run {
        uses_plain_mkdir,
        ..Run::default()
    };
    let reader = journal(app.path());
    let seen = thread::scope(|scope| {
        // Also after a panic: otherwise the sweepers would never end.
        let _over = OnDrop(|| run.is_over.store(true, Ordering::Relaxed));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (journal, run) = (journal(app.path()), &run);
                scope.spawn(move || run.write(&journal, writer))
            })
            .collect();
        for _ in 0..2 {
            let (journal, run) = (journal(app.path()), &run);
            scope.spawn(move || run.sweep(&journal));
        }
        run.read(&reader, || {
            writers.iter().all(thread::ScopedJoinHandle::is_finished)
        })
    });
    (
        run.saved.into_inner().saturating_sub(seen.len()),
        seen.values().filter(|times| **times > 1).count(),
    )
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

#[test]
fn no_save_is_lost_or_repeated_however_writers_stall() {
    assert_eq!(lost_and_repeated(false), (0, 0));
}

/// Whether a run loses saves depends on the scheduler, so several runs may be needed.
#[test]
fn creating_the_next_folder_by_a_plain_mkdir_loses_saves() {
    let mut tries = 0..20;
    assert!(
        tries.any(|_| lost_and_repeated(true).0 > 0),
        "this test cannot detect any more that a journal loses saves"
    );
}

/// While a writer stalls between two of its steps, another writer fills its folder and more, and all
/// but the newest folders are swept.
#[test]
fn a_writer_may_stall_at_any_single_step() {
    for entries in 0..NUMBERS_PER_FOLDER {
        for stalls_at in 1.. {
            if !stalls_once(entries, stalls_at) {
                assert!(stalls_at > 4, "a save has at least 4 steps");
                break;
            }
        }
    }
}

/// `false` if the writer has fewer steps.
fn stalls_once(entries: u64, stalls_at: u32) -> bool {
    let app = tempfile::tempdir().unwrap();
    let (writer, other) = (journal(app.path()), Arc::new(journal(app.path())));
    for _ in 0..entries {
        writer.append(b"before").unwrap();
    }
    // Relaxed below: one thread uses both.
    let was_saved = Arc::new(AtomicBool::new(false));
    let steps = Arc::new(AtomicU64::new(0));
    let stall = {
        let (other, was_saved, steps) = (other.clone(), was_saved.clone(), steps.clone());
        move || {
            if steps.fetch_add(1, Ordering::Relaxed) + 1 != u64::from(stalls_at) {
                return;
            }
            was_saved.store(other.newest_number().unwrap() > entries, Ordering::Relaxed);
            for _ in 0..3 * NUMBERS_PER_FOLDER {
                other.append(b"other").unwrap();
            }
            // Empties the trash except for the folders themselves, as a slow sweeper does.
            let trash = other.cache_folder.trash_folder().unwrap();
            while other.sweep_oldest(&trash, u64::MAX).unwrap() {}
            for name in trash.names().unwrap() {
                let swept = trash.path_of(&name);
                for item in fs::read_dir(swept).unwrap() {
                    let path = item.unwrap().path();
                    if !path.ends_with(".high-water") {
                        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
                    }
                }
            }
        }
    };
    test_hooks::set_hooks(stall, false);
    let number = writer.append(b"stalled").unwrap();
    test_hooks::set_hooks(|| (), false);
    let has_stalled = steps.load(Ordering::Relaxed) >= u64::from(stalls_at);
    if has_stalled && !was_saved.load(Ordering::Relaxed) {
        let context = format!("{entries} entries, step {stalls_at}, number {number}");
        let read = other.read(number).unwrap();
        assert_eq!(read, StoredEntry::Entry(b"stalled".to_vec()), "{context}");
        assert_eq!(other.newest_number().unwrap(), number, "{context}");
    }
    has_stalled
}
