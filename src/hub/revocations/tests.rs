use super::*;

const EPOCH: Epoch = Epoch(1);

fn revocations(next: u64) -> Revocations {
    let revocations = Revocations::default();
    revocations.restart(EPOCH, next, None);
    revocations
}

fn ago(seconds: u64) -> Option<Instant> {
    Instant::now().checked_sub(Duration::from_secs(seconds))
}

fn authorize(revocations: &Revocations, name: &str, position: Option<u64>) -> Authorization {
    let position = position.map(|number| EventId::before(EPOCH, number + 1));
    revocations.authorize(Grants::of(&[name]), position)
}

/// Whether a stream that starts at the entry `start` ends at once.
fn ends(revocations: &Revocations, name: &str, position: Option<u64>, start: u64) -> bool {
    let authorization = authorize(revocations, name, position);
    revocations.end_before(&authorization, Cursor::before(start))
}

#[test]
fn a_revocation_between_the_authentication_and_the_start_ends_the_stream() {
    let revocations = revocations(1);
    revocations.add(50, [(42, ago(0), "user:4")].into_iter());
    assert!(ends(&revocations, "user:4", Some(41), 51));
    assert!(
        !ends(&revocations, "user:4", Some(42), 51),
        "authenticated after it"
    );
    assert!(
        !ends(&revocations, "user:4", Some(41), 42),
        "the stream will read it"
    );
    assert!(!ends(&revocations, "user:5", Some(41), 51), "another name");
}

#[test]
fn without_a_position_each_revocation_of_the_last_seconds_ends_the_stream() {
    let revocations = revocations(1);
    let saved = [(42, ago(11), "user:4"), (43, ago(9), "user:5")];
    revocations.add(50, saved.into_iter());
    assert!(!ends(&revocations, "user:4", None, 51));
    assert!(ends(&revocations, "user:5", None, 51));
    assert_eq!(authorize(&revocations, "user:5", None).number, 42);
}

#[test]
fn a_position_in_another_journal_counts_as_none() {
    let revocations = revocations(1);
    revocations.add(50, [(43, ago(9), "user:5")].into_iter());
    let grants = || Grants::of(&["user:5"]);
    let elsewhere = Some(EventId::before(Epoch(2), 51));
    let authorization = revocations.authorize(grants(), elsewhere);
    assert!(revocations.end_before(&authorization, Cursor::before(51)));
    revocations.restart(Epoch(2), 1, None);
    let start = Cursor::before(1);
    assert!(
        revocations.end_before(&authorization, start),
        "the journal was replaced since"
    );
    let authorization = revocations.authorize(grants(), None);
    assert!(!revocations.end_before(&authorization, start));
}

#[test]
fn what_is_not_known_ends_the_stream() {
    let revocations = revocations(100);
    assert!(ends(&revocations, "user:4", Some(98), 101));
    assert!(!ends(&revocations, "user:4", Some(99), 101));
    assert!(!ends(&revocations, "user:4", None, 101));
    // A server that has started a moment ago has not read everything of the last seconds.
    revocations.restart(EPOCH, 100, ago(0));
    assert!(ends(&revocations, "user:4", None, 101));
    assert!(!ends(&revocations, "user:4", Some(99), 101));
}

#[test]
fn the_oldest_revocations_are_forgotten_and_then_end_streams_that_are_as_old() {
    let revocations = revocations(1);
    let numbers = 1..=MAX_REVOCATIONS as u64 + 10;
    let newest = *numbers.end();
    let saved = numbers.map(|number| (number, ago(20), "other"));
    revocations.add(newest, saved);
    assert_eq!(lock(&revocations.0).revocations.len(), MAX_REVOCATIONS);
    assert!(ends(&revocations, "user:4", Some(9), newest + 1));
    assert!(!ends(&revocations, "user:4", Some(10), newest + 1));
    assert!(!ends(&revocations, "user:4", None, newest + 1));
}
