//! A parser of event streams, fed with chunks as they arrive.
//!
//! It follows the HTML standard, section "Server-sent events". Each rule is quoted beside the code
//! that implements it.

use std::mem;
use std::time::Duration;

/// A longer line is refused, because a server that never ends a line must not fill the memory. The
/// library's server writes a value of up to 32 MiB (`Config::with_max_value_bytes`) on one line, and
/// a timestamp before it.
const MAX_LINE_BYTES: usize = 33 * 1024 * 1024;

/// One dispatched event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: String,
    /// The reconnection time that its block has set.
    pub(crate) retry: Option<Duration>,
}

/// The state between two chunks of a stream.
#[derive(Default)]
pub(crate) struct SseParser {
    /// Whether the first line, the only one that may begin with a byte order mark, is complete.
    is_past_first_line: bool,
    /// The line that is not complete yet.
    line: Vec<u8>,
    is_after_carriage_return: bool,
    event_type_buffer: String,
    data_buffer: String,
    last_event_id_buffer: String,
    last_event_id: String,
    retry: Option<Duration>,
    /// The reconnection time that the unfinished block has set.
    block_retry: Option<Duration>,
    is_block_open: bool,
    has_received_block: bool,
}

impl SseParser {
    /// A parser for a new connection, which continues after `last_event_id`.
    pub(crate) fn resuming(last_event_id: &str) -> Self {
        Self {
            last_event_id_buffer: last_event_id.to_owned(),
            last_event_id: last_event_id.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How long to wait before reconnecting, if the stream has set it.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Whether a complete block was received, with or without data.
    pub(crate) fn has_received_block(&self) -> bool {
        self.has_received_block
    }

    /// Whether a block has begun that is not complete.
    pub(crate) fn is_in_block(&self) -> bool {
        self.is_block_open || !self.line.is_empty()
    }

    /// Parses the next bytes and returns the messages that they complete. An unfinished block at
    /// the stream's end is dropped with the parser: "Once the end of the file is reached, any
    /// pending data must be discarded."
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Message>, String> {
        let mut messages = Vec::new();
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
                    messages.extend(self.end_line());
                }
                _ if self.line.len() >= MAX_LINE_BYTES => {
                    return Err(format!("a line is longer than {MAX_LINE_BYTES} bytes"));
                }
                byte => self.line.push(*byte),
            }
        }
        Ok(messages)
    }

    fn end_line(&mut self) -> Option<Message> {
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
            return self.dispatch();
        }
        self.is_block_open = true;
        // "If the line starts with a U+003A COLON character (:)": "Ignore the line." Here
        // it is a field with an empty name, which is ignored like any unknown field.
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
        match field {
            // "Set the event type buffer to field value."
            "event" => value.clone_into(&mut self.event_type_buffer),
            // "Append the field value to the data buffer, then append a single U+000A
            // LINE FEED (LF) character to the data buffer."
            "data" => {
                self.data_buffer.push_str(value);
                self.data_buffer.push('\n');
            }
            // "If the field value does not contain U+0000 NULL, then set the last event
            // ID buffer to the field value. Otherwise, ignore the field."
            "id" if !value.contains('\0') => value.clone_into(&mut self.last_event_id_buffer),
            // "If the field value consists of only ASCII digits, then interpret the field
            // value as an integer in base ten, and set the event stream's reconnection
            // time to that integer. Otherwise, ignore the field."
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let milliseconds = value.parse().ok().map(Duration::from_millis);
                self.retry = milliseconds.or(self.retry);
                self.block_retry = milliseconds.or(self.block_retry);
            }
            // "Otherwise": "The field is ignored."
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Message> {
        self.has_received_block = true;
        self.is_block_open = false;
        let retry = self.block_retry.take();
        // "Set the last event ID string of the event source to the value of the last
        // event ID buffer. The buffer does not get reset […]"
        self.last_event_id.clone_from(&self.last_event_id_buffer);
        let (event, mut data) = (
            mem::take(&mut self.event_type_buffer),
            mem::take(&mut self.data_buffer),
        );
        // "If the data buffer is an empty string, set the data buffer and the event type
        // buffer to the empty string and return."
        if data.is_empty() {
            return None;
        }
        // "If the data buffer's last character is a U+000A LINE FEED (LF) character, then
        // remove the last character from the data buffer."
        data.truncate(data.len() - 1);
        let event = if event.is_empty() {
            "message".to_owned()
        } else {
            event
        };
        Some(Message {
            id: self.last_event_id.clone(),
            event,
            data,
            retry,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stream: &str) -> (SseParser, Vec<Message>) {
        let mut parser = SseParser::default();
        let messages = parser.feed(stream.as_bytes()).expect("it is a stream");
        (parser, messages)
    }

    fn message(id: &str, event: &str, data: &str) -> Message {
        Message {
            id: id.to_owned(),
            event: event.to_owned(),
            data: data.to_owned(),
            retry: None,
        }
    }

    #[test]
    fn every_line_ending_ends_a_line() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: a\nid: 7\ndata: x\ndata: y\n\n".replace('\n', end);
            assert_eq!(parse(&stream).1, [message("7", "a", "x\ny")], "{end:?}");
        }
    }

    #[test]
    fn the_size_of_chunks_makes_no_difference() {
        let stream = "\u{feff}: hi\r\n\r\nid:1\rdata: \u{e9}\r\rdata\ndata\n\nretry: 5\r\nevent:a\ndata:  b\n\n";
        let expected = parse(stream).1;
        assert_eq!(
            expected,
            [
                message("1", "message", "\u{e9}"),
                message("1", "message", "\n"),
                Message {
                    retry: Some(Duration::from_millis(5)),
                    ..message("1", "a", " b")
                }
            ]
        );
        for size in 1..7 {
            let mut parser = SseParser::default();
            let chunks = stream.as_bytes().chunks(size);
            let messages: Vec<_> = chunks
                .flat_map(|chunk| parser.feed(chunk).expect("it is a stream"))
                .collect();
            assert_eq!(messages, expected, "chunks of {size}");
            assert_eq!(parser.retry(), Some(Duration::from_millis(5)));
        }
    }

    #[test]
    fn an_id_takes_effect_when_its_block_is_complete_even_without_data() {
        let (parser, messages) = parse("id: 41\n\nid: 42\ndata: x\n");
        assert!(messages.is_empty());
        assert_eq!(parser.last_event_id(), "41");
        assert!(parser.has_received_block());
    }

    #[test]
    fn an_unfinished_block_is_recognized() {
        for (stream, is_in_block) in [
            ("data: x\n\n", false),
            ("data: x\n", true),
            ("data: x\n\nda", true),
            (": alive\n\n", false),
        ] {
            assert_eq!(parse(stream).0.is_in_block(), is_in_block, "{stream:?}");
        }
        let (_, messages) = parse("retry: 7\ndata: x\n\ndata: y\n\n");
        let retries: Vec<_> = messages.iter().map(|message| message.retry).collect();
        assert_eq!(retries, [Some(Duration::from_millis(7)), None]);
    }

    #[test]
    fn the_largest_value_of_the_library_is_parsed() {
        let value = "x".repeat(32 * 1024 * 1024);
        let data =
            format!("{{\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"value\":\"{value}\"}}");
        let (_, messages) = parse(&format!("data: {data}\n\n"));
        assert_eq!(messages.len(), 1);
        assert!(messages[0].data == data);
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let line = vec![b'x'; MAX_LINE_BYTES + 1];
        assert!(SseParser::default().feed(&line).is_err());
    }

    #[test]
    fn a_byte_order_mark_is_removed_at_the_start_only() {
        assert_eq!(
            parse("\u{feff}data: x\n\n").1,
            [message("", "message", "x")]
        );
        assert_eq!(parse("\n\u{feff}data: x\n\n").1, []);
    }

    #[test]
    fn fields_that_the_standard_ignores_are_ignored() {
        let (parser, messages) =
            parse("id: 1\nid: 2\0\nretry: 1s\nretry: -1\nwhat: ever\n:data: x\ndata : x\n\n");
        assert!(messages.is_empty());
        assert_eq!((parser.last_event_id(), parser.retry()), ("1", None));
    }
}
