//! Reading forward and backward.

use super::{BatchEnd, Place, append, document, pairs};

on_every_journal! {
    a_batch_ends_at_its_limit_at_the_newest_entry_or_when_it_is_large
    entries_are_read_backward
    the_first_and_the_last_number_can_be_read
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

fn the_first_and_the_last_number_can_be_read(place: &dyn Place) {
    let journal = place.open();
    for _ in 0..2 {
        let before_the_first = journal.read_from(0, 5).unwrap();
        assert_eq!(pairs(&before_the_first), []);
        assert_eq!(before_the_first.end, BatchEnd::Swept { oldest: 1 });
        assert_eq!(journal.read_back(0, 5).unwrap().end, BatchEnd::CaughtUp);
        let last = journal.read_from(u64::MAX, 1).unwrap();
        assert_eq!((pairs(&last), &last.end), (vec![], &BatchEnd::CaughtUp));
        append(&*journal, 1..=9);
    }
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
