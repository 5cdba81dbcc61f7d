//! Tests of inserting and removing lines.

use super::*;

/// A reproducible random number generator for test files.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % limit
    }
}

#[test]
fn removing_appended_lines_restores_every_byte() {
    for text in [
        "",
        "a",
        "a\n",
        "a\r\n",
        "a\r",
        "a\r\nb",
        "\u{feff}",
        "\u{feff}a",
        "a\n\n\n",
    ] {
        let text = text.as_bytes();
        let eol = most_common_eol(text);
        let with = insert_lines(text, text.len(), &["x", "y"], eol);
        let at = with
            .iter()
            .position(|byte| *byte == b'x')
            .expect("the line was inserted");
        let out = remove_lines(&with, &[whole_lines(&with, &(at..with.len()))], eol);
        assert_eq!(out, text, "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn the_line_ending_of_most_lines_is_used() {
    assert_eq!(most_common_eol(b""), LF);
    assert_eq!(most_common_eol(b"a\r"), LF);
    assert_eq!(most_common_eol(b"a\r\nb\nc\r\n"), CRLF);
    assert_eq!(most_common_eol(b"a\r\nb\n"), LF);
}
