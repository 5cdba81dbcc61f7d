//! The order of entries, and what a sweep leaves of it.

use std::{collections::BTreeSet, thread};

use super::{BatchEnd, Place, append, document, pairs, sweep};

on_every_journal! {
    numbers_have_no_gaps_and_every_reader_sees_one_order
    swept_entries_are_reported_and_their_numbers_stay_taken
    a_journal_is_intact_up_to_its_newest_entry
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
