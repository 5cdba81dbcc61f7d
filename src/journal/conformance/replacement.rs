//! A journal that is discarded, and the one after it.

use super::{Place, Slot, append, document, document_with_token};

on_every_journal! {
    a_discarded_journal_takes_no_entry_and_the_next_one_has_another_epoch
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
        former.latest(&Slot::public("k")).is_err(),
        "a newer value may be in the next one"
    );
    let next = place.open();
    assert!(next.is_in_place());
    assert_ne!(next.epoch(), former.epoch());
    assert_eq!(next.epochs().last_number_shared_with(former.epoch()), None);
    // Redis keeps the entries.
    let newest = next.newest_number().unwrap();
    assert!(newest == 0 || newest == 3, "{newest}");
    assert_eq!(next.append(&document("k", "1")).unwrap(), newest + 1);
    assert_eq!(next.address(), former.address());
}
