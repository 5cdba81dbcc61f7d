//! `SSE_EVENTS`: the events, and the cache keys that trigger them.

use std::{
    collections::{HashMap, HashSet},
    fmt::{self, Display},
    str::FromStr,
    sync::Arc,
};

use super::{allowed::split_items, event_mistakes, private_mark};
use crate::{
    error::{Error, ErrorKind, excerpt, is_control, one_line},
    key,
};

/// The value that `sse install` writes.
pub const EXAMPLE_EVENTS: &str = "event_name1:event_cache_key1,event_name2:event_cache_key2";

/// For a list that does not show what was meant. Must end with [`EXAMPLE_EVENTS`].
pub(super) const EVENTS_HELP: &str = "write pairs of event and cache key, for example \
    SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2";

/// Begins the names of the library's own events.
pub(super) const RESERVED_PREFIX: &str = "sse.";

/// The pairs of event and cache key in `SSE_EVENTS`, in their order there.
///
/// ```
/// use actix_web_sse::Events;
///
/// # fn main() -> Result<(), actix_web_sse::Error> {
/// let events: Events = "order:orders, sold:orders, chat:messages".parse()?;
/// assert_eq!(events.of_key("orders").collect::<Vec<_>>(), ["order", "sold"]);
/// assert_eq!(events.keys().collect::<Vec<_>>(), ["orders", "messages"]);
/// assert_eq!(events.to_string(), "order:orders,sold:orders,chat:messages");
/// # Ok(()) }
/// ```
///
/// A third part, `private`, makes the key private: a save without an audience is refused.
///
/// ```
/// use actix_web_sse::Events;
///
/// # fn main() -> Result<(), actix_web_sse::Error> {
/// let events: Events = "invoice:invoices:private,chat:messages".parse()?;
/// assert!(events.is_private("invoices") && !events.is_private("messages"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    pairs: Arc<[Pair]>,
}

/// One `event:key` or `event:key:private` of `SSE_EVENTS`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) event: Arc<str>,
    key: Arc<str>,
    /// The event's place among those of its key, and the last part of its id. It depends on the
    /// event's name alone, so that an id has the same meaning after `SSE_EVENTS` was changed. Not 0.
    pub(crate) part: u32,
    /// Whether this pair has the mark. The key is private if any of its pairs has it.
    is_marked: bool,
}

impl Events {
    /// Parses `event:key,event:key:private`, and ignores white space around names and empty items, as after a
    /// trailing comma. One key may trigger several events, and one event may have several keys.
    ///
    /// The error continues a sentence that starts with `SSE_EVENTS`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut indices_by_id = HashMap::new();
        for item in split_items(text) {
            let (event, key, is_marked) = parse_pair(item)
                .map_err(|reason| format!("contains `{}`{reason}", one_line(&excerpt(item))))?;
            let part = part_of_event(event);
            let index = *indices_by_id.entry((key, part)).or_insert(pairs.len());
            match pairs.get_mut(index) {
                None => pairs.push(Pair {
                    event: event.into(),
                    key: key.into(),
                    part,
                    is_marked,
                }),
                Some(same) if *same.event == *event => same.is_marked |= is_marked,
                Some(other) => {
                    return Err(format!(
                        "contains `{item}`: event ids cannot tell `{event}` from `{}`, which has \
                         the same key; rename one of them",
                        other.event
                    ));
                }
            }
        }
        if pairs.is_empty() {
            return Err("is empty".into());
        }
        Ok(Self {
            pairs: pairs.into(),
        })
    }

    /// What to write instead of a list that cannot be parsed: the corrected list if the mistake is a usual one.
    pub(super) fn help(text: &str) -> String {
        let corrected = event_mistakes::corrected(text);
        let renamed = event_mistakes::with_allowed_names(&corrected);
        let events = Self::parse(&corrected).or_else(|_| Self::parse(&renamed));
        let list = events.map(|events| events.to_string());
        match list.ok().and_then(|list| in_env(&list)) {
            Some(value) => format!("write SSE_EVENTS={value}"),
            None => EVENTS_HELP.into(),
        }
    }

    /// Iterates over the pairs of event and cache key, in the order of `SSE_EVENTS`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|pair| (&*pair.event, &*pair.key))
    }

    /// Iterates over the names of the events, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        unique(self.iter().map(|(event, _)| event))
    }

    /// Iterates over the cache keys, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        unique(self.iter().map(|(_, key)| key))
    }

    /// Iterates over the events that a save under `key` triggers, in the order in which clients receive
    /// them. This order does not depend on the order of `SSE_EVENTS`.
    pub fn of_key(&self, key: &str) -> impl Iterator<Item = &str> {
        self.pairs_of_key(key).into_iter().map(|pair| &*pair.event)
    }

    /// Returns whether values of `key` are private: `SSE_EVENTS` has a pair `event:key:private`. A save or a drop-in
    /// of such a key without an audience is refused.
    #[must_use]
    pub fn is_private(&self, key: &str) -> bool {
        self.pairs
            .iter()
            .any(|pair| pair.is_marked && *pair.key == *key)
    }

    /// The names of the events that everybody may receive: of those that have a key without private values.
    #[cfg(feature = "actix")]
    pub(crate) fn public_names(&self) -> HashSet<&str> {
        let marked = self.pairs.iter().filter(|pair| pair.is_marked);
        let private_keys: HashSet<_> = marked.map(|pair| &*pair.key).collect();
        let is_public = |pair: &&Pair| !private_keys.contains(&*pair.key);
        let public = self.pairs.iter().filter(is_public);
        public.map(|pair| &*pair.event).collect()
    }

    /// The pairs with this key, in the order of [`of_key`](Self::of_key).
    pub(crate) fn pairs_of_key(&self, key: &str) -> Vec<&Pair> {
        let of_key = self.pairs.iter().filter(|pair| *pair.key == *key);
        let mut pairs: Vec<_> = of_key.collect();
        pairs.sort_unstable_by_key(|pair| pair.part);
        pairs
    }

    /// Returns whether `SSE_EVENTS` has an event of this name.
    #[must_use]
    pub fn contains(&self, event: &str) -> bool {
        self.pairs.iter().any(|pair| *pair.event == *event)
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut seen = HashSet::new();
    names.filter(move |name| seen.insert(*name))
}

impl FromStr for Events {
    type Err = Error;

    /// Parses a list in the form of `SSE_EVENTS`.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|reason| {
            Error::new(ErrorKind::Config, format!("the list of events {reason}"))
                .with_help(Self::help(text))
        })
    }
}

impl Display for Events {
    /// Writes the list in the form of `SSE_EVENTS`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.pairs.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let (event, key) = (&pair.event, &pair.key);
            let pair = private_mark::with_mark(&format!("{event}:{key}"), pair.is_marked);
            write!(f, "{comma}{pair}")?;
        }
        Ok(())
    }
}

/// The event, the cache key, and whether it is marked as private. The error continues a sentence that ends with the
/// item.
fn parse_pair(item: &str) -> Result<(&str, &str, bool), String> {
    if let Some(mistake) = event_mistakes::in_item(item) {
        return Err(mistake);
    }
    let (event, key) = item.split_once(':').unwrap_or((item, ""));
    let (key, is_marked) = private_mark::split(key);
    let (event, key) = (event.trim(), key.trim());
    check_event_name(event).map_err(|reason| format!(": {reason}"))?;
    match key::rule_violation(key) {
        Some(violation) => Err(format!(": the cache key {violation}")),
        None => Ok((event, key, is_marked)),
    }
}

/// The list as a line of `.env` must write it; `None` if it is not so easy. Inside single quotes, no character but
/// these is special to dotenvy, and a terminal shows all of them.
fn in_env(list: &str) -> Option<String> {
    /// Nobody compares a longer one with what `.env` contains.
    const MAX_BYTES: usize = 2000;
    let is_plain = |c: char| c.is_alphanumeric() || "_.:,-/".contains(c);
    if list.len() > MAX_BYTES {
        None
    } else if list.chars().all(is_plain) {
        Some(list.to_owned())
    } else {
        let is_shown = |c: char| c != '\'' && !is_control(c);
        list.chars().all(is_shown).then(|| format!("'{list}'"))
    }
}

/// The 32 bits of [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/), which are part of event ids, so
/// they must never change. 0 is the place before the first event.
fn part_of_event(name: &str) -> u32 {
    const OFFSET_BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let hash = name.bytes().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(PRIME)
    });
    hash.max(1)
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
    if name.starts_with(RESERVED_PREFIX) {
        return Err("event names that start with `sse.` are reserved".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
