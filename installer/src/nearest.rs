//! Suggestions for misspelt names.

/// The name most similar to `name`, if it is similar enough to suggest.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // About two letters in three must match: a far-fetched suggestion misleads.
    const MIN_SIMILARITY: f64 = 0.66;
    let scored = names
        .into_iter()
        .map(|other| (strsim::jaro_winkler(name, other), other));
    // Of equally similar names the first wins: `min_by` returns the first minimum.
    let best = scored.min_by(|(a, _), (b, _)| b.total_cmp(a));
    best.filter(|(score, _)| *score >= MIN_SIMILARITY)
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_has_a_suggestion_and_an_unrelated_one_has_none() {
        let names = ["event_cache_key1", "event_cache_key2", "orders"];
        assert_eq!(nearest("event_cache_kye2", names), Some("event_cache_key2"));
        assert_eq!(nearest("Order", names), Some("orders"));
        assert_eq!(nearest("event_cache_key", names), Some("event_cache_key1"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("zzz", []), None);
    }
}
