//! How a stream is split into its blocks.

use std::time::Instant;

use super::*;

/// The value arrives in pieces of 8 KiB. If each piece had the whole block searched again, this would take
/// minutes.
#[test]
fn a_large_value_is_parsed_in_time() {
    const PIECES: usize = 512;
    let start = Instant::now();
    let mut parser = EventParser::default();
    assert_eq!(parser.feed(b"data: "), []);
    for _ in 0..PIECES {
        assert_eq!(parser.feed(&[b'x'; 8192]), []);
    }
    let events = parser.feed(b"\n\n");
    assert_eq!(events[0].data.as_deref().map(str::len), Some(PIECES * 8192));
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn the_blocks_do_not_depend_on_where_the_pieces_end() {
    let stream =
        b"id: 1\ndata: a\n\n: planned end\n\nretry: 5\ndata: b\ndata: c\n\ndata: unfinished\n";
    let expected = EventParser::default().feed(stream);
    assert_eq!(expected.len(), 3);
    for length in 1..stream.len() {
        let mut parser = EventParser::default();
        let events: Vec<Event> = stream
            .chunks(length)
            .flat_map(|piece| parser.feed(piece))
            .collect();
        assert_eq!(events, expected, "pieces of {length} bytes");
    }
}
