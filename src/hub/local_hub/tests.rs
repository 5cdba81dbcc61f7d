use super::*;
use crate::{
    audience::Recipients,
    epoch::Epoch,
    hub::{
        authorization::{Authorization, Grants},
        cursor::StreamPosition,
        frame::{DataFormat, Frame},
        ring_entry::{Content, RingEntry},
    },
};

fn entry(bytes: &'static str) -> RingEntry {
    let bytes = Bytes::from_static(bytes.as_bytes());
    let frame = Frame::new("a".into(), 1, bytes);
    RingEntry {
        saved: None,
        seen_at: Some(Instant::now()),
        saved_at: None,
        expires_at: None,
        recipients: Recipients::Everyone,
        content: Content::Frames(vec![frame]),
    }
}

fn ring() -> Ring {
    let ring = Ring::new(10);
    ring.restart(Epoch(1).into(), 1);
    ring
}

fn read(local_hub: &LocalHub, ring: &Ring, next: u64) -> RingRead {
    read_format(local_hub, ring, next, DataFormat::Envelope)
}

fn read_format(local_hub: &LocalHub, ring: &Ring, next: u64, format: DataFormat) -> RingRead {
    let position = StreamPosition {
        at: EventId::before(Epoch(1), next),
        ttl_applies_until: 0,
        gap_applies_from: 0,
    };
    local_hub.read(
        ring,
        &ReadRequest {
            position,
            selection: &Selection {
                format,
                ..Selection::default()
            },
        },
    )
}

#[test]
fn streams_at_the_same_cursor_share_a_chunk() {
    let ring = ring();
    let local_hub = LocalHub::new(&ring, Arc::default(), Observations::new());
    ring.push([entry("<1>"), entry("<2>")]);
    let chunks = [1, 1].map(|next| match read(&local_hub, &ring, next) {
        RingRead::Frames(read) => (read.bytes, read.cursor.next),
        other => panic!("{other:?}"),
    });
    assert_eq!(chunks[0], (Bytes::from("<1><2>"), 3));
    assert_eq!(chunks[0].0.as_ptr(), chunks[1].0.as_ptr());
}

#[test]
fn streams_of_one_format_share_a_chunk_between_reads_of_another() {
    const FRAME: &str = "id: 1\nevent: a\ndata: {\"timestamp\":\"\",\"value\":\"<\\u00621>\"}\n\n";
    let ring = ring();
    let local_hub = LocalHub::new(&ring, Arc::default(), Observations::new());
    ring.push([entry(FRAME)]);
    let formats = [DataFormat::Envelope, DataFormat::Value];
    let [first, second] = [(), ()].map(|()| {
        formats.map(|format| match read_format(&local_hub, &ring, 1, format) {
            RingRead::Frames(read) => read.bytes,
            other => panic!("{other:?}"),
        })
    });
    assert_eq!(first, [FRAME, "id: 1\nevent: a\ndata: <b1>\n\n"]);
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first.as_ptr(), second.as_ptr());
    }
}

#[test]
fn a_shared_chunk_is_what_the_ring_has_at_the_cursor() {
    let ring = ring();
    let local_hub = LocalHub::new(&ring, Arc::default(), Observations::new());
    assert!(matches!(read(&local_hub, &ring, 1), RingRead::CaughtUp));
    ring.push([entry("<1>")]);
    for (next, text) in [(1, "<1>"), (1, "<1>"), (2, ""), (1, "<1>")] {
        let bytes = match read(&local_hub, &ring, next) {
            RingRead::Frames(read) => read.bytes,
            _ => Bytes::new(),
        };
        assert_eq!(bytes, text);
    }
    ring.push([entry("<2>")]);
    assert!(matches!(read(&local_hub, &ring, 2), RingRead::Frames(read) if read.bytes == "<2>"));
    ring.restart(Epoch(2).into(), 3);
    assert!(matches!(read(&local_hub, &ring, 3), RingRead::Elsewhere));
}

fn read_as(local_hub: &LocalHub, ring: &Ring, name: &str) -> Bytes {
    let authorization = Authorization {
        grants: Grants::of(&[name]),
        epoch: Epoch(1),
        number: 0,
    };
    let position = StreamPosition {
        at: EventId::before(Epoch(1), 1),
        ttl_applies_until: 0,
        gap_applies_from: 0,
    };
    let selection = Selection {
        authorization,
        ..Selection::default()
    };
    let request = ReadRequest {
        position,
        selection: &selection,
    };
    match local_hub.read(ring, &request) {
        RingRead::Frames(read) => read.bytes,
        other => panic!("{other:?}"),
    }
}

fn public_bytes(local_hub: &LocalHub, ring: &Ring) -> Bytes {
    match read(local_hub, ring, 1) {
        RingRead::Frames(read) => read.bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn streams_share_what_does_not_depend_on_their_audiences() {
    let ring = ring();
    let local_hub = LocalHub::new(&ring, Arc::default(), Observations::new());
    ring.push([entry("<1>")]);
    let shared = read_as(&local_hub, &ring, "user:4");
    for bytes in [
        public_bytes(&local_hub, &ring),
        read_as(&local_hub, &ring, "user:5"),
    ] {
        assert_eq!(bytes.as_ptr(), shared.as_ptr());
    }
}

#[test]
fn streams_of_other_audiences_never_get_the_same_private_chunk() {
    let ring = ring();
    let local_hub = LocalHub::new(&ring, Arc::default(), Observations::new());
    let names = Some(vec!["user:4".to_owned()]);
    ring.push([
        entry("<1>"),
        RingEntry {
            recipients: Recipients::new(names).unwrap(),
            ..entry("<2>")
        },
    ]);
    for _ in 0..2 {
        assert_eq!(read_as(&local_hub, &ring, "user:4"), "<1><2>");
        assert_eq!(public_bytes(&local_hub, &ring), "<1>");
        assert_eq!(read_as(&local_hub, &ring, "user:5"), "<1>");
    }
}
