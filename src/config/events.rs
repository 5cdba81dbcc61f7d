//! `SSE_EVENTS`: the events, and the cache keys that trigger them.

use std::sync::Arc;

use crate::key;

/// The pairs of event and cache key in `SSE_EVENTS`, in their order there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    pairs: Arc<[(Arc<str>, Arc<str>)]>,
}

impl Events {
    /// Parses `event:key,event:key`, and ignores white space around names and a trailing comma. One
    /// key may trigger several events, and one event may have several keys.
    ///
    /// The error continues a sentence that starts with `SSE_EVENTS`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let Some((event, key)) = item.split_once(':') else {
                return Err(format!("contains `{item}`, which lacks its `:cache_key`"));
            };
            let (event, key) = (event.trim(), key.trim());
            check_event_name(event).map_err(|reason| format!("contains `{item}`: {reason}"))?;
            if let Some(violation) = key::rule_violation(key) {
                return Err(format!("contains `{item}`: the cache key {violation}"));
            }
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

    /// Iterates over the pairs of event and cache key, in the order of `SSE_EVENTS`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(event, key)| (&**event, &**key))
    }

    /// Iterates over the names of the events, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs
            .iter()
            .enumerate()
            .filter_map(|(index, (event, _))| {
                let first = self.pairs.iter().position(|(other, _)| other == event);
                (first == Some(index)).then_some(&**event)
            })
    }

    /// Iterates over the cache keys, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs
            .iter()
            .enumerate()
            .filter_map(|(index, (_, key))| {
                let first = self.pairs.iter().position(|(_, other)| other == key);
                (first == Some(index)).then_some(&**key)
            })
    }

    /// Iterates over the events that a save under `key` triggers.
    pub fn of_key<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.event_arcs_of_key(key).map(|event| &**event)
    }

    /// Like [`of_key`](Self::of_key), but returns names that the caller can keep without a copy.
    pub(crate) fn event_arcs_of_key<'a>(
        &'a self,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Arc<str>> {
        self.pairs
            .iter()
            .filter(move |(_, k)| **k == *key)
            .map(|(event, _)| event)
    }

    /// Returns whether `SSE_EVENTS` has an event of this name.
    #[must_use]
    pub fn contains(&self, event: &str) -> bool {
        self.pairs.iter().any(|(name, _)| **name == *event)
    }
}

/// Rejects names that already have another meaning in a page.
///
/// Browsers dispatch an event under the name in its `event` field, and fire `open` and `error` at
/// the same object for the connection itself. `sse.` is the prefix of this library's own events, and
/// with `*` a page listens to all events.
fn check_event_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the event has no name".into());
    }
    if name.chars().any(char::is_control) {
        return Err("the event's name contains a control character".into());
    }
    if matches!(name, "open" | "error") {
        return Err(format!(
            "the event name `{name}` is reserved, because browsers use it for the connection itself; \
             choose another name"
        ));
    }
    if name == "*" {
        return Err("the event name `*` is reserved: in the browser client, `on('*')` stands for every event".into());
    }
    if name.starts_with("sse.") {
        return Err("event names that start with `sse.` are reserved".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_are_listed_once() {
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
    fn an_invalid_list_is_rejected_with_the_reason() {
        for (text, reason) in [
            ("", "empty"),
            (" , ", "empty"),
            ("a", "`a`, which lacks its `:cache_key`"),
            ("a:b,c", "`c`"),
            (":k", "no name"),
            ("a:", "is empty"),
            ("open:k", "browsers use"),
            ("error:k", "browsers use"),
            ("sse.gap:k", "are reserved"),
            ("*:k", "every event"),
            ("a:../k", "leading dot"),
            ("a:b/c", "`/`"),
            ("a:b:c", "`:`"),
            ("a\u{7}b:k", "control"),
        ] {
            let error = Events::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text:?} gave {error:?}");
        }
    }
}
