//! What every journal must do: each test runs on each implementation.

use std::{
    collections::BTreeSet,
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::value::RawValue;

use super::{
    BatchEnd, Journal,
    batch::Batch,
    file,
    memory::{MemoryJournal, MemoryStore},
};
use crate::{config::Config, entry, platform, runtime::Interrupt};

/// Where journals of one implementation are opened.
trait Place: Sync {
    /// Opens the current journal, as another process does.
    fn open(&self) -> Arc<dyn Journal>;

    /// Puts bytes that are not from this library in the place of an entry.
    fn overwrite(&self, number: u64, bytes: &[u8]);
}

struct Folder {
    config: Config,
    _app: tempfile::TempDir,
}

impl Default for Folder {
    fn default() -> Self {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k").unwrap();
        Self { config, _app: app }
    }
}

impl Place for Folder {
    fn open(&self) -> Arc<dyn Journal> {
        Arc::new(file::tests::open_with_small_folders(&self.config))
    }

    fn overwrite(&self, number: u64, bytes: &[u8]) {
        let folder = format!(".sse/journal-2/{:012}", number / 4);
        let path = self.config.cache_dir().join(folder);
        fs::write(path.join(format!(".{number:020}")), bytes).unwrap();
    }
}

impl Place for MemoryStore {
    fn open(&self) -> Arc<dyn Journal> {
        self.open().unwrap()
    }

    fn overwrite(&self, number: u64, bytes: &[u8]) {
        MemoryJournal::overwrite(&self.open().unwrap(), number, bytes);
    }
}

macro_rules! on_every_journal {
    ($($test:ident)*) => {
        mod in_a_folder {
            $(#[test] fn $test() { super::$test(&super::Folder::default()); })*
        }
        mod in_memory {
            $(#[test] fn $test() { super::$test(&super::MemoryStore::default()); })*
        }
    };
}

on_every_journal! {
    numbers_have_no_gaps_and_every_reader_sees_one_order
    a_batch_ends_at_its_limit_at_the_newest_entry_or_when_it_is_large
    entries_are_read_backward
    swept_entries_are_reported_and_their_numbers_stay_taken
    entries_that_cannot_be_used_stay_visible_at_their_numbers
    a_repeated_save_is_appended_once
    a_watcher_wakes_for_an_entry_and_for_the_next_journal
    an_interrupt_ends_a_wait
    a_discarded_journal_takes_no_entry_and_the_next_one_has_another_epoch
    the_latest_entry_of_a_key_hides_older_ones_whatever_it_is
    a_journal_is_intact_up_to_its_newest_entry
}

const DEADLINE: Duration = Duration::from_secs(10);

fn raw(value: &str) -> Box<RawValue> {
    RawValue::from_string(value.to_owned()).unwrap()
}

fn document(key: &str, value: &str) -> Vec<u8> {
    entry::encode_document(key, raw(value), Duration::ZERO, SystemTime::now())
}

fn document_with_token(token: &str) -> Vec<u8> {
    let now = SystemTime::now();
    entry::encode_drop_in_document(token, "k", raw("1"), Duration::ZERO, now)
}

fn append(journal: &dyn Journal, values: impl IntoIterator<Item = u64>) {
    for value in values {
        journal.append(&document("k", &value.to_string())).unwrap();
    }
}

/// The number and the value of each entry.
fn pairs(batch: &Batch) -> Vec<(u64, &str)> {
    let entries = batch.entries.iter().map(|entry| entry.as_ref().unwrap());
    entries
        .map(|entry| (entry.number(), entry.value()))
        .collect()
}

fn sweep(journal: &dyn Journal, keep: u64) {
    while journal.sweep(keep).unwrap() {}
}

fn value_of(journal: &dyn Journal, key: &str) -> Option<String> {
    let entry = journal.latest(key).unwrap()?;
    assert_eq!(entry.key(), key);
    Some(entry.value().to_owned())
}

fn numbers_have_no_gaps_and_every_reader_sees_one_order(place: &dyn Place) {
    const WRITERS: u64 = 3;
    const SAVES: u64 = 20;
    let write = |writer: u64| {
        let journal = place.open();
        let save = |value: u64| journal.append(&document("k", &value.to_string())).unwrap();
        (0..SAVES)
            .map(|save_number| save(writer * SAVES + save_number))
            .collect::<Vec<_>>()
    };
    let taken: Vec<Vec<u64>> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    let journal = place.open();
    assert_eq!(journal.newest_number().unwrap(), WRITERS * SAVES);
    let batch = journal.read_from(1, WRITERS * SAVES + 1).unwrap();
    assert_eq!(batch.end, BatchEnd::CaughtUp);
    let found = pairs(&batch);
    let numbers: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=WRITERS * SAVES).collect::<Vec<_>>());
    for (writer, numbers) in (0..).zip(&taken) {
        assert!(numbers.is_sorted());
        for (save, number) in (0..).zip(numbers) {
            let (_, value) = found[usize::try_from(*number).unwrap() - 1];
            assert_eq!(value, (writer * SAVES + save).to_string());
        }
    }
    assert_eq!(pairs(&place.open().read_from(1, 1_000).unwrap()), found);
}

fn a_batch_ends_at_its_limit_at_the_newest_entry_or_when_it_is_large(place: &dyn Place) {
    let journal = place.open();
    let read = |number, limit| {
        let batch = journal.read_from(number, limit).unwrap();
        (batch.entries.len(), batch.end)
    };
    assert_eq!(read(1, 10), (0, BatchEnd::CaughtUp));
    append(&*journal, 1..=9);
    assert_eq!(read(1, 4), (4, BatchEnd::More));
    assert_eq!(
        pairs(&journal.read_from(5, 2).unwrap()),
        [(5, "5"), (6, "6")]
    );
    assert_eq!(read(1, 9), (9, BatchEnd::More));
    assert_eq!(read(1, 10), (9, BatchEnd::CaughtUp));
    assert_eq!(read(10, 10), (0, BatchEnd::CaughtUp));
    assert_eq!(read(99, 10), (0, BatchEnd::CaughtUp));
    let large = document("k", &format!("\"{}\"", "x".repeat(100_000)));
    for _ in 0..10 {
        journal.append(&large).unwrap();
    }
    let (count, end) = read(10, 10);
    assert!(
        (1..=5).contains(&count) && end == BatchEnd::More,
        "{count} {end:?}"
    );
}

fn entries_are_read_backward(place: &dyn Place) {
    let journal = place.open();
    append(&*journal, 1..=9);
    let batch = journal.read_back(10, 2).unwrap();
    assert_eq!(
        (pairs(&batch), &batch.end),
        (vec![(9, "9"), (8, "8")], &BatchEnd::More)
    );
    let batch = journal.read_back(3, 10).unwrap();
    assert_eq!(
        (pairs(&batch), &batch.end),
        (vec![(2, "2"), (1, "1")], &BatchEnd::CaughtUp)
    );
    assert_eq!(journal.read_back(3, 2).unwrap().end, BatchEnd::CaughtUp);
    let batch = journal.read_back(1, 10).unwrap();
    assert_eq!((pairs(&batch), &batch.end), (vec![], &BatchEnd::CaughtUp));
}

fn swept_entries_are_reported_and_their_numbers_stay_taken(place: &dyn Place) {
    let journal = place.open();
    append(&*journal, 1..=40);
    sweep(&*journal, 10);
    for journal in [&journal, &place.open()] {
        let batch = journal.read_from(1, 10).unwrap();
        let BatchEnd::Swept { oldest } = batch.end else {
            panic!("{batch:?}")
        };
        assert!(
            batch.entries.is_empty() && (20..=31).contains(&oldest),
            "{oldest}"
        );
        let kept = journal.read_from(oldest, 100).unwrap();
        assert_eq!(
            (pairs(&kept)[0].0, pairs(&kept).len() as u64),
            (oldest, 41 - oldest)
        );
        let backward = journal.read_back(41, 100).unwrap();
        assert_eq!(backward.end, BatchEnd::CaughtUp);
        assert_eq!(backward.entries.len(), kept.entries.len());
    }
    assert_eq!(journal.append(&document("k", "41")).unwrap(), 41);
    // A reader that was far behind continues at the oldest one.
    append(&*journal, 42..=60);
    sweep(&*journal, 10);
    let end = journal.read_from(30, 10).unwrap().end;
    assert!(
        matches!(end, BatchEnd::Swept { oldest: 40..=51 }),
        "{end:?}"
    );
}

/// What a later version, another program or a damaged disk may put into a journal.
fn entries_that_cannot_be_used_stay_visible_at_their_numbers(place: &dyn Place) {
    let unusable: [&[u8]; 6] = [
        b"",
        b"\xff\x00 a foreign file",
        b"{\"key\":\"a\"",
        br#"{"format":99,"key":"a","payload":"x"}"#,
        br#"{"time":"tomorrow","ttl_ms":0,"key":"a","value":1}"#,
        br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"b","value":1,"needs":["audience"]}"#,
    ];
    let journal = place.open();
    for key in ["a", "b", "overwritten"] {
        journal.append(&document(key, "\"before\"")).unwrap();
    }
    for bytes in unusable {
        journal.append(bytes).unwrap();
    }
    place.overwrite(3, b"foreign bytes");
    assert_eq!(journal.append(&document("k", "\"after\"")).unwrap(), 10);
    for journal in [&journal, &place.open()] {
        let is_usable = |batch: Batch| {
            let usable = batch.entries.iter().map(Result::is_ok);
            assert_eq!(batch.end, BatchEnd::CaughtUp);
            let reasons = batch
                .entries
                .iter()
                .filter_map(|entry| entry.as_ref().err());
            assert!(
                reasons
                    .into_iter()
                    .all(|unreadable| !unreadable.reason.is_empty())
            );
            usable.collect::<Vec<bool>>()
        };
        let mut expected = vec![true, true, false];
        expected.extend([false; 6]);
        expected.push(true);
        assert_eq!(is_usable(journal.read_from(1, 100).unwrap()), expected);
        expected.reverse();
        assert_eq!(is_usable(journal.read_back(11, 100).unwrap()), expected);
        let reasons = journal.read_from(9, 1).unwrap();
        let reason = &reasons.entries[0].as_ref().unwrap_err().reason;
        assert!(reason.contains("`audience`"), "{reason}");
        assert_eq!(value_of(&**journal, "a").as_deref(), Some("\"before\""));
        assert_eq!(value_of(&**journal, "b"), None, "a newer value exists");
        assert_eq!(value_of(&**journal, "overwritten"), None);
        assert_eq!(value_of(&**journal, "k").as_deref(), Some("\"after\""));
    }
}

fn a_repeated_save_is_appended_once(place: &dyn Place) {
    let journal = place.open();
    append(&*journal, 1..=5);
    let once = |journal: &dyn Journal, token, after| {
        journal
            .append_once(token, after, &document_with_token(token))
            .unwrap()
    };
    assert_eq!(once(&*journal, "one", 5), 6);
    append(&*journal, 7..=9);
    let of_next_process = place.open();
    for journal in [&journal, &of_next_process] {
        for after in [0, 3, 5] {
            assert_eq!(once(&**journal, "one", after), 6, "{after}");
        }
    }
    // The first process was killed before it appended this one, and after it appended the next.
    assert_eq!(once(&*of_next_process, "two", 0), 10);
    journal.append(&document_with_token("three")).unwrap();
    for journal in [&journal, &of_next_process] {
        assert_eq!(once(&**journal, "three", 0), 11);
        assert_eq!(once(&**journal, "two", 0), 10);
    }
    assert_eq!(journal.newest_number().unwrap(), 11);
    journal.maintain().unwrap();
    assert_eq!(once(&*journal, "three", 0), 11);
    let tokens = journal.read_from(1, 100).unwrap();
    assert_eq!(tokens.entries.len(), 11);
}

/// Where the system notifies of no change, a wait ends after this.
fn wait_limit() -> Duration {
    if platform::IS_LINUX {
        6 * DEADLINE
    } else {
        Duration::from_millis(100)
    }
}

fn a_watcher_wakes_for_an_entry_and_for_the_next_journal(place: &dyn Place) {
    let journal = place.open();
    let mut watcher = journal.watch();
    let never = Interrupt::new().unwrap();
    let start = Instant::now();
    let mut until = |is_reached: &dyn Fn() -> bool, next| {
        while !is_reached() {
            watcher.wait(next, wait_limit(), &never);
            assert!(start.elapsed() < DEADLINE, "a wake-up is missing at {next}");
        }
    };
    // More than a folder has numbers.
    for number in 1..=10 {
        let is_saved = || journal.newest_number().unwrap() >= number;
        thread::scope(|scope| {
            scope.spawn(|| append(&*place.open(), [number]));
            until(&is_saved, number);
        });
    }
    thread::scope(|scope| {
        let replace = || {
            journal.discard().unwrap();
            place.open()
        };
        scope.spawn(replace);
        until(&|| journal.is_replaced(), 11);
    });
}

fn an_interrupt_ends_a_wait(place: &dyn Place) {
    let journal = place.open();
    let interrupt = Interrupt::new().unwrap();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut watcher = journal.watch();
            while !interrupt.is_raised() {
                watcher.wait(1, wait_limit(), &interrupt);
            }
        });
        interrupt.raise();
    });
    assert!(start.elapsed() < DEADLINE);
}

fn a_discarded_journal_takes_no_entry_and_the_next_one_has_another_epoch(place: &dyn Place) {
    let former = place.open();
    append(&*former, 1..=3);
    assert_eq!(place.open().epoch(), former.epoch());
    assert!(former.is_in_place() && !former.is_replaced());
    let first = former.read_from(1, 1).unwrap().entries.remove(0).unwrap();
    assert_eq!(first.id().to_string(), format!("{}-1", former.epoch()));
    former.discard().unwrap();
    assert!(former.is_replaced() && !former.is_in_place());
    assert!(former.append(&document("k", "4")).is_err());
    assert!(
        former
            .append_once("one", 0, &document_with_token("one"))
            .is_err()
    );
    assert!(
        former.latest("k").is_err(),
        "a newer value may be in the next one"
    );
    let next = place.open();
    assert!(next.is_in_place());
    assert_ne!(next.epoch(), former.epoch());
    assert_eq!(next.epochs().last_number_shared_with(former.epoch()), None);
    assert_eq!(next.newest_number().unwrap(), 0);
    assert_eq!(next.append(&document("k", "1")).unwrap(), 1);
    assert_eq!(next.address(), former.address());
}

fn the_latest_entry_of_a_key_hides_older_ones_whatever_it_is(place: &dyn Place) {
    let journal = place.open();
    let reader = place.open();
    assert_eq!(value_of(&*reader, "k"), None);
    let keys = ["k", "deleted", "expired", "saved again"];
    for key in keys {
        journal.append(&document(key, "1")).unwrap();
        assert_eq!(value_of(&*reader, key).as_deref(), Some("1"));
    }
    let now = SystemTime::now();
    for key in ["deleted", "saved again"] {
        journal.append(&entry::encode_tombstone(key, now)).unwrap();
    }
    let long_ago = now - Duration::from_secs(3600);
    let expired = entry::encode_document("expired", raw("2"), Duration::from_secs(60), long_ago);
    journal.append(&expired).unwrap();
    let lives = entry::encode_document("k", raw("3"), Duration::from_secs(3600), now);
    journal.append(&lives).unwrap();
    journal.append(&document("saved again", "4")).unwrap();
    for journal in [&journal, &reader, &place.open()] {
        let values = keys.map(|key| value_of(&**journal, key));
        let expected = [Some("3"), None, None, Some("4")];
        assert_eq!(values, expected.map(|value| value.map(str::to_owned)));
    }
    // Swept entries have no value, also for a reader that has found them before.
    for _ in 0..30 {
        journal.append(&document("other", "1")).unwrap();
    }
    sweep(&*journal, 1);
    for journal in [&journal, &reader, &place.open()] {
        assert_eq!(value_of(&**journal, "k"), None);
        assert_eq!(value_of(&**journal, "other").as_deref(), Some("1"));
    }
}

fn a_journal_is_intact_up_to_its_newest_entry(place: &dyn Place) {
    let journal = place.open();
    assert!(journal.is_intact_up_to(0).unwrap());
    append(&*journal, 1..=20);
    sweep(&*journal, 5);
    let intact = [1, 15, 20].map(|number| journal.is_intact_up_to(number).unwrap());
    assert_eq!(intact, [true; 3]);
    assert!(!journal.is_intact_up_to(21).unwrap());
    let numbers: BTreeSet<u64> = pairs(&journal.read_back(21, 5).unwrap())
        .iter()
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(numbers, (16..=20).collect());
}
