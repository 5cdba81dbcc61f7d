//! The part of PHP's `serialize` format that CodeIgniter's file cache writes: scalars and arrays.
//! Objects and references are refused: only the class that wrote them could interpret them.
//!
//! A value becomes the JSON text that PHP's `json_encode` gives, with the keys of arrays in their order.
//! `serde_json::Value` would sort the keys, and change the text of some numbers.

use serde_json::value::RawValue;

use crate::error::one_line;

/// The deepest nesting of arrays. The parser is recursive, so deeper nesting could overflow the
/// stack; real values are far from this.
const MAX_ARRAY_DEPTH: usize = 64;

/// More than the longest number or length takes, so a missing delimiter is found at once.
const MAX_SCALAR_BYTES: usize = 64;

/// `serialize(['time' => …, 'ttl' => …, 'data' => …])`.
#[derive(Debug)]
pub(super) struct CacheRecord {
    /// Seconds since 1970.
    pub(super) time: u64,
    /// Seconds; 0 means without limit.
    pub(super) ttl: u64,
    pub(super) data: Box<RawValue>,
    /// How many bytes follow the record.
    pub(super) trailing_bytes: usize,
}

/// Whether this starts like a serialised array: `a:3:{`.
pub(crate) fn starts_like_array(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"a:").is_some_and(|length| {
        let digits = length
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        digits > 0 && length[digits..].starts_with(b":{")
    })
}

/// Parses a record. Like PHP, it ignores what follows the record: two processes that save one key at
/// the same moment can leave the end of a longer record after a shorter one.
pub(super) fn parse_cache_record(bytes: &[u8]) -> Result<CacheRecord, String> {
    let mut parser = Parser { bytes, position: 0 };
    parser.expect(b"a:")?;
    let fields = parser.items(0)?;
    // Of several items with one key, PHP uses the last.
    let field = |name| {
        let found = fields.iter().rfind(|item| item.key == Key::Text(name));
        found.map(|item| item.json.as_str())
    };
    let seconds = |name| {
        field(name)
            .and_then(|json| json.parse::<i64>().ok())
            .ok_or_else(|| format!("its `{name}` is not a number of seconds"))
    };
    let time = u64::try_from(seconds("time")?).map_err(|_| "its `time` is before 1970")?;
    let data = field("data").ok_or("it has no `data`")?.to_owned();
    Ok(CacheRecord {
        time,
        // In CodeIgniter, a negative time to live is unlimited too.
        ttl: u64::try_from(seconds("ttl")?).unwrap_or(0),
        data: RawValue::from_string(data).map_err(|error| error.to_string())?,
        trailing_bytes: bytes.len() - parser.position,
    })
}

struct Parser<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// An item of an array.
struct Item<'a> {
    key: Key<'a>,
    /// The value.
    json: String,
}

#[derive(PartialEq)]
enum Key<'a> {
    Integer(i64),
    Text(&'a str),
}

impl<'a> Parser<'a> {
    /// The JSON text of the value.
    fn value(&mut self, depth: usize) -> Result<String, String> {
        let kind = self.take(1)?[0];
        if kind == b'N' {
            self.expect(b";")?;
            return Ok("null".to_owned());
        }
        self.expect(b":")?;
        match kind {
            b'b' => match self.until(b';')? {
                "0" => Ok("false".to_owned()),
                "1" => Ok("true".to_owned()),
                other => Err(self.error(&format!("`{other}` is not a boolean"))),
            },
            b'i' => Ok(self.integer(b';')?.to_string()),
            b'd' => self.float(),
            b's' => {
                let text = self.string()?;
                self.expect(b";")?;
                to_json(text)
            }
            b'a' if depth == MAX_ARRAY_DEPTH => Err(self.error("its arrays are too deep")),
            b'a' => array_to_json(&self.items(depth)?),
            b'O' | b'C' | b'E' | b'r' | b'R' => {
                Err(self.error("objects and references are refused"))
            }
            _ => Err(self.error("this is not a serialised value")),
        }
    }

    /// `1.0E+25`, or `10` for 10.0. Apart from the letter, this is how PHP writes it as JSON.
    fn float(&mut self) -> Result<String, String> {
        let text = self.until(b';')?;
        let json = text.replace('E', "e");
        let is_json =
            !json.contains(char::is_whitespace) && serde_json::from_str::<f64>(&json).is_ok();
        if is_json {
            Ok(json)
        } else {
            Err(self.error(&format!("`{text}` has no JSON form")))
        }
    }

    /// The items of an array from its length on: `1:{i:0;N;}`.
    fn items(&mut self, depth: usize) -> Result<Vec<Item<'a>>, String> {
        let length = self.length()?;
        self.expect(b"{")?;
        let mut items = Vec::new();
        for _ in 0..length {
            let key = self.key()?;
            let json = self.value(depth + 1)?;
            items.push(Item { key, json });
        }
        self.expect(b"}")?;
        Ok(items)
    }

    fn key(&mut self) -> Result<Key<'a>, String> {
        match self.take(2)? {
            b"i:" => Ok(Key::Integer(self.integer(b';')?)),
            b"s:" => {
                let key = self.string()?;
                self.expect(b";")?;
                Ok(Key::Text(key))
            }
            _ => Err(self.error("this is not an array key")),
        }
    }

    /// `4:"time"`: the length counts bytes.
    fn string(&mut self) -> Result<&'a str, String> {
        let length = self.length()?;
        self.expect(b"\"")?;
        let bytes = self.take(length)?;
        self.expect(b"\"")?;
        std::str::from_utf8(bytes).map_err(|_| self.error("a string is not valid UTF-8"))
    }

    fn length(&mut self) -> Result<usize, String> {
        let length = self.integer(b':')?;
        usize::try_from(length).map_err(|_| self.error("a length is impossible"))
    }

    fn integer(&mut self, end: u8) -> Result<i64, String> {
        let text = self.until(end)?;
        text.parse()
            .map_err(|_| self.error(&format!("`{text}` is not an integer")))
    }

    /// The text up to the delimiter `end`, which is a number or a boolean.
    fn until(&mut self, end: u8) -> Result<&'a str, String> {
        let remaining = &self.bytes[self.position..];
        let length = remaining
            .iter()
            .take(MAX_SCALAR_BYTES)
            .position(|byte| *byte == end)
            .ok_or_else(|| self.error("it ends too early"))?;
        let text = std::str::from_utf8(&remaining[..length])
            .map_err(|_| self.error("this is not a number"))?;
        self.position += length + 1;
        Ok(text)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self
            .position
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.error("it ends too early"))?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    fn expect(&mut self, expected: &[u8]) -> Result<(), String> {
        if self.take(expected.len())? == expected {
            Ok(())
        } else {
            Err(self.error(&format!(
                "`{}` is missing",
                String::from_utf8_lossy(expected)
            )))
        }
    }

    fn error(&self, problem: &str) -> String {
        format!("at byte {}: {}", self.position, one_line(problem))
    }
}

/// PHP has one type for lists and maps: an array is a list when its keys count from 0.
fn array_to_json(items: &[Item<'_>]) -> Result<String, String> {
    let mut indexed = (0..).zip(items);
    if indexed.all(|(index, item)| item.key == Key::Integer(index)) {
        let values: Vec<&str> = items.iter().map(|item| item.json.as_str()).collect();
        return Ok(format!("[{}]", values.join(",")));
    }
    let fields = items.iter().map(|item| {
        let key = match item.key {
            Key::Integer(number) => to_json(&number.to_string()),
            Key::Text(text) => to_json(text),
        };
        Ok(format!("{}:{}", key?, item.json))
    });
    let fields: Vec<String> = fields.collect::<Result<_, String>>()?;
    Ok(format!("{{{}}}", fields.join(",")))
}

fn to_json(text: &str) -> Result<String, String> {
    serde_json::to_string(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(time: &str, ttl: &str, data: &str) -> Vec<u8> {
        format!("a:3:{{s:4:\"time\";{time}s:3:\"ttl\";{ttl}s:4:\"data\";{data}}}").into_bytes()
    }

    fn record(data: &str) -> Result<String, String> {
        let record = parse_cache_record(&bytes("i:5;", "i:60;", data))?;
        assert_eq!((record.time, record.ttl, record.trailing_bytes), (5, 60, 0));
        Ok(record.data.get().to_owned())
    }

    #[test]
    fn scalars_and_arrays_become_json() {
        for (data, json) in [
            ("s:1:\"1\";", "\"1\""),
            ("s:2:\"é\";", "\"é\""),
            ("s:6:\"a\";}\"\n\";", r#""a\";}\"\n""#),
            ("i:-1;", "-1"),
            ("i:9223372036854775807;", "9223372036854775807"),
            ("b:1;", "true"),
            ("N;", "null"),
            ("d:1.5;", "1.5"),
            ("d:10;", "10"),
            ("d:-0;", "-0"),
            ("d:0.10000000000000001;", "0.10000000000000001"),
            ("d:1.0E+25;", "1.0e+25"),
            ("a:0:{}", "[]"),
            ("a:2:{i:0;i:7;i:1;N;}", "[7,null]"),
            ("a:1:{s:1:\"a\";a:1:{i:0;b:0;}}", r#"{"a":[false]}"#),
        ] {
            assert_eq!(record(data).as_deref(), Ok(json), "{data}");
        }
    }

    #[test]
    fn keys_keep_their_order() {
        for (data, json) in [
            ("a:2:{s:1:\"z\";i:1;s:1:\"a\";i:2;}", r#"{"z":1,"a":2}"#),
            ("a:2:{i:1;i:7;i:0;N;}", r#"{"1":7,"0":null}"#),
            ("a:2:{s:1:\"b\";N;i:0;i:7;}", r#"{"b":null,"0":7}"#),
            (
                "a:1:{i:0;a:2:{s:2:\"\"\n\";N;s:0:\"\";N;}}",
                r#"[{"\"\n":null,"":null}]"#,
            ),
        ] {
            assert_eq!(record(data).as_deref(), Ok(json), "{data}");
        }
    }

    #[test]
    fn bytes_after_a_record_change_nothing() {
        let short = bytes("i:5;", "i:60;", "s:1:\"1\";");
        let long = bytes(
            "i:5;",
            "i:60;",
            "s:40:\"a;}a:3:{s:4:\"data\";b:0;}aaaaaaaaaaaaaaaaaa\";",
        );
        let noise: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(151)).collect();
        for rest in [
            &b"\n"[..],
            b"}",
            b"\xff",
            &short,
            &long[short.len()..],
            &noise,
        ] {
            for count in 1..=rest.len() {
                let both = [&short, &rest[..count]].concat();
                let record = parse_cache_record(&both).unwrap();
                assert_eq!(record.data.get(), "\"1\"");
                assert_eq!((record.time, record.ttl), (5, 60));
                assert_eq!(record.trailing_bytes, count);
            }
        }
    }

    #[test]
    fn a_time_to_live_that_is_not_positive_is_unlimited() {
        for (ttl, expected) in [("i:0;", 0), ("i:-1;", 0), ("i:1;", 1)] {
            let record = parse_cache_record(&bytes("i:5;", ttl, "N;")).unwrap();
            assert_eq!(record.ttl, expected, "{ttl}");
        }
    }

    #[test]
    fn other_types_and_damaged_values_are_refused() {
        let deep = "a:1:{i:0;".repeat(10_000) + "N;" + &"}".repeat(10_000);
        for data in [
            "O:8:\"stdClass\":0:{}",
            "C:1:\"A\":0:{}",
            "r:1;",
            "E:3:\"A:B\";",
            "s:9:\"short\";",
            "s:99999999999999999999:\"a\";",
            "s:-1:\"\";",
            "s:1:\"é\";",
            "a:99999999:{i:0;N;",
            "a:1:{N;N;}",
            "d:INF;",
            "d:NAN;",
            "d:1.0E+999;",
            "d: 1;",
            "d:;",
            "d:null;",
            "b:2;",
            "i:1",
            "x",
            "",
            deep.as_str(),
        ] {
            assert!(record(data).is_err(), "{data:.40}");
        }
        assert!(parse_cache_record(b"a:1:{i:0;N;}").is_err());
        for (time, ttl) in [
            ("s:1:\"5\";", "i:60;"),
            ("i:-5;", "i:60;"),
            ("i:5;", "N;"),
            ("d:5.5;", "i:60;"),
        ] {
            assert!(
                parse_cache_record(&bytes(time, ttl, "N;")).is_err(),
                "{time} {ttl}"
            );
        }
    }

    #[test]
    fn an_error_is_one_line() {
        for data in ["b:\n[ERROR] forged;", "d:\u{1b}[31m;", "i:\r;", "b:\u{85};"] {
            let why = record(data).unwrap_err();
            assert!(!why.contains(char::is_control), "{why:?}");
        }
    }

    #[test]
    fn a_record_that_ends_anywhere_too_early_is_refused() {
        let complete = b"a:3:{s:4:\"time\";i:5;s:3:\"ttl\";i:60;s:4:\"data\";s:1:\"1\";}";
        for end in 0..complete.len() {
            assert!(parse_cache_record(&complete[..end]).is_err(), "{end}");
        }
        assert!(parse_cache_record(complete).is_ok());
    }
}
