//! The digest that `digest.js` computes from an event, computed from the saved value.

use crate::value::Value;

pub(crate) struct Digest {
    a: u32,
    b: u32,
}

impl Digest {
    fn new() -> Self {
        Self {
            a: 0x9e37_79b9,
            b: 0x85eb_ca6b,
        }
    }

    fn unit(&mut self, unit: u16) {
        let unit = u32::from(unit);
        self.a = (self.a ^ unit).wrapping_mul(0x85eb_ca77).rotate_left(13);
        self.b = (self.b ^ unit).wrapping_mul(0xc2b2_ae3d).rotate_left(11);
    }

    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).unwrap();
        self.unit(u16::try_from(length & 0xffff).unwrap());
        self.unit(u16::try_from(length >> 16).unwrap());
    }

    fn units(&mut self, units: &[u16]) {
        self.length(units.len());
        units.iter().for_each(|unit| self.unit(*unit));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.unit(1),
            Value::Bool(false) => self.unit(2),
            Value::Bool(true) => self.unit(3),
            Value::Number(text) => {
                self.unit(4);
                let bytes = text.parse::<f64>().unwrap().to_be_bytes();
                for pair in bytes.chunks(2) {
                    self.unit(u16::from_be_bytes([pair[0], pair[1]]));
                }
            }
            Value::Text(units) => {
                self.unit(5);
                self.units(units);
            }
            Value::List(items) => {
                self.unit(6);
                self.length(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Map(fields) => {
                self.unit(7);
                self.length(fields.len());
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                for (key, value) in fields {
                    self.units(key);
                    self.value(value);
                }
            }
        }
    }

    fn finish(&self) -> String {
        format!("{:08x}{:08x}", self.a, self.b)
    }
}

pub(crate) fn digest_text(text: &str) -> String {
    let mut digest = Digest::new();
    digest.units(&text.encode_utf16().collect::<Vec<_>>());
    digest.finish()
}

pub(crate) fn digest_value(value: &Value) -> String {
    let mut digest = Digest::new();
    digest.value(value);
    digest.finish()
}
