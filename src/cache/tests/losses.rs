//! Values that were removed before they were read.

use super::*;

#[test]
fn a_lost_value_is_a_gap_and_no_older_value_of_its_key_is_returned() {
    let (app, cache) = cache();
    let mut follow = cache.follow().unwrap();
    cache.save_blocking("k", 1).unwrap();
    cache.save("k", 2).to("user:1").blocking().unwrap();
    let loss = entry::encode_loss("k", SystemTime::now());
    let journal_handle = cache.source.journal_handle().unwrap();
    journal_handle.append(&loss, save_deadline()).unwrap();
    assert_eq!(value(&app, &cache, "k"), None);
    let private = cache.get("k").to("user:1").blocking().unwrap();
    assert_eq!(private.unwrap().value(), "2");
    assert_eq!(next(&mut follow).value(), "1");
    assert_eq!(next(&mut follow).value(), "2");
    let gap = follow.next_timeout(Duration::from_secs(10)).unwrap();
    assert!(matches!(gap, Some(Next::Gap)), "{gap:?}");
    assert_eq!(save_number(&cache, "k", 3), 4);
    assert_eq!(next(&mut follow).value(), "3");
}
