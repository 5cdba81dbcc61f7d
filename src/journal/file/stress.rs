//! Writers that stall anywhere, sweepers that wait for nothing, and a reader that must see every
//! save once all the same.

use std::{
    cell::Cell,
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{CacheFolder, FileJournal, numbering::Numbering, probe, sweep};
use crate::{
    config::Config,
    journal::{Journal, Lookup},
};

/// Small folders, so that one is born and one swept every few saves.
const PER_FOLDER: u64 = 4;
const WRITERS: u64 = 6;
const SAVES: u64 = 800;

/// Every journal stands for a process: they share nothing but the folder.
fn journal(app: &Path) -> FileJournal {
    let config = Config::new(app, "a:k").unwrap();
    let folder = Arc::new(CacheFolder::prepare(&config).unwrap());
    let mut journal = FileJournal::open(&folder).unwrap();
    journal.numbering = Numbering::with_per_folder(PER_FOLDER);
    journal
}

/// Mostly nothing; now and then long enough for everybody else to fill and sweep many folders.
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

/// How many of the saves a reader saw never, and how many more than once.
fn lost_and_repeated(plain_mkdir: bool) -> (usize, usize) {
    let app = tempfile::tempdir().unwrap();
    let reader = journal(app.path());
    let passed = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let saved = AtomicU64::new(0);
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();

    thread::scope(|scope| {
        // Also when this panics: the sweepers would go on for ever.
        let _done = OnDrop(|| done.store(true, Ordering::Relaxed));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (journal, saved) = (journal(app.path()), &saved);
                scope.spawn(move || {
                    probe::set(stall, plain_mkdir);
                    for save in 0..SAVES {
                        match journal.append(format!("{writer}-{save}").as_bytes()) {
                            Ok(_) => saved.fetch_add(1, Ordering::SeqCst),
                            // It has noticed, so this save is not lost.
                            Err(_) if plain_mkdir => break,
                            Err(error) => panic!("{error}"),
                        };
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            let (journal, passed, done) = (journal(app.path()), &passed, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    // What the reader has not passed stays, so that whatever it does not see was
                    // lost, and not merely swept.
                    let last = passed.load(Ordering::SeqCst);
                    let trash = journal.folder.trash().unwrap();
                    let swept = journal.sweep_through(&trash, last);
                    assert!(plain_mkdir || swept.is_ok(), "{swept:?}");
                    sweep::empty(&trash).unwrap();
                    thread::yield_now();
                }
            });
        }

        let mut next = 1;
        let mut quiet_since = None;
        loop {
            // A server asks this whenever it has nothing to read.
            let is_sound = reader.is_intact_up_to(next - 1).unwrap();
            assert!(
                plain_mkdir || is_sound,
                "entry {next} is no reason to put it away"
            );
            match reader.read(next).unwrap() {
                Lookup::Entry(bytes) => {
                    *seen.entry(bytes).or_default() += 1;
                    passed.store(next, Ordering::SeqCst);
                    next += 1;
                    quiet_since = None;
                }
                Lookup::NotYet if !writers.iter().all(thread::ScopedJoinHandle::is_finished) => {
                    thread::yield_now();
                }
                // A journal that is broken on purpose may also jump.
                Lookup::Swept { .. } if plain_mkdir => break,
                // One more look after the last writer has ended, then what is missing is lost.
                Lookup::NotYet if quiet_since.is_some() => break,
                Lookup::NotYet => quiet_since = Some(Instant::now()),
                other => panic!("entry {next} was never passed, but is {other:?}"),
            }
        }
    });

    let saved = usize::try_from(saved.into_inner()).unwrap();
    (
        saved.saturating_sub(seen.len()),
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
fn nothing_is_lost_or_repeated_however_writers_stall() {
    assert_eq!(lost_and_repeated(false), (0, 0));
}

/// How often it loses any is up to the scheduler, so it may have to be tried more than once.
#[test]
fn a_plain_mkdir_for_the_next_folder_would_lose_saves() {
    let mut tries = 0..20;
    assert!(
        tries.any(|_| lost_and_repeated(true).0 > 0),
        "this test can no longer tell a journal that loses saves"
    );
}

/// While a writer stalls between two of its steps, another fills its directory and more, and all but
/// the newest are swept.
#[test]
fn a_writer_may_stall_at_any_single_step() {
    for entries in 0..PER_FOLDER {
        for stalls_at in 1.. {
            if !stalls_once(entries, stalls_at) {
                assert!(stalls_at > 4, "it has as many steps");
                break;
            }
        }
    }
}

/// `false`: the writer has fewer steps.
fn stalls_once(entries: u64, stalls_at: u32) -> bool {
    let app = tempfile::tempdir().unwrap();
    let (writer, other) = (journal(app.path()), Arc::new(journal(app.path())));
    for _ in 0..entries {
        writer.append(b"before").unwrap();
    }
    let was_saved = Arc::new(AtomicBool::new(false));
    let steps = Arc::new(AtomicU64::new(0));
    let stall = {
        let (other, was_saved, steps) = (other.clone(), was_saved.clone(), steps.clone());
        move || {
            if steps.fetch_add(1, Ordering::Relaxed) + 1 != u64::from(stalls_at) {
                return;
            }
            was_saved.store(other.newest().unwrap() > entries, Ordering::Relaxed);
            for _ in 0..3 * PER_FOLDER {
                other.append(b"other").unwrap();
            }
            // The trash is emptied but for the directories themselves, which a slow sweeper leaves.
            let trash = other.folder.trash().unwrap();
            other.sweep_through(&trash, u64::MAX).unwrap();
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
    probe::set(stall, false);
    let number = writer.append(b"stalled").unwrap();
    probe::set(|| (), false);
    let has_stalled = steps.load(Ordering::Relaxed) >= u64::from(stalls_at);
    if has_stalled && !was_saved.load(Ordering::Relaxed) {
        let context = format!("{entries} entries, step {stalls_at}, number {number}");
        let read = other.read(number).unwrap();
        assert_eq!(read, Lookup::Entry(b"stalled".to_vec()), "{context}");
        assert_eq!(other.newest().unwrap(), number, "{context}");
    }
    has_stalled
}
