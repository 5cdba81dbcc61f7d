//! The name that somebody probably meant.

/// The nearest of `names` to `name`, if one is near enough to be worth asking.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Two letters in three must be right: a suggestion that is far off sends people
    // looking in the wrong place.
    const NEAR: f64 = 0.66;
    let scored = names
        .into_iter()
        .map(|other| (strsim::jaro_winkler(name, other), other));
    // Of equally near names the first: it is the one that SSE_EVENTS names first.
    let best = scored.min_by(|(one, _), (other, _)| other.total_cmp(one));
    best.filter(|(score, _)| *score >= NEAR)
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_recognised_and_another_word_is_not() {
        let names = ["event_cache_key1", "event_cache_key2", "orders"];
        assert_eq!(nearest("event_cache_kye2", names), Some("event_cache_key2"));
        assert_eq!(nearest("Order", names), Some("orders"));
        assert_eq!(nearest("event_cache_key", names), Some("event_cache_key1"));
        assert_eq!(nearest("zzz", names), None);
        assert_eq!(nearest("zzz", []), None);
    }
}
