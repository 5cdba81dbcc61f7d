use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::*;
use crate::hub::{
    authorization::{Authorization, Grants},
    cursor::{Cursor, StreamPosition},
    frame::{DataFormat, Frame},
    read_request::{Filter, Selection},
};

const EPOCH: Epoch = Epoch(1);

fn entry(events: &[&str]) -> RingEntry {
    let frames = events
        .iter()
        .zip(1..)
        .map(|(event, part)| {
            let bytes = Bytes::from(format!("<{event}>"));
            Frame::new((*event).into(), part, bytes)
        })
        .collect();
    RingEntry {
        saved: None,
        seen_at: Some(Instant::now()),
        saved_at: None,
        expires_at: None,
        recipients: Recipients::Everyone,
        content: Content::Frames(frames),
    }
}

/// Entries 1 to 5, of which the ring keeps 2 to 5.
fn ring() -> Ring {
    let ring = Ring::new(4);
    ring.restart(EPOCH.into(), 1);
    ring.push([entry(&["a"]), entry(&["b"]), entry(&[]), entry(&["a", "b"])]);
    ring.push([entry(&["c"])]);
    ring
}

fn read_request(ring: &Ring, request: &ReadRequest<'_>) -> RingRead {
    ring.read(request, &mut SentEvents::default())
}

fn read(ring: &Ring, cursor: Cursor, filter: &Filter) -> RingRead {
    let position = StreamPosition {
        at: EventId {
            epoch: EPOCH,
            cursor,
        },
        ttl_applies_until: 0,
        gap_applies_from: 0,
    };
    read_request(
        ring,
        &ReadRequest {
            position,
            selection: &selection(filter),
        },
    )
}

fn selection(filter: &Filter) -> Selection {
    Selection {
        filter: filter.clone(),
        ..Selection::default()
    }
}

fn text(result: RingRead) -> String {
    match result {
        RingRead::Frames(read) => {
            format!(
                "{} {}",
                String::from_utf8_lossy(&read.bytes),
                read.cursor.next
            )
        }
        other => format!("{other:?}"),
    }
}

fn after_first_frame(next: u64) -> Cursor {
    Cursor { next, part: 1 }
}

#[test]
fn a_stream_gets_everything_after_its_cursor() {
    let ring = ring();
    assert_eq!(
        text(read(&ring, Cursor::before(2), &Filter::All)),
        "<b><a><b><c> 6"
    );
    assert_eq!(text(read(&ring, Cursor::before(5), &Filter::All)), "<c> 6");
    assert_eq!(
        text(read(&ring, after_first_frame(4), &Filter::All)),
        "<b><c> 6"
    );
}

#[test]
fn a_stream_outside_the_ring_learns_where_it_is() {
    let ring = ring();
    let read = |cursor| read(&ring, cursor, &Filter::All);
    assert!(matches!(
        read(Cursor::before(1)),
        RingRead::Behind { ring_start: 2 }
    ));
    assert!(matches!(read(Cursor::before(6)), RingRead::CaughtUp));
    assert!(matches!(read(after_first_frame(6)), RingRead::Elsewhere));
    assert!(matches!(read(Cursor::before(7)), RingRead::Elsewhere));
    ring.restart(Epoch(2).into(), 1);
    assert!(matches!(read(Cursor::before(6)), RingRead::Elsewhere));
}

#[test]
fn a_filtered_stream_advances_past_events_that_it_does_not_want() {
    let filter = Filter::only(["a".to_owned()].into());
    assert_eq!(text(read(&ring(), Cursor::before(2), &filter)), "<a> 6");
    assert_eq!(text(read(&ring(), Cursor::before(5), &filter)), " 6");
}

#[test]
fn expired_entries_are_a_gap_for_reconnecting_clients_and_left_out_for_new_ones() {
    let ring = Ring::new(4);
    ring.restart(EPOCH.into(), 1);
    let expired = Some(SystemTime::now() - Duration::from_secs(1));
    ring.push(["a", "b", "a"].map(|event| RingEntry {
        expires_at: expired,
        ..entry(&[event])
    }));
    let only_b = Filter::only(["b".to_owned()].into());
    let read = |filter, ttl_applies_until, gap_applies_from| {
        let position = StreamPosition {
            at: EventId::before(EPOCH, 1),
            ttl_applies_until,
            gap_applies_from,
        };
        text(read_request(
            &ring,
            &ReadRequest {
                position,
                selection: &selection(filter),
            },
        ))
    };
    assert_eq!(read(&Filter::All, 0, 0), "<a><b><a> 4", "delivered live");
    assert_eq!(read(&Filter::All, 2, u64::MAX), "<a> 4");
    let received = read(&Filter::All, 2, 0);
    assert_eq!(
        received.matches("sse.gap").count(),
        1,
        "one gap for both: {received}"
    );
    assert!(
        received.contains("-2\n") && received.ends_with("<a> 4"),
        "{received}"
    );
    assert_eq!(
        read(&Filter::All, 2, 3),
        "<a> 4",
        "no gap before the client's own position"
    );
    let received = read(&only_b, 3, 0);
    assert!(
        received.contains("sse.gap") && received.contains("-3\n"),
        "{received}"
    );
    let only_c = Filter::only(["c".to_owned()].into());
    assert_eq!(read(&only_c, 3, 0), " 4", "no entry for it has expired");
}

#[test]
fn frames_that_a_read_encodes_count_until_their_entry_is_dropped() {
    const FRAME: &str = "id: 1\nevent: a\ndata: {\"timestamp\":\"\",\"value\":10}\n\n";
    const VALUE_FRAME: &str = "id: 1\nevent: a\ndata: 10\n\n";
    let ring = Ring::new(1);
    ring.restart(EPOCH.into(), 1);
    let entry = || RingEntry {
        content: Content::Frames(vec![Frame::new("a".into(), 1, FRAME.into())]),
        ..entry(&[])
    };
    let read = |next| {
        text(read_request(
            &ring,
            &ReadRequest {
                position: StreamPosition {
                    at: EventId::before(EPOCH, next),
                    ttl_applies_until: 0,
                    gap_applies_from: 0,
                },
                selection: &Selection {
                    format: DataFormat::Value,
                    ..Selection::default()
                },
            },
        ))
    };
    let byte_count = || ring.read_window().byte_count.load(Ordering::Relaxed);
    ring.push([entry()]);
    for _ in 0..2 {
        assert_eq!(read(1), format!("{VALUE_FRAME} 2"));
        assert_eq!(byte_count(), FRAME.len() + VALUE_FRAME.len());
    }
    ring.push([entry()]);
    assert_eq!(byte_count(), FRAME.len());
}

#[test]
fn a_new_client_starts_at_the_first_entry_within_the_lookback() {
    let ring = Ring::new(4);
    ring.restart(EPOCH.into(), 7);
    let now = Instant::now() + Duration::from_secs(60);
    let aged = |seconds| RingEntry {
        seen_at: now.checked_sub(Duration::from_secs(seconds)),
        saved_at: None,
        ..entry(&["a"])
    };
    ring.push([aged(10), aged(5), aged(1)]);
    let lookback_start = |seconds| {
        let since = now.checked_sub(Duration::from_secs(seconds));
        ring.start_points(since).lookback_start
    };
    assert_eq!([20, 5, 3, 0].map(lookback_start), [7, 8, 9, 10]);
    let all = ring.start_points(None);
    assert_eq!((all.lookback_start, all.end), (7, 10));
}

fn recipients(names: &[&str]) -> Recipients {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Recipients::new(Some(names)).unwrap()
}

fn private(event: &str, names: &[&str]) -> RingEntry {
    RingEntry {
        recipients: recipients(names),
        ..entry(&[event])
    }
}

fn revocation(name: &str) -> RingEntry {
    RingEntry {
        content: Content::Revocation([name.to_owned()].into()),
        ..entry(&[])
    }
}

/// What a stream reads that holds this audience since the entry `authorized_at`, from the first entry on.
fn read_as(ring: &Ring, name: Option<&str>, authorized_at: u64) -> ReadFrames {
    let names: Vec<&str> = name.into_iter().collect();
    let selection = Selection {
        authorization: Authorization {
            grants: Grants::of(&names),
            epoch: EPOCH,
            number: authorized_at,
        },
        ..Selection::default()
    };
    let position = StreamPosition {
        at: EventId::before(EPOCH, 1),
        ttl_applies_until: 0,
        gap_applies_from: 0,
    };
    let request = ReadRequest {
        position,
        selection: &selection,
    };
    match read_request(ring, &request) {
        RingRead::Frames(read) => read,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_private_entry_reaches_the_holders_of_its_audiences_once() {
    let ring = Ring::new(10);
    ring.restart(EPOCH.into(), 1);
    ring.push([
        entry(&["a"]),
        private("b", &["user:4", "team:7"]),
        private("c", &["user:5"]),
        entry(&["d"]),
    ]);
    let bytes = |name| read_as(&ring, name, 0).bytes;
    assert_eq!(bytes(Some("user:4")), "<a><b><d>");
    assert_eq!(bytes(Some("team:7")), "<a><b><d>");
    assert_eq!(bytes(Some("user:5")), "<a><c><d>");
    assert_eq!(bytes(Some("user:42")), "<a><d>");
    assert_eq!(bytes(None), "<a><d>");
    assert!(read_as(&ring, None, 0).depends_on_grants);
}

#[test]
fn a_revocation_ends_the_streams_that_were_authorized_before_it() {
    let ring = Ring::new(10);
    ring.restart(EPOCH.into(), 1);
    ring.push([
        private("a", &["user:4"]),
        revocation("user:4"),
        private("b", &["user:4"]),
        entry(&["c"]),
    ]);
    let ended = read_as(&ring, Some("user:4"), 1);
    assert_eq!((ended.bytes, ended.cursor.next), ("<a>".into(), 3));
    assert!(ended.must_reauthorize);
    for (name, number, text) in [
        (Some("user:4"), 2, "<a><b><c>"),
        (Some("user:5"), 1, "<c>"),
        (None, 0, "<c>"),
    ] {
        let read = read_as(&ring, name, number);
        assert_eq!(read.bytes, text);
        assert!(!read.must_reauthorize);
    }
}

#[test]
fn an_unreadable_entry_may_be_a_revocation() {
    let ring = Ring::new(10);
    ring.restart(EPOCH.into(), 1);
    ring.push([RingEntry::unreadable(), entry(&["a"])]);
    let holder = read_as(&ring, Some("user:4"), 0);
    assert!(holder.must_reauthorize && !holder.bytes.ends_with(b"<a>"));
    let public = read_as(&ring, None, 0);
    assert!(!public.must_reauthorize && public.bytes.ends_with(b"<a>"));
    let authorized_later = read_as(&ring, Some("user:4"), 1);
    assert!(!authorized_later.must_reauthorize && authorized_later.bytes.ends_with(b"<a>"));
}

#[test]
fn the_new_topics_are_in_the_order_of_their_entries() {
    let ring = Ring::new(10);
    ring.restart(EPOCH.into(), 1);
    ring.push([
        private("a", &["user:4"]),
        entry(&["a"]),
        revocation("user:5"),
        entry(&["a", "b"]),
        RingEntry {
            recipients: recipients(&["user:6"]),
            ..entry(&[])
        },
    ]);
    let names = |name: &str| Topic::Audiences([name.to_owned()].into());
    let event = |name: &str| Topic::Event(name.into());
    let (topics, _) = ring.events_since(EventId::before(EPOCH, 1));
    let expected = vec![
        (names("user:4"), 1),
        (event("a"), 2),
        (names("user:5"), 3),
        (event("b"), 4),
    ];
    assert_eq!(topics, NewEvents::Topics(expected));
}

#[test]
fn audiences_count_as_memory_of_their_entry() {
    let names: Vec<String> = (0..100).map(|index| format!("{index:0200}")).collect();
    let ring = Ring::new(4_096);
    ring.restart(EPOCH.into(), 1);
    ring.push((0..4_096).map(|_| RingEntry {
        recipients: Recipients::new(Some(names.clone())).unwrap(),
        ..entry(&["a"])
    }));
    let window = ring.read_window();
    let kept = window.entries.iter();
    let bytes: usize = kept.map(|entry| entry.recipients.byte_count()).sum();
    assert!(
        bytes > MAX_RING_BYTES / 2 && bytes <= MAX_RING_BYTES,
        "{bytes}"
    );
}
