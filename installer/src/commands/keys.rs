//! Cache keys that were probably meant otherwise.

use actix_web_sse::Events;

use crate::nearest::nearest;

/// Why a save is not going to fire anything.
pub(super) fn nobody_listens(key: &str, events: &Events) -> String {
    match meant(key, events) {
        Some(Meant::Key(of_event)) => of_event,
        Some(Meant::Nearest(other)) => {
            format!("no event listens to `{key}`; did you mean `{other}`?")
        }
        None => {
            let keys: Vec<&str> = events.keys().collect();
            format!(
                "no event listens to `{key}`; SSE_EVENTS has {}",
                keys.join(", ")
            )
        }
    }
}

/// Which key somebody meant who found nothing under this one; nothing where an event listens to
/// it, or none is like it.
pub(super) fn probably_meant(key: &str, events: &Events) -> Option<String> {
    if events.of_key(key).next().is_some() {
        return None;
    }
    Some(match meant(key, events)? {
        Meant::Key(of_event) => of_event,
        Meant::Nearest(other) => format!("did you mean `{other}`?"),
    })
}

enum Meant<'a> {
    /// The sentence about an event and its key.
    Key(String),
    Nearest(&'a str),
}

/// The names of events are no keys, and look alike: mixing them up is the likeliest mistake of
/// all.
fn meant<'a>(key: &str, events: &'a Events) -> Option<Meant<'a>> {
    if events.contains(key) {
        let keys: Vec<String> = events
            .iter()
            .filter(|(event, _)| *event == key)
            .map(|(_, key)| format!("`{key}`"))
            .collect();
        return Some(Meant::Key(format!(
            "`{key}` is an event; its key is {}",
            keys.join(" or ")
        )));
    }
    nearest(key, events.keys()).map(Meant::Nearest)
}

#[cfg(test)]
mod tests {
    use actix_web_sse::Config;

    use super::*;

    #[test]
    fn an_event_in_the_place_of_its_key_is_named() {
        let config = Config::new(".", "event_name1:event_cache_key1,orders:new_order");
        let config = config.expect("the list is good");
        let why = |key: &str| nobody_listens(key, config.events());
        assert_eq!(
            why("event_name1"),
            "`event_name1` is an event; its key is `event_cache_key1`"
        );
        assert_eq!(
            why("event_cache_key"),
            "no event listens to `event_cache_key`; did you mean `event_cache_key1`?"
        );
        assert!(why("zzz").ends_with("SSE_EVENTS has event_cache_key1, new_order"));
    }

    #[test]
    fn who_asked_for_a_key_that_has_events_meant_it() {
        let config = Config::new(".", "event_name1:event_cache_key1");
        let config = config.expect("the list is good");
        let meant = |key: &str| probably_meant(key, config.events());
        assert_eq!(meant("event_cache_key1"), None);
        assert_eq!(meant("zzz"), None);
        assert_eq!(
            meant("event_cache_kye1").as_deref(),
            Some("did you mean `event_cache_key1`?")
        );
    }
}
