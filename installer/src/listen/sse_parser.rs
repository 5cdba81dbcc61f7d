//! A parser of event streams, fed with chunks as they arrive.
//!
//! It follows the HTML standard, section "Server-sent events". Each rule is quoted beside the code
//! that implements it.

use std::mem;
use std::time::Duration;

/// A longer block is refused, because a server that never ends a line or a block must not fill the
/// memory. The library's server writes a value of up to 32 MiB (`Config::with_max_value_bytes`) on one
/// line, and a timestamp before it.
const MAX_BLOCK_BYTES: usize = 33 * 1024 * 1024;

/// A longer id is ignored: a client cannot send it back, because servers limit a line of a request's head
/// (nginx and Apache: 8 KB), and every block that follows has a copy.
const MAX_ID_BYTES: usize = 4 * 1024;

/// One complete block of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The last event id, which the next blocks keep.
    pub(crate) id: String,
    pub(crate) event: String,
    /// `None`: browsers fire no event for this block.
    pub(crate) data: Option<String>,
    /// The reconnection time that this block sets. [`SseParser::reconnection_time`] has it as soon as
    /// its line is complete.
    pub(crate) retry: Option<Duration>,
    /// Whether it contains the comment that announces a planned end.
    pub(crate) is_planned_end: bool,
}

/// The state between two chunks of a stream.
#[derive(Default)]
pub(crate) struct SseParser {
    /// Whether the first line, the only one that may begin with a byte order mark, is complete.
    is_past_first_line: bool,
    /// The line that is not complete yet.
    line: Vec<u8>,
    is_after_carriage_return: bool,
    /// The block that is not complete yet.
    block: Block,
    is_block_open: bool,
    reconnection_time: Option<Duration>,
}

impl SseParser {
    /// A parser for a new connection, which continues after `last_event_id`.
    pub(crate) fn resuming(last_event_id: &str) -> Self {
        let mut parser = Self::default();
        last_event_id.clone_into(&mut parser.block.id);
        parser
    }

    /// Whether a block has begun that is not complete.
    pub(crate) fn is_in_block(&self) -> bool {
        self.is_block_open || !self.line.is_empty()
    }

    /// The last reconnection time on this connection. Unlike an id, it takes effect even if its block is
    /// never completed.
    pub(crate) fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    /// Parses the next bytes and returns the blocks that they complete. An unfinished block at
    /// the stream's end is dropped with the parser: "Once the end of the file is reached, any
    /// pending data must be discarded."
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Block>, String> {
        let mut blocks = Vec::new();
        for byte in bytes {
            // "[…] with a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF) character pair, a
            // single U+000A LINE FEED (LF) character not preceded by a U+000D CARRIAGE
            // RETURN (CR) character, and a single U+000D CARRIAGE RETURN (CR) character
            // not followed by a U+000A LINE FEED (LF) character being the ways in which a
            // line can end." A line that ends in CR is handled at once, because an LF may follow
            // much later.
            let ends_pair = mem::take(&mut self.is_after_carriage_return) && *byte == b'\n';
            match byte {
                b'\n' if ends_pair => {}
                b'\n' | b'\r' => {
                    self.is_after_carriage_return = *byte == b'\r';
                    blocks.extend(self.end_line());
                }
                _ if self.line.len() + self.data_bytes() >= MAX_BLOCK_BYTES => {
                    return Err(format!("an event is longer than {MAX_BLOCK_BYTES} bytes"));
                }
                byte => self.line.push(*byte),
            }
        }
        Ok(blocks)
    }

    /// Of the block that is not complete. Its other fields have at most the length of one line.
    fn data_bytes(&self) -> usize {
        self.block.data.as_ref().map_or(0, String::len)
    }

    fn end_line(&mut self) -> Option<Block> {
        let bytes = mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        // "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM),
        // if any."
        let is_first = !mem::replace(&mut self.is_past_first_line, true);
        let line = match line.strip_prefix('\u{feff}') {
            Some(line) if is_first => line,
            _ => &line,
        };
        // "If the line is empty (a blank line)": "Dispatch the event, as defined below."
        if line.is_empty() {
            return mem::take(&mut self.is_block_open).then(|| self.end_block());
        }
        self.is_block_open = true;
        // "If the line starts with a U+003A COLON character (:)": "Ignore the line." Here
        // it is a field with an empty name.
        // "If the line contains a U+003A COLON character (:)": "Collect the characters on
        // the line before the first U+003A COLON character (:), and let field be that
        // string. Collect the characters on the line after the first U+003A COLON character
        // (:), and let value be that string. If value starts with a U+0020 SPACE character,
        // remove it from value."
        // Otherwise, "using the whole line as the field name, and the empty string as the
        // field value."
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        self.set_field(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn set_field(&mut self, field: &str, value: &str) {
        let block = &mut self.block;
        match field {
            // "Set the event type buffer to field value."
            "event" => value.clone_into(&mut block.event),
            // "Append the field value to the data buffer, then append a single U+000A
            // LINE FEED (LF) character to the data buffer."
            "data" => {
                let data = block.data.get_or_insert_default();
                data.push_str(value);
                data.push('\n');
            }
            // "If the field value does not contain U+0000 NULL, then set the last event
            // ID buffer to the field value. Otherwise, ignore the field."
            "id" if !value.contains('\0') && value.len() <= MAX_ID_BYTES => {
                value.clone_into(&mut block.id);
            }
            // "If the field value consists of only ASCII digits, then interpret the field
            // value as an integer in base ten, and set the event stream's reconnection
            // time to that integer. Otherwise, ignore the field."
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let milliseconds = value.parse().ok().map(Duration::from_millis);
                block.retry = milliseconds.or(block.retry);
                self.reconnection_time = block.retry.or(self.reconnection_time);
            }
            // A comment.
            "" => block.is_planned_end |= value == "planned end",
            // "Otherwise": "The field is ignored."
            _ => {}
        }
    }

    fn end_block(&mut self) -> Block {
        // "Set the last event ID string of the event source to the value of the last
        // event ID buffer. The buffer does not get reset […]"
        let next = Block {
            id: self.block.id.clone(),
            ..Block::default()
        };
        let mut block = mem::replace(&mut self.block, next);
        // "If the data buffer's last character is a U+000A LINE FEED (LF) character, then
        // remove the last character from the data buffer."
        if let Some(data) = &mut block.data {
            data.pop();
        }
        if block.event.is_empty() {
            "message".clone_into(&mut block.event);
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stream: &str) -> Vec<Block> {
        let mut parser = SseParser::default();
        parser.feed(stream.as_bytes()).expect("it is a stream")
    }

    fn block(id: &str, event: &str, data: impl Into<Option<&'static str>>) -> Block {
        Block {
            id: id.to_owned(),
            event: event.to_owned(),
            data: data.into().map(str::to_owned),
            retry: None,
            is_planned_end: false,
        }
    }

    #[test]
    fn every_line_ending_ends_a_line() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: a\nid: 7\ndata: x\ndata: y\n\n".replace('\n', end);
            assert_eq!(parse(&stream), [block("7", "a", "x\ny")], "{end:?}");
        }
    }

    #[test]
    fn the_size_of_chunks_makes_no_difference() {
        let stream = "\u{feff}: hi\r\n\r\nid:1\rdata: \u{e9}\r\rdata\ndata\n\nretry: 5\r\nevent:a\ndata:  b\n\n";
        let expected = parse(stream);
        assert_eq!(
            expected,
            [
                block("", "message", None),
                block("1", "message", "\u{e9}"),
                block("1", "message", "\n"),
                Block {
                    retry: Some(Duration::from_millis(5)),
                    ..block("1", "a", " b")
                }
            ]
        );
        for size in 1..7 {
            let mut parser = SseParser::default();
            let chunks = stream.as_bytes().chunks(size);
            let blocks: Vec<_> = chunks
                .flat_map(|chunk| parser.feed(chunk).expect("it is a stream"))
                .collect();
            assert_eq!(blocks, expected, "chunks of {size}");
        }
    }

    #[test]
    fn a_planned_end_is_announced_by_a_comment() {
        let blocks = parse("data: planned end\n\n: planned end\nretry: 5\ndata: 15\n\ndata: x\n\n");
        let announced: Vec<_> = blocks.iter().map(|block| block.is_planned_end).collect();
        assert_eq!(announced, [false, true, false]);
    }

    #[test]
    fn an_id_takes_effect_when_its_block_is_complete_even_without_data() {
        let blocks = parse("id: 41\n\nid: 42\ndata: x\n");
        assert_eq!(blocks, [block("41", "message", None)]);
        let mut parser = SseParser::resuming("40");
        let blocks = parser.feed(b"\ndata: x\n\n").expect("it is a stream");
        assert_eq!(blocks, [block("40", "message", "x")]);
    }

    #[test]
    fn an_unfinished_block_is_recognized() {
        for (stream, is_in_block) in [
            ("data: x\n\n", false),
            ("data: x\n", true),
            ("data: x\n\nda", true),
            (": alive\n\n", false),
        ] {
            let mut parser = SseParser::default();
            parser.feed(stream.as_bytes()).expect("it is a stream");
            assert_eq!(parser.is_in_block(), is_in_block, "{stream:?}");
        }
    }

    #[test]
    fn a_reconnection_time_belongs_to_its_block() {
        let blocks = parse("retry: 7\ndata: x\n\ndata: y\n\n");
        let retries: Vec<_> = blocks.iter().map(|block| block.retry).collect();
        assert_eq!(retries, [Some(Duration::from_millis(7)), None]);
    }

    #[test]
    fn a_reconnection_time_takes_effect_before_its_block_is_complete() {
        let mut parser = SseParser::default();
        for (stream, expected) in [
            ("retry: 7", None),
            ("\n", Some(7)),
            ("retry: x\n\n\n", Some(7)),
        ] {
            parser.feed(stream.as_bytes()).expect("it is a stream");
            let expected = expected.map(Duration::from_millis);
            assert_eq!(parser.reconnection_time(), expected, "{stream:?}");
        }
    }

    #[test]
    fn the_largest_value_of_the_library_is_parsed() {
        let value = "x".repeat(32 * 1024 * 1024);
        let data =
            format!("{{\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"value\":\"{value}\"}}");
        let blocks = parse(&format!("data: {data}\n\n"));
        assert_eq!(blocks.len(), 1);
        assert!(blocks[0].data.as_ref() == Some(&data));
    }

    #[test]
    fn a_line_or_a_block_without_an_end_is_refused() {
        let line = vec![b'x'; MAX_BLOCK_BYTES + 1];
        assert!(SseParser::default().feed(&line).is_err());
        let lines = b"data: 0123456789abcde\n".repeat(MAX_BLOCK_BYTES / 16 + 1);
        assert!(SseParser::default().feed(&lines).is_err());
    }

    #[test]
    fn an_id_that_is_too_long_for_a_header_is_ignored() {
        let blocks = parse(&format!("id: 1\n\nid: {}\ndata: x\n\n", "2".repeat(4097)));
        assert_eq!(blocks[1], block("1", "message", "x"));
    }

    #[test]
    fn a_byte_order_mark_is_removed_at_the_start_only() {
        let (with_data, without_data) = (block("", "message", "x"), block("", "message", None));
        assert_eq!(parse("\u{feff}data: x\n\n"), [with_data]);
        assert_eq!(parse("\n\u{feff}data: x\n\n"), [without_data]);
    }

    #[test]
    fn fields_that_the_standard_ignores_are_ignored() {
        let blocks =
            parse("id: 1\nid: 2\0\nretry: 1s\nretry: -1\nwhat: ever\n:data: x\ndata : x\n\n");
        assert_eq!(blocks, [block("1", "message", None)]);
    }
}
