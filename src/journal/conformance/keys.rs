//! The newest entry of a key.

use std::time::{Duration, SystemTime};

use super::{Place, document, raw, sweep, value_of};
use crate::{audience::Recipients, entry};

on_every_journal! {
    the_latest_entry_of_a_key_hides_older_ones_whatever_it_is
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
        journal
            .append(&entry::encode_tombstone(&Recipients::Everyone, key, now))
            .unwrap();
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
