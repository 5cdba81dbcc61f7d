//! Saves that may be repeated.

use super::{Journal, Place, append, document_with_token};

on_every_journal! {
    a_repeated_save_is_appended_once
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
