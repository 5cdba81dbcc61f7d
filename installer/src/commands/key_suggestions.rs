//! Suggestions of cache keys: for a key without an event in `SSE_EVENTS`, and for examples.

use std::path::Path;

use actix_web_sse::{Config, Events};

use crate::nearest::nearest;

/// The warning about a save that sends no event.
pub(super) fn no_event_warning(key: &str, events: &Events) -> String {
    let suggestion = suggestion(key, events).unwrap_or_else(|| {
        let keys: Vec<&str> = events.keys().collect();
        format!("its keys are {}", keys.join(", "))
    });
    format!("SSE_EVENTS has no event for `{key}`; {suggestion}")
}

/// A suggestion for a key without a value. `None` if the key is mapped to an event or resembles
/// no other.
pub(super) fn suggestion(key: &str, events: &Events) -> Option<String> {
    if events.of_key(key).next().is_some() {
        return None;
    }
    // Names of events and keys look alike, so mixing them up is the most likely mistake.
    let of_event = events.iter().filter(|(event, _)| *event == key);
    let keys: Vec<String> = of_event.map(|(_, key)| format!("`{key}`")).collect();
    if keys.is_empty() {
        return nearest(key, events.keys()).map(|nearest| format!("did you mean `{nearest}`?"));
    }
    Some(format!(
        "`{key}` is an event; its key is {}",
        keys.join(" or ")
    ))
}

/// A cache key of the app that is mapped to an event, for examples.
pub(super) fn example_key(app: &Path) -> String {
    let config = Config::from_dir(app).ok();
    let key = config.and_then(|config| {
        let (_, key) = config.events().iter().next()?;
        Some(key.to_owned())
    });
    key.unwrap_or_else(|| "event_cache_key1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_names_the_key_that_was_probably_meant() {
        let config = Config::new(".", "event_name1:event_cache_key1,orders:new_order");
        let config = config.expect("a valid list");
        let why = |key: &str| no_event_warning(key, config.events());
        assert_eq!(
            why("event_name1"),
            "SSE_EVENTS has no event for `event_name1`; `event_name1` is an event; its key is `event_cache_key1`"
        );
        assert_eq!(
            why("event_cache_key"),
            "SSE_EVENTS has no event for `event_cache_key`; did you mean `event_cache_key1`?"
        );
        assert!(why("zzz").ends_with("its keys are event_cache_key1, new_order"));
    }

    #[test]
    fn a_key_that_is_mapped_to_an_event_gets_no_suggestion() {
        let config = Config::new(".", "event_name1:event_cache_key1");
        let config = config.expect("a valid list");
        let suggest = |key: &str| suggestion(key, config.events());
        assert_eq!(suggest("event_cache_key1"), None);
        assert_eq!(suggest("zzz"), None);
        assert_eq!(
            suggest("event_cache_kye1").as_deref(),
            Some("did you mean `event_cache_key1`?")
        );
    }
}
