//! The part of PHP's `serialize` format that CodeIgniter's file cache writes: scalars and arrays.
//! Objects and references are refused: only the class that wrote them could interpret them.

use serde_json::{Map, Number, Value};

use crate::error::one_line;

/// The deepest nesting of arrays. The parser is recursive, so deeper nesting could overflow the
/// stack; real values are far from this.
const MAX_ARRAY_DEPTH: usize = 64;

/// More than the longest number or length takes, so a missing delimiter is found at once.
const MAX_SCALAR_BYTES: usize = 64;

/// `serialize(['time' => …, 'ttl' => …, 'data' => …])`.
#[derive(Debug, PartialEq)]
pub(super) struct CacheRecord {
    /// Seconds since 1970.
    pub(super) time: u64,
    /// Seconds; 0 means without limit.
    pub(super) ttl: u64,
    pub(super) data: Value,
}

/// Whether this starts like a serialised array: `a:3:{`.
pub(super) fn starts_like_array(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"a:").is_some_and(|length| {
        let digits = length
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        digits > 0 && length[digits..].starts_with(b":{")
    })
}

pub(super) fn parse_cache_record(bytes: &[u8]) -> Result<CacheRecord, String> {
    let mut parser = Parser { bytes, position: 0 };
    let Value::Object(mut fields) = parser.value(0)? else {
        return Err("it has no `time`, `ttl` and `data`".into());
    };
    if parser.position != bytes.len() {
        return Err(format!("more bytes follow it at byte {}", parser.position));
    }
    let seconds = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_u64)
            .ok_or_else(|| format!("its `{name}` is not a number of seconds"))
    };
    let (time, ttl) = (seconds("time")?, seconds("ttl")?);
    let data = fields.remove("data").ok_or("it has no `data`")?;
    Ok(CacheRecord { time, ttl, data })
}

struct Parser<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        let kind = self.take(1)?[0];
        if kind == b'N' {
            self.expect(b";")?;
            return Ok(Value::Null);
        }
        self.expect(b":")?;
        match kind {
            b'b' => match self.until(b';')? {
                "0" => Ok(Value::Bool(false)),
                "1" => Ok(Value::Bool(true)),
                other => Err(self.error(&format!("`{other}` is not a boolean"))),
            },
            b'i' => Ok(Value::Number(self.integer(b';')?.into())),
            b'd' => {
                let text = self.until(b';')?;
                let number = text.parse().ok().and_then(Number::from_f64);
                number
                    .map(Value::Number)
                    .ok_or_else(|| self.error(&format!("`{text}` has no JSON form")))
            }
            b's' => {
                let text = self.string()?;
                self.expect(b";")?;
                Ok(Value::String(text.to_owned()))
            }
            b'a' if depth == MAX_ARRAY_DEPTH => Err(self.error("its arrays are too deep")),
            b'a' => self.array(depth),
            b'O' | b'C' | b'E' | b'r' | b'R' => {
                Err(self.error("objects and references are refused"))
            }
            _ => Err(self.error("this is not a serialised value")),
        }
    }

    /// PHP has one type for lists and maps: an array is a list when its keys count from 0.
    fn array(&mut self, depth: usize) -> Result<Value, String> {
        let length = self.length()?;
        self.expect(b"{")?;
        let mut items: Vec<(String, Value)> = Vec::new();
        let mut is_list = true;
        for index in 0..length {
            let key = match self.take(2)? {
                b"i:" => {
                    let key = self.integer(b';')?;
                    is_list &= usize::try_from(key) == Ok(index);
                    key.to_string()
                }
                b"s:" => {
                    is_list = false;
                    let key = self.string()?.to_owned();
                    self.expect(b";")?;
                    key
                }
                _ => return Err(self.error("this is not an array key")),
            };
            items.push((key, self.value(depth + 1)?));
        }
        self.expect(b"}")?;
        Ok(if is_list {
            Value::Array(items.into_iter().map(|(_, value)| value).collect())
        } else {
            Value::Object(Map::from_iter(items))
        })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(data: &str) -> Result<Value, String> {
        let text = format!("a:3:{{s:4:\"time\";i:5;s:3:\"ttl\";i:60;s:4:\"data\";{data}}}");
        parse_cache_record(text.as_bytes()).map(|record| record.data)
    }

    #[test]
    fn scalars_and_arrays_become_json() {
        for (data, value) in [
            ("s:1:\"1\";", json!("1")),
            ("s:2:\"é\";", json!("é")),
            ("s:6:\"a\";}\"\n\";", json!("a\";}\"\n")),
            ("i:-1;", json!(-1)),
            ("b:1;", json!(true)),
            ("N;", json!(null)),
            ("d:1.5;", json!(1.5)),
            ("d:1.0E+25;", json!(1.0E+25)),
            ("a:0:{}", json!([])),
            ("a:2:{i:0;i:7;i:1;N;}", json!([7, null])),
            ("a:2:{i:1;i:7;i:0;N;}", json!({"1": 7, "0": null})),
            ("a:1:{s:1:\"a\";a:1:{i:0;b:0;}}", json!({"a": [false]})),
        ] {
            assert_eq!(record(data).as_ref(), Ok(&value), "{data}");
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
            "b:2;",
            "i:1",
            "x",
            "",
            deep.as_str(),
        ] {
            assert!(record(data).is_err(), "{data:.40}");
        }
        assert!(parse_cache_record(b"a:1:{i:0;N;}").is_err());
        assert!(
            parse_cache_record(b"a:3:{s:4:\"time\";s:1:\"5\";s:3:\"ttl\";i:60;s:4:\"data\";N;}")
                .is_err()
        );
        assert!(
            parse_cache_record(b"a:3:{s:4:\"time\";i:5;s:3:\"ttl\";i:60;s:4:\"data\";N;}\n")
                .is_err()
        );
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
