//! `SSE_EVENTS`: which event a page hears when a value is saved under which cache key.

use std::sync::Arc;

use crate::key;

/// The pairs of `SSE_EVENTS`, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    pairs: Arc<[(Arc<str>, Arc<str>)]>,
}

impl Events {
    /// Reads `event:key,event:key`. White space around names is ignored, and so is a comma at the
    /// end. One key may feed several events, and one event may have several keys.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let Some((event, key)) = item.split_once(':') else {
                return Err(format!("has `{item}`, which lacks its `:cache_key`"));
            };
            let (event, key) = (event.trim(), key.trim());
            check_event_name(event).map_err(|why| format!("has `{item}`: {why}"))?;
            key::check(key).map_err(|why| format!("has `{item}`: the cache key {why}"))?;
            if !pairs.iter().any(|(e, k)| **e == *event && **k == *key) {
                pairs.push((event.into(), key.into()));
            }
        }
        if pairs.is_empty() {
            return Err("is empty".into());
        }
        Ok(Self {
            pairs: pairs.into(),
        })
    }

    /// Every pair of event and cache key, in the order of `SSE_EVENTS`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(event, key)| (&**event, &**key))
    }

    /// The names of the events, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs
            .iter()
            .enumerate()
            .filter_map(|(at, (event, _))| {
                let first = self.pairs.iter().position(|(other, _)| other == event);
                (first == Some(at)).then_some(&**event)
            })
    }

    /// The cache keys, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().enumerate().filter_map(|(at, (_, key))| {
            let first = self.pairs.iter().position(|(_, other)| other == key);
            (first == Some(at)).then_some(&**key)
        })
    }

    /// The events that a save under `key` fires.
    pub fn of_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.shared_of_key(key).map(|event| &**event)
    }

    pub(crate) fn shared_of_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        self.pairs
            .iter()
            .filter(move |(_, k)| **k == *key)
            .map(|(event, _)| event)
    }

    /// Whether there is an event of this name.
    #[must_use]
    pub fn contains(&self, event: &str) -> bool {
        self.pairs.iter().any(|(name, _)| **name == *event)
    }
}

/// Names that would not arrive as what they are.
///
/// Browsers dispatch an event under the name in its `event` field, and fire `open` and `error` at
/// the same object for the connection itself, so a page could not tell them apart. `sse.` is the
/// prefix of our own events, and `*` is how a page listens to all.
fn check_event_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the event has no name".into());
    }
    if name.chars().any(char::is_control) {
        return Err("the event's name has a control character".into());
    }
    if matches!(name, "open" | "error") {
        return Err(format!(
            "browsers use the event name `{name}` for the connection itself"
        ));
    }
    if name == "*" {
        return Err("the client's `on('*')` means every event".into());
    }
    if name.starts_with("sse.") {
        return Err("event names that begin with `sse.` are ours".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_repeat_nothing() {
        let events = Events::parse(" a:k1 , b:k2,c:k1,a:k1,").unwrap();
        assert_eq!(
            events.iter().collect::<Vec<_>>(),
            [("a", "k1"), ("b", "k2"), ("c", "k1")]
        );
        assert_eq!(events.keys().collect::<Vec<_>>(), ["k1", "k2"]);
        assert_eq!(events.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(events.of_key("k1").collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("", "empty"),
            (" , ", "empty"),
            ("a", "`a`, which lacks its `:cache_key`"),
            ("a:b,c", "`c`"),
            (":k", "no name"),
            ("a:", "is empty"),
            ("open:k", "browsers use"),
            ("error:k", "browsers use"),
            ("sse.gap:k", "are ours"),
            ("*:k", "every event"),
            ("a:../k", "leading dot"),
            ("a:b/c", "`/`"),
            ("a:b:c", "`:`"),
            ("a\u{7}b:k", "control"),
        ] {
            let error = Events::parse(text).unwrap_err();
            assert!(error.contains(why), "{text:?} gave {error:?}");
        }
    }
}
