//! Random values, and their texts in several formats.

use std::collections::HashSet;

use fastrand::Rng;

/// JSON as in JavaScript: texts are UTF-16, and may contain unpaired surrogates.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// The number as it is written.
    Number(String),
    Text(Vec<u16>),
    List(Vec<Value>),
    /// The keys are unique.
    Map(Vec<(Vec<u16>, Value)>),
}

/// Texts that could end a line, a block or a stream, or be taken for one of its fields.
const FORGERIES: [&str; 16] = [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\r\r",
    "\r\n\r\n",
    "\n\ndata: forged\n\n",
    "\rdata: forged\r\r",
    "\r\nid: 9\r\n",
    "\nevent: sse.gap\n",
    "\nretry: 1\n",
    "\n: comment\n",
    "\u{feff}",
    "\0",
    "\u{2028}\u{2029}\u{85}",
    "data: ",
];

/// Numbers at the limits of the parsers' types.
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "1",
    "-1",
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775808",
    "12345678901234567890123",
    "1e999",
    "-1E+400",
    "5e-324",
    "0.1",
    "1.7976931348623157e308",
    "1e-7",
];

impl Value {
    /// `halves`: whether texts may contain unpaired surrogates, which need JSON's escapes.
    pub(crate) fn random(rng: &mut Rng, halves: bool) -> Self {
        let mut budget = rng.usize(1..12);
        Self::within(rng, halves, &mut budget, 0)
    }

    fn within(rng: &mut Rng, halves: bool, budget: &mut usize, depth: usize) -> Self {
        *budget = budget.saturating_sub(1);
        let kinds = if *budget == 0 || depth > 40 { 8 } else { 12 };
        match rng.u8(..kinds) {
            0 => Self::Null,
            1 => Self::Bool(rng.bool()),
            2 => Self::Number(number(rng)),
            3..8 => Self::Text(text(rng, halves)),
            8 | 9 => Self::List(
                (0..rng.usize(..5))
                    .map(|_| Self::within(rng, halves, budget, depth + 1))
                    .collect(),
            ),
            _ => {
                let mut seen = HashSet::new();
                let fields = (0..rng.usize(..5)).map(|_| {
                    (
                        key(rng, halves),
                        Self::within(rng, halves, budget, depth + 1),
                    )
                });
                Self::Map(fields.filter(|(key, _)| seen.insert(key.clone())).collect())
            }
        }
    }

    /// One of the many JSON texts of this value.
    pub(crate) fn json(&self, rng: &mut Rng) -> String {
        let mut out = String::new();
        self.write(rng, &mut out);
        out
    }

    fn write(&self, rng: &mut Rng, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(&value.to_string()),
            Self::Number(text) => out.push_str(text),
            Self::Text(units) => quoted(units, rng, out),
            Self::List(items) => {
                out.push('[');
                out.push_str(space(rng));
                for (at, item) in items.iter().enumerate() {
                    separate(at, rng, out);
                    item.write(rng, out);
                    out.push_str(space(rng));
                }
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                out.push_str(space(rng));
                for (at, (key, value)) in fields.iter().enumerate() {
                    separate(at, rng, out);
                    quoted(key, rng, out);
                    out.push_str(space(rng));
                    out.push(':');
                    out.push_str(space(rng));
                    value.write(rng, out);
                    out.push_str(space(rng));
                }
                out.push('}');
            }
        }
    }

    /// The value for serde. Numbers outside its range become null, here and in the result.
    pub(crate) fn typed(&mut self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(text) => {
                let value = match (text.parse::<i64>(), text.parse::<f64>()) {
                    (Ok(_), _) if text == "-0" => (-0.0_f64).into(),
                    (Ok(integer), _) => integer.into(),
                    (_, Ok(float)) => float.into(),
                    _ => serde_json::Value::Null,
                };
                if value.is_null() {
                    *self = Self::Null;
                }
                value
            }
            Self::Text(units) => string(units).into(),
            Self::List(items) => items.iter_mut().map(Self::typed).collect(),
            Self::Map(fields) => fields
                .iter_mut()
                .map(|(key, value)| (string(key), value.typed()))
                .collect(),
        }
    }

    /// The value as PHP serializes it. PHP has one type for lists and maps, so an empty map becomes a
    /// list, and numbers that JSON cannot represent become null.
    pub(crate) fn php(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"N;"),
            Self::Bool(value) => {
                out.extend_from_slice(format!("b:{};", u8::from(*value)).as_bytes());
            }
            Self::Number(text) => {
                let number = match (text.parse::<i64>(), text.parse::<f64>()) {
                    (Ok(_), _) if text == "-0" => "d:-0;".to_owned(),
                    (Ok(integer), _) => format!("i:{integer};"),
                    (_, Ok(float)) if float.is_finite() => format!("d:{float:e};"),
                    _ => {
                        *self = Self::Null;
                        "N;".to_owned()
                    }
                };
                out.extend_from_slice(number.as_bytes());
            }
            Self::Text(units) => php_string(units, out),
            Self::List(items) => {
                out.extend_from_slice(format!("a:{}:{{", items.len()).as_bytes());
                for (at, item) in items.iter_mut().enumerate() {
                    out.extend_from_slice(format!("i:{at};").as_bytes());
                    item.php(out);
                }
                out.push(b'}');
            }
            Self::Map(fields) if fields.is_empty() => {
                out.extend_from_slice(b"a:0:{}");
                *self = Self::List(Vec::new());
            }
            Self::Map(fields) => {
                out.extend_from_slice(format!("a:{}:{{", fields.len()).as_bytes());
                for (key, value) in fields {
                    php_string(key, out);
                    value.php(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// A few dozen characters of all kinds at most.
pub(crate) fn text(rng: &mut Rng, halves: bool) -> Vec<u16> {
    let mut units = Vec::new();
    for _ in 0..rng.usize(..16) {
        match rng.u8(..12) {
            0..4 => units.push(rng.u16(0x20..0x7f)),
            4 => units.push(rng.u16(..0x20)),
            5 => units.push(rng.u16(0x7f..0xa1)),
            6 | 7 => units.extend(FORGERIES[rng.usize(..FORGERIES.len())].encode_utf16()),
            8 => units.push([0x2028, 0x2029, 0x85, 0xfeff, 0xfffe, 0xffff, 0xfffd][rng.usize(..7)]),
            9 if halves => units.push(rng.u16(0xd800..0xe000)),
            _ => {
                let mut buffer = [0; 2];
                units.extend_from_slice(rng.char(..).encode_utf16(&mut buffer));
            }
        }
    }
    units
}

/// The text as a Rust string.
pub(crate) fn string(units: &[u16]) -> String {
    String::from_utf16(units).expect("a text made without halves is valid UTF-16")
}

fn key(rng: &mut Rng, halves: bool) -> Vec<u16> {
    const NAMES: [&str; 6] = ["__proto__", "constructor", "0", "-1", "toJSON", ""];
    if rng.u8(..4) == 0 {
        NAMES[rng.usize(..NAMES.len())].encode_utf16().collect()
    } else {
        text(rng, halves)
    }
}

fn number(rng: &mut Rng) -> String {
    match rng.u8(..3) {
        0 => NUMBERS[rng.usize(..NUMBERS.len())].to_owned(),
        1 => rng.i64(..).to_string(),
        _ => Some(f64::from_bits(rng.u64(..)))
            .filter(|float| float.is_finite())
            .map_or_else(|| "0".to_owned(), |float| format!("{float:e}")),
    }
}

/// White space that JSON allows between its tokens.
fn space(rng: &mut Rng) -> &'static str {
    const SPACES: [&str; 11] = [
        "", "", "", "", " ", "\t", "\n", "\r", "\r\n", "\n\n", "\r\r\n\n",
    ];
    SPACES[rng.usize(..SPACES.len())]
}

fn separate(at: usize, rng: &mut Rng, out: &mut String) {
    if at > 0 {
        out.push(',');
        out.push_str(space(rng));
    }
}

fn quoted(units: &[u16], rng: &mut Rng, out: &mut String) {
    out.push('"');
    let escapes = rng.u8(..4) == 0;
    for read in char::decode_utf16(units.iter().copied()) {
        match read {
            Err(half) => out.push_str(&format!("\\u{:04x}", half.unpaired_surrogate())),
            Ok(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Ok('\n') if rng.bool() => out.push_str("\\n"),
            Ok('\r') if rng.bool() => out.push_str("\\r"),
            Ok('/') if rng.bool() => out.push_str("\\/"),
            Ok(c) if c < ' ' || (escapes && rng.bool()) => {
                let mut buffer = [0; 2];
                for unit in c.encode_utf16(&mut buffer) {
                    out.push_str(&if rng.bool() {
                        format!("\\u{unit:04x}")
                    } else {
                        format!("\\u{unit:04X}")
                    });
                }
            }
            Ok(c) => out.push(c),
        }
    }
    out.push('"');
}

fn php_string(units: &[u16], out: &mut Vec<u8>) {
    let text = string(units);
    out.extend_from_slice(format!("s:{}:\"{text}\";", text.len()).as_bytes());
}
