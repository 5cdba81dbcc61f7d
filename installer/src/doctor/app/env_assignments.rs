//! The app's `.env` as far as it can be read, each assignment with its line.

use crate::editing::env::dotenv::{self, LineKind};
use crate::editing::text;

/// One assignment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// What a `.env` says, and where it says nothing that can be read.
#[derive(Debug, Default)]
pub(super) struct EnvLines {
    pub(super) assignments: Vec<Assignment>,
    /// The numbers of the lines that cannot be read.
    pub(super) broken: Vec<usize>,
}

impl EnvLines {
    pub(super) fn parse(file: &[u8]) -> Self {
        let mut keys = Vec::new();
        let mut broken = Vec::new();
        let lines = dotenv::lines(file);
        for line in &lines {
            match &line.kind {
                LineKind::Key(key) => keys.push((line.number, key)),
                LineKind::Broken => broken.push(line.number),
                LineKind::Blank | LineKind::Comment => {}
            }
        }
        // The whole file is read once more, since a value may refer to one above it. A reader of
        // bytes that are no text could fail for ever: it is asked once for each line.
        let mut values = dotenvy::from_read_iter(text::without_bom(file))
            .take(lines.len())
            .flatten();
        let mut assignments = Vec::new();
        for (line, key) in keys {
            if let Some((_, value)) = values.find(|(name, _)| name == key) {
                let key = key.clone();
                assignments.push(Assignment { line, key, value });
            }
        }
        Self {
            assignments,
            broken,
        }
    }

    /// The assignment that counts: the first, as for dotenvy.
    pub(super) fn get(&self, key: &str) -> Option<&Assignment> {
        self.assignments
            .iter()
            .find(|assignment| assignment.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lines_are_passed_over_and_named() {
        let lines = EnvLines::parse(b"\xef\xbb\xbfA=1\nB=two words\n\nexport C=\"$A\n2\"\nA=3\n");
        let found: Vec<_> = lines
            .assignments
            .iter()
            .map(|found| (found.line, found.key.as_str(), found.value.as_str()))
            .collect();
        assert_eq!(found, [(1, "A", "1"), (4, "C", "1\n2"), (6, "A", "3")]);
        assert_eq!(lines.broken, [2]);
        assert_eq!(lines.get("A").map(|found| found.line), Some(1));
    }

    #[test]
    fn an_open_quote_takes_in_the_rest() {
        let lines = EnvLines::parse(b"A=1\nB='x\nSSE_TTL=5\n");
        assert_eq!((lines.assignments.len(), lines.broken), (1, vec![2]));
    }

    #[test]
    fn bytes_that_are_no_text_end_nothing() {
        let lines = EnvLines::parse(b"A=1\nB=\xff\nC=2\n");
        assert_eq!(lines.broken, [2]);
        assert!(lines.get("C").is_some());
    }
}
