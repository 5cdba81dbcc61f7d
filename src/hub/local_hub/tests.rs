use super::*;
use crate::{
    epoch::Epoch,
    hub::{
        cursor::StreamPosition,
        frame::{DataFormat, Frame},
        ring_entry::{Content, RingEntry},
    },
};

fn entry(bytes: &'static str) -> RingEntry {
    let bytes = Bytes::from_static(bytes.as_bytes());
    let frame = Frame::new("a".into(), 1, bytes);
    RingEntry {
        seen_at: Some(Instant::now()),
        expires_at: None,
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
            filter: &Filter::All,
            format,
        },
    )
}

#[test]
fn streams_at_the_same_cursor_share_a_chunk() {
    let ring = ring();
    let local_hub = LocalHub::new(&ring);
    ring.push([entry("<1>"), entry("<2>")]);
    let chunks = [1, 1].map(|next| match read(&local_hub, &ring, next) {
        RingRead::Frames(bytes, end) => (bytes, end.next),
        other => panic!("{other:?}"),
    });
    assert_eq!(chunks[0], (Bytes::from("<1><2>"), 3));
    assert_eq!(chunks[0].0.as_ptr(), chunks[1].0.as_ptr());
}

#[test]
fn streams_of_one_format_share_a_chunk_between_reads_of_another() {
    const FRAME: &str = "id: 1\nevent: a\ndata: {\"timestamp\":\"\",\"value\":\"<\\u00621>\"}\n\n";
    let ring = ring();
    let local_hub = LocalHub::new(&ring);
    ring.push([entry(FRAME)]);
    let formats = [DataFormat::Envelope, DataFormat::Value];
    let [first, second] = [(), ()].map(|()| {
        formats.map(|format| match read_format(&local_hub, &ring, 1, format) {
            RingRead::Frames(bytes, _) => bytes,
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
    let local_hub = LocalHub::new(&ring);
    assert!(matches!(read(&local_hub, &ring, 1), RingRead::CaughtUp));
    ring.push([entry("<1>")]);
    for (next, text) in [(1, "<1>"), (1, "<1>"), (2, ""), (1, "<1>")] {
        let bytes = match read(&local_hub, &ring, next) {
            RingRead::Frames(bytes, _) => bytes,
            _ => Bytes::new(),
        };
        assert_eq!(bytes, text);
    }
    ring.push([entry("<2>")]);
    assert!(matches!(read(&local_hub, &ring, 2), RingRead::Frames(bytes, _) if bytes == "<2>"));
    ring.restart(Epoch(2).into(), 3);
    assert!(matches!(read(&local_hub, &ring, 3), RingRead::Elsewhere));
}
