//! The assignments in the app's `.env`, each with its line.

use crate::editing::env::dotenv::{self, LineKind};
use crate::editing::text;

/// One assignment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// A `.env` file, even if dotenvy cannot read all of it.
#[derive(Debug, Default)]
pub(super) struct EnvAssignments {
    pub(super) assignments: Vec<Assignment>,
    /// The numbers of the lines that dotenvy cannot read.
    pub(super) unreadable_lines: Vec<usize>,
}

impl EnvAssignments {
    pub(super) fn parse(file: &[u8]) -> Self {
        let mut keys = Vec::new();
        let mut unreadable_lines = Vec::new();
        let lines = dotenv::lines(file);
        for line in &lines {
            match &line.kind {
                LineKind::Key(key) => keys.push((line.number, key)),
                LineKind::Unreadable => unreadable_lines.push(line.number),
                LineKind::Blank | LineKind::Comment => {}
            }
        }
        // The values come from reading the file as a whole, because a value may refer to one above
        // it. dotenvy never ends on bytes that are not UTF-8: `take` ends it.
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
            unreadable_lines,
        }
    }

    /// The assignment that takes effect: the first, as in dotenvy.
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
    fn unreadable_lines_are_skipped_and_listed() {
        let file =
            EnvAssignments::parse(b"\xef\xbb\xbfA=1\nB=two words\n\nexport C=\"$A\n2\"\nA=3\n");
        let found: Vec<_> = file
            .assignments
            .iter()
            .map(|found| (found.line, found.key.as_str(), found.value.as_str()))
            .collect();
        assert_eq!(found, [(1, "A", "1"), (4, "C", "1\n2"), (6, "A", "3")]);
        assert_eq!(file.unreadable_lines, [2]);
        assert_eq!(file.get("A").map(|found| found.line), Some(1));
    }

    #[test]
    fn an_open_quote_makes_the_remaining_lines_unreadable() {
        let file = EnvAssignments::parse(b"A=1\nB='x\nSSE_TTL=5\n");
        assert_eq!(
            (file.assignments.len(), file.unreadable_lines),
            (1, vec![2])
        );
    }

    #[test]
    fn lines_after_invalid_utf_8_are_read() {
        let file = EnvAssignments::parse(b"A=1\nB=\xff\nC=2\n");
        assert_eq!(file.unreadable_lines, [2]);
        assert!(file.get("C").is_some());
    }
}
