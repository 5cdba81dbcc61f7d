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
fn a_position_in_another_cache_counts_as_none() {
    let revocations = revocations(1);
    revocations.add(50, [(43, ago(9), "user:5")].into_iter());
    let elsewhere = EventId::before(Epoch(2), 51);
    let authorization = revocations.authorize(Grants::of(&["user:5"]), Some(elsewhere));
    assert_eq!((authorization.epoch, authorization.number), (EPOCH, 42));
}

#[test]
fn an_authentication_before_the_journal_was_replaced_does_not_count() {
    let revocations = revocations(1);
    let before = EventId::before(EPOCH, 51);
    let start = Cursor::before(1);
    let ends = |position| {
        let authorization = revocations.authorize(Grants::of(&["user:5"]), position);
        revocations.end_before(&authorization, start)
    };
    assert!(!ends(Some(before)));
    revocations.restart(Epoch(2), 1, None);
    assert!(ends(Some(before)));
    assert!(!ends(Some(EventId::before(Epoch(2), 1))));
    assert!(
        ends(None),
        "the former journal may have had a recent revocation"
    );
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

/// All names, some of which are prefixes of others, and all ranges of numbers.
#[test]
fn a_grant_finds_the_revocations_of_its_names_and_no_others() {
    let revocations = revocations(1);
    let names = ["user:4", "user:40", "user:4", "team:1", "user:", "user:41"];
    revocations.add(
        6,
        (1..)
            .zip(names)
            .map(|(number, name)| (number, ago(0), name)),
    );
    for (name, is_prefix) in ["user:4", "user:", "team", "u", "user:5"]
        .into_iter()
        .flat_map(|name| [(name, false), (name, true)])
    {
        let grant = NameGrant {
            name,
            is_prefix,
            after: 0,
        };
        for (position, start) in
            (0..=6).flat_map(|position| (1..=7).map(move |start| (position, start)))
        {
            let authorization = Authorization {
                grants: Grants::new([grant]),
                epoch: EPOCH,
                number: position,
            };
            let expected = (1..start)
                .zip(names)
                .any(|(number, name)| authorization.is_ended_by(number, name));
            let ends = revocations.end_before(&authorization, Cursor::before(start));
            assert_eq!(ends, expected, "{grant:?} after {position}, before {start}");
        }
    }
}

#[test]
fn a_stream_that_opens_after_a_mass_revocation_does_not_walk_through_it() {
    let revocations = revocations(1);
    let names: Vec<String> = (0..MAX_REVOCATIONS + 10)
        .map(|index| format!("user:{index}"))
        .collect();
    let newest = names.len() as u64;
    let saved = (1..).zip(&names);
    revocations.add(
        newest,
        saved.map(|(number, name)| (number, ago(0), &**name)),
    );
    let known = lock(&revocations.0);
    assert_eq!(
        [known.revocations.len(), known.by_name.len()],
        [MAX_REVOCATIONS; 2]
    );
    drop(known);
    let teams: Vec<String> = (0..1_000).map(|index| format!("team:{index}")).collect();
    let teams: Vec<&str> = teams.iter().map(String::as_str).collect();
    let authorization = Authorization {
        grants: Grants::of(&teams),
        epoch: EPOCH,
        number: 10,
    };
    let started = Instant::now();
    for _ in 0..10 {
        assert!(!revocations.end_before(&authorization, Cursor::before(newest + 1)));
    }
    // A walk takes many seconds.
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(ends(&revocations, "user:70", Some(10), newest + 1));
}
