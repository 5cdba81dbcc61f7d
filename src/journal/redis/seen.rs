//! The newest entries that this process has read, by which it notices that Redis has other ones now.

use std::collections::BTreeMap;

/// As many as the tail reads together. Each of its reads also returns the entry before, which is among these even if
/// another reader is ahead.
const MAX_TOKENS: usize = 256;

/// The newest entries that were read, each with its token.
#[derive(Debug, Default)]
pub(super) struct SeenEntries {
    tokens: BTreeMap<u64, String>,
    /// The highest number that the journal has had.
    newest: u64,
}

impl SeenEntries {
    /// Notes an entry. `false` if its number had another entry before: then the data is from an older copy.
    pub(super) fn note(&mut self, number: u64, token: &str) -> bool {
        // Those of other programs may have none.
        if token.is_empty() {
            return true;
        }
        if let Some(known) = self.tokens.get(&number) {
            return known == token;
        }
        self.tokens.insert(number, token.to_owned());
        if self.tokens.len() > MAX_TOKENS {
            self.tokens.pop_first();
        }
        true
    }

    /// The newest number in a look.
    pub(super) fn note_newest(&mut self, number: u64) {
        self.newest = self.newest.max(number);
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// The newest first.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (u64, &str)> {
        let tokens = self.tokens.iter().rev();
        tokens.map(|(number, token)| (*number, token.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_are_kept_and_another_entry_is_noticed() {
        let mut seen = SeenEntries::default();
        for number in (1..=1_000).rev() {
            assert!(seen.note(number, &format!("t{number}")));
        }
        assert_eq!(seen.tokens.len(), MAX_TOKENS);
        assert_eq!(seen.tokens().next(), Some((1_000, "t1000")));
        assert!(seen.note(1_000, "t1000") && seen.note(1_000, ""));
        assert!(!seen.note(999, "t1000"));
        assert!(seen.note(1, "other"), "it is not kept");
    }
}
