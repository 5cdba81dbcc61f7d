//! Entries that no reader can use: every reader reports each at its number.

use super::{BatchEnd, Journal, Place, document, value_of};
use crate::entry::UnreadableEntry;

on_every_journal! {
    an_unusable_entry_is_reported_at_its_number_with_the_reason
    an_unusable_entry_in_the_place_of_another_hides_that
}

/// What a later version, another program or a damaged disk may put into a journal.
pub(crate) const UNUSABLE_ENTRIES: [UnusableEntry; 6] = [
    UnusableEntry::new("an empty file", b"", "EOF"),
    UnusableEntry::new("a foreign file", b"\xff\x00 text", "expected value"),
    UnusableEntry::new("the rest was lost", br#"{"key":"k""#, "EOF"),
    UnusableEntry::new(
        "another format",
        br#"{"format":99,"key":"k","payload":"x"}"#,
        "missing field `time`",
    ),
    UnusableEntry::new(
        "a time in another form",
        br#"{"time":"tomorrow","ttl_ms":0,"key":"k","value":1}"#,
        "its time is not valid",
    ),
    UnusableEntry {
        hidden_key: Some("k"),
        ..UnusableEntry::new(
            "an unknown `needs`",
            br#"{"time":"2026-11-23T15:51:00Z","ttl_ms":0,"key":"k","value":1,"needs":["audience"]}"#,
            "it needs `audience`",
        )
    },
];

pub(crate) struct UnusableEntry {
    pub(crate) case: &'static str,
    pub(crate) bytes: &'static [u8],
    /// Part of the report.
    reason: &'static str,
    /// The key whose older entries it replaces: a later version knows what it means.
    hidden_key: Option<&'static str>,
}

impl UnusableEntry {
    const fn new(case: &'static str, bytes: &'static [u8], reason: &'static str) -> Self {
        Self {
            case,
            bytes,
            reason,
            hidden_key: None,
        }
    }

    fn assert_is(&self, found: &UnreadableEntry) {
        let Self { case, reason, .. } = self;
        assert!(found.reason.contains(reason), "{case}: {}", found.reason);
        assert_eq!(found.key.as_deref(), self.hidden_key, "{case}");
    }

    /// Every reader finds this entry at the number 2, and usable ones at 1 and 3.
    fn assert_is_second_of_three_in(&self, journal: &dyn Journal) {
        let forward = journal.read_from(1, 10).unwrap();
        let mut backward = journal.read_back(4, 10).unwrap();
        backward.entries.reverse();
        for batch in [forward, backward] {
            assert_eq!(batch.end, BatchEnd::CaughtUp, "{}", self.case);
            let [first, second, third] = &batch.entries[..] else {
                panic!("{}: {batch:?}", self.case)
            };
            assert!(first.is_ok() && third.is_ok(), "{}", self.case);
            self.assert_is(second.as_ref().unwrap_err());
        }
        for alone in [journal.read_from(2, 1), journal.read_back(3, 1)] {
            self.assert_is(alone.unwrap().entries[0].as_ref().unwrap_err());
        }
        assert_eq!(value_of(journal, "later").as_deref(), Some("3"));
    }
}

fn an_unusable_entry_is_reported_at_its_number_with_the_reason(place: &dyn Place) {
    for entry in &UNUSABLE_ENTRIES {
        let journal = place.open();
        journal.append(&document("k", "1")).unwrap();
        assert_eq!(journal.append(entry.bytes).unwrap(), 2);
        assert_eq!(journal.append(&document("later", "3")).unwrap(), 3);
        for journal in [&journal, &place.open()] {
            entry.assert_is_second_of_three_in(&**journal);
            let expected = entry.hidden_key.is_none().then_some("1");
            let value = value_of(&**journal, "k");
            assert_eq!(value.as_deref(), expected, "{}", entry.case);
        }
        place.clear();
    }
}

fn an_unusable_entry_in_the_place_of_another_hides_that(place: &dyn Place) {
    for entry in &UNUSABLE_ENTRIES {
        let journal = place.open();
        journal.append(&document("first", "1")).unwrap();
        journal.append(&document("k", "2")).unwrap();
        let reader = place.open();
        assert_eq!(value_of(&*reader, "k").as_deref(), Some("2"));
        place.overwrite(2, entry.bytes);
        assert_eq!(journal.append(&document("later", "3")).unwrap(), 3);
        // One of them has indexed the entry before it was overwritten.
        for journal in [&journal, &reader, &place.open()] {
            entry.assert_is_second_of_three_in(&**journal);
            assert_eq!(value_of(&**journal, "k"), None, "{}", entry.case);
        }
        place.clear();
    }
}
