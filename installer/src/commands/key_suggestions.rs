//! Suggestions of cache keys: for a key without an event in `SSE_EVENTS`, and for examples.

use std::path::Path;

use actix_web_sse::{Config, Events};

use crate::nearest::nearest;

/// The warning about a save that sends no event.
pub(crate) fn no_event_warning(key: &str, events: &Events) -> String {
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

/// A save for examples.
pub(super) struct ExampleSave {
    /// A cache key of the app that is mapped to an event.
    pub(super) key: String,
    /// For a private key.
    pub(super) audience: Option<&'static str>,
}

impl ExampleSave {
    /// Of a public key of the app, if it has one.
    pub(super) fn of_app(app: &Path) -> Self {
        let config = Config::from_dir(app).ok();
        let example = config.and_then(|config| Self::among(config.events()));
        example.unwrap_or_else(|| Self {
            key: "event_cache_key1".to_owned(),
            audience: None,
        })
    }

    fn among(events: &Events) -> Option<Self> {
        let public = events.keys().find(|key| !events.is_private(key));
        let key = public.or_else(|| events.keys().next())?;
        Some(Self {
            key: key.to_owned(),
            audience: public.is_none().then_some("user:42"),
        })
    }
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
    fn an_example_is_a_save_that_succeeds() {
        let example = |events: &str| {
            let events: Events = events.parse().expect("it is valid");
            let example = ExampleSave::among(&events).expect("there is a key");
            (example.key, example.audience)
        };
        assert_eq!(example("a:k,b:l"), ("k".to_owned(), None));
        assert_eq!(example("a:k:private,b:l"), ("l".to_owned(), None));
        assert_eq!(example("a:k:private"), ("k".to_owned(), Some("user:42")));
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
