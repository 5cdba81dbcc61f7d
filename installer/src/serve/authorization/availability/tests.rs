use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);
const REFUSED: Fault = Fault::NotConnected(String::new());
const SLOW: Fault = Fault::NoAnswer(TIMEOUT);
const LOGIN_PAGE: Fault = Fault::NoAudiences(200);

fn status(code: u16, retry_after: Option<u32>) -> Fault {
    Fault::Status { code, retry_after }
}

/// What a request for a stream does.
#[derive(Debug, PartialEq, Eq)]
enum Does {
    Ask,
    /// Its probe is open until this test says how it ends.
    ProbeAsClient,
    ProbeAsServer,
    Refuse,
}

fn enter(availability: &Availability, now: Instant) -> Does {
    match availability.enter(now) {
        Admission::Ask => Does::Ask,
        Admission::ProbeAsClient(mut probe) => {
            probe.availability = None;
            Does::ProbeAsClient
        }
        Admission::ProbeAsServer => Does::ProbeAsServer,
        Admission::Refuse => Does::Refuse,
    }
}

/// A pause that has just begun.
fn failing(now: Instant) -> Availability {
    let availability = Availability::new(TIMEOUT);
    assert_eq!(availability.note(now, Err(&REFUSED)), Change::Suspected);
    assert_eq!(availability.note_probe(now, Err(&REFUSED)), Change::Failing);
    availability
}

#[test]
fn a_client_that_has_its_own_questions_fail_keeps_no_other_client_out() {
    let (availability, now) = (Availability::new(TIMEOUT), Instant::now());
    for _ in 0..10 {
        for _ in 1..MAX_FAILURES {
            assert_eq!(availability.note(now, Err(&SLOW)), Change::None);
        }
        assert_eq!(availability.note(now, Err(&SLOW)), Change::Suspected);
        assert_eq!(
            availability.note(now, Err(&SLOW)),
            Change::Undecided,
            "one probe"
        );
        assert_eq!(enter(&availability, now), Does::Ask);
        assert_eq!(availability.note_probe(now, Ok(())), Change::None);
        assert_eq!(enter(&availability, now), Does::Ask);
    }
}

#[test]
fn an_answer_to_any_client_ends_a_row_of_failures() {
    let (availability, now) = (Availability::new(TIMEOUT), Instant::now());
    for _ in 0..10 {
        for _ in 1..MAX_FAILURES {
            assert_eq!(availability.note(now, Err(&SLOW)), Change::None);
        }
        assert_eq!(availability.note(now, Ok(())), Change::None);
    }
}

#[test]
fn an_answer_of_no_use_shows_that_the_app_works() {
    let now = Instant::now();
    for fault in [LOGIN_PAGE, status(404, None), status(400, None)] {
        let availability = Availability::new(TIMEOUT);
        for _ in 0..100 {
            assert_eq!(availability.note(now, Err(&fault)), Change::None, "{fault}");
        }
        let availability = failing(now);
        assert_eq!(
            availability.note_probe(now, Err(&fault)),
            Change::Working,
            "{fault}"
        );
    }
}

#[test]
fn while_the_app_cannot_be_asked_there_is_one_question_for_each_back_off() {
    let start = Instant::now();
    let availability = failing(start);
    let mut probes = Vec::new();
    for millis in 0..60_000 {
        let now = start + Duration::from_millis(millis);
        // A thousand clients in a second.
        match enter(&availability, now) {
            Does::Refuse => continue,
            Does::Ask => panic!("it is asked after {millis} ms"),
            probe => probes.push((millis, probe)),
        }
        assert_eq!(availability.note_probe(now, Err(&REFUSED)), Change::None);
    }
    assert!((12..=20).contains(&probes.len()), "{probes:?}");
    let (first, _) = probes[0];
    assert!((375..=625).contains(&first), "{probes:?}");
    let pauses = probes.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(pauses.max() <= Some(6_250), "{probes:?}");
    let by_clients = probes
        .iter()
        .filter(|(_, probe)| *probe == Does::ProbeAsClient);
    assert_eq!(by_clients.count(), probes.len().div_ceil(2), "in turn");
}

#[test]
fn pauses_differ_so_that_servers_do_not_probe_together() {
    let start = Instant::now();
    let first_probe = |_| {
        let availability = failing(start);
        let at = |millis: &u64| start + Duration::from_millis(*millis);
        (0..).find(|millis| enter(&availability, at(millis)) != Does::Refuse)
    };
    let mut probes: Vec<_> = (0..50).map(first_probe).collect();
    probes.sort_unstable();
    probes.dedup();
    assert!(probes.len() > 10, "{probes:?}");
}

#[test]
fn an_answer_to_a_probe_ends_the_pause() {
    let start = Instant::now();
    let availability = failing(start);
    let later = start + MAX_BACKOFF;
    assert_eq!(enter(&availability, later), Does::ProbeAsClient);
    assert_eq!(
        enter(&availability, later),
        Does::Refuse,
        "one question at a time"
    );
    assert_eq!(availability.note_probe(later, Ok(())), Change::Working);
    assert_eq!(enter(&availability, later), Does::Ask);
}

/// No client can make the server's own probes fail.
#[test]
fn a_client_that_drops_its_probe_delays_the_next_by_one_back_off_only() {
    let start = Instant::now();
    let availability = failing(start);
    let later = start + MAX_BACKOFF;
    let Admission::ProbeAsClient(probe) = availability.enter(later) else {
        panic!("the probe is due");
    };
    drop(probe);
    // The drop is noted with the time of the clock.
    let later = later + 2 * MAX_BACKOFF;
    assert_eq!(enter(&availability, later), Does::ProbeAsServer);
}

#[test]
fn a_probe_whose_thread_is_gone_is_repeated() {
    let start = Instant::now();
    let availability = failing(start);
    let later = start + MAX_BACKOFF;
    assert_eq!(enter(&availability, later), Does::ProbeAsClient);
    let longest = TIMEOUT * 2 + PROBE_MARGIN;
    assert_eq!(enter(&availability, later + longest), Does::ProbeAsClient);
    let availability = Availability::new(TIMEOUT);
    assert_eq!(availability.note(start, Err(&REFUSED)), Change::Suspected);
    assert_eq!(availability.note(start, Err(&REFUSED)), Change::Undecided);
    assert_eq!(
        availability.note(start + longest, Err(&REFUSED)),
        Change::Suspected
    );
}

#[test]
fn a_late_result_of_an_old_question_changes_nothing() {
    let now = Instant::now();
    let availability = failing(now);
    assert_eq!(availability.note(now, Err(&SLOW)), Change::Undecided);
    assert_eq!(availability.note_probe(now, Err(&SLOW)), Change::None);
    let availability = Availability::new(TIMEOUT);
    assert_eq!(availability.note_probe(now, Err(&SLOW)), Change::None);
    assert_eq!(enter(&availability, now), Does::Ask);
}

#[test]
fn an_answer_to_an_old_question_ends_the_pause() {
    let now = Instant::now();
    let availability = failing(now);
    assert_eq!(availability.note(now, Ok(())), Change::Working);
}

#[test]
fn a_retry_after_is_respected_within_limits() {
    for (requested, expected) in [(3, 3), (20, 20), (1_000_000, 20)] {
        let start = Instant::now();
        let availability = Availability::new(TIMEOUT);
        let busy = status(429, Some(requested));
        assert_eq!(availability.note(start, Err(&busy)), Change::Suspected);
        assert_eq!(availability.note_probe(start, Err(&busy)), Change::Failing);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(
            enter(&availability, at(expected) - Duration::from_millis(1)),
            Does::Refuse
        );
        assert_eq!(enter(&availability, at(expected)), Does::ProbeAsClient);
    }
}

/// Clients are to get their streams while it works.
#[test]
fn the_back_off_begins_anew_in_each_pause() {
    let mut now = Instant::now();
    let availability = failing(now);
    for _ in 0..10 {
        now += 2 * MAX_BACKOFF;
        assert_ne!(enter(&availability, now), Does::Refuse);
        assert_eq!(availability.note_probe(now, Err(&REFUSED)), Change::None);
    }
    now += 2 * MAX_BACKOFF;
    assert_ne!(enter(&availability, now), Does::Refuse);
    assert_eq!(availability.note_probe(now, Ok(())), Change::Working);
    availability.note(now, Err(&REFUSED));
    availability.note_probe(now, Err(&REFUSED));
    assert_eq!(
        enter(&availability, now + 2 * MIN_BACKOFF),
        Does::ProbeAsClient
    );
}

#[actix_web::test]
async fn clients_wait_while_a_suspicion_is_open() {
    let now = Instant::now();
    for (outcome, may_ask) in [(Ok(()), true), (Err(&REFUSED), false)] {
        let availability = Availability::new(TIMEOUT);
        assert!(availability.may_ask().await);
        assert_eq!(availability.note(now, Err(&REFUSED)), Change::Suspected);
        assert!(is_pending(availability.may_ask()).await);
        availability.note_probe(now, outcome);
        assert_eq!(availability.may_ask().await, may_ask);
    }
    // Whoever has asked the question is gone.
    let availability = Availability::new(Duration::ZERO);
    assert_eq!(availability.note(now, Err(&REFUSED)), Change::Suspected);
    assert!(availability.may_ask().await);
}

async fn is_pending<T>(future: impl Future<Output = T>) -> bool {
    timeout(Duration::from_millis(20), future).await.is_err()
}
