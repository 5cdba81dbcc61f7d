//! What was saved last, from memory, for the dashboard.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Hub,
    frame::Frame,
    ring_entry::{Content, RingEntry},
};
use crate::error::excerpt;

/// The beginning of a larger value is not shown: to find it in the frame takes as long as the value is.
const MAX_SHOWN_BYTES: usize = 4096;

/// Something that was saved. It has no names of audiences.
#[derive(Debug)]
pub(crate) struct RecentEvent {
    pub(crate) number: u64,
    pub(crate) key: String,
    /// None if the key triggers no event.
    pub(crate) events: Vec<Arc<str>>,
    pub(crate) byte_count: usize,
    /// `None` if it was saved before this machine has started, or at an unknown time.
    pub(crate) age: Option<Duration>,
    pub(crate) is_private: bool,
    /// The beginning of the JSON, if it is wanted, triggers an event and is small.
    pub(crate) value: Option<String>,
}

impl Hub {
    /// What was saved last, the newest first, with or without the beginnings of the values.
    pub(crate) fn recent_events(&self, count: usize, with_values: bool) -> Vec<RecentEvent> {
        let now = Instant::now();
        (self.ring()).newest(count, |number, entry| {
            recent_event(number, entry, now, with_values)
        })
    }
}

fn recent_event(
    number: u64,
    entry: &RingEntry,
    now: Instant,
    with_values: bool,
) -> Option<RecentEvent> {
    let saved = entry.saved.as_ref()?;
    let frames = match &entry.content {
        Content::Frames(frames) => frames.as_slice(),
        Content::Revocation(_) | Content::Lost(_) | Content::Unreadable => &[],
    };
    let value = frames
        .first()
        .filter(|_| with_values && saved.byte_count <= MAX_SHOWN_BYTES);
    Some(RecentEvent {
        number,
        key: excerpt(&saved.key),
        events: (frames.iter().map(|frame| Arc::clone(&frame.event))).collect(),
        byte_count: saved.byte_count,
        age: (entry.saved_at).map(|saved_at| now.saturating_duration_since(saved_at)),
        is_private: !entry.recipients.names().is_empty(),
        value: value.and_then(Frame::value_json).map(|json| excerpt(&json)),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::TestSse;

    #[actix_web::test]
    async fn the_newest_saves_are_listed_without_deletions_and_without_names_of_audiences() {
        let app = TestSse::in_memory("a:k,b:k,c:l");
        let mut stream = app.connect();
        let cache = app.cache();
        cache.save_blocking("k", "one").unwrap();
        cache.delete_blocking("k").unwrap();
        cache.save("l", [2]).to("user:secret").blocking().unwrap();
        cache.save_blocking("m", 3).unwrap();
        cache.save_blocking("l", "x".repeat(5_000)).unwrap();
        for event in ["a", "b", "c"] {
            stream.next::<serde_json::Value>(event).await;
        }
        let recent = |count, with_values| {
            let recent = app
                .sse()
                .state()
                .unwrap()
                .hub
                .recent_events(count, with_values);
            assert!(!format!("{recent:?}").contains("secret"));
            let rows = recent.into_iter().map(|event| {
                let events = event.events.join("+");
                let key = event.key;
                (
                    event.number,
                    key,
                    events,
                    event.byte_count,
                    event.is_private,
                    event.value,
                )
            });
            rows.collect::<Vec<_>>()
        };
        let row = |number, key: &str, events: &str, bytes, is_private, value: Option<&str>| {
            (
                number,
                key.to_owned(),
                events.to_owned(),
                bytes,
                is_private,
                value.map(str::to_owned),
            )
        };
        let all = [
            row(5, "l", "c", 5_002, false, None),
            row(4, "m", "", 1, false, None),
            row(3, "l", "c", 3, true, Some("[2]")),
            row(1, "k", "a+b", 5, false, Some("\"one\"")),
        ];
        assert_eq!(recent(50, true), all);
        let [.., without_value] = &recent(50, false)[..] else {
            panic!("four were saved")
        };
        assert_eq!(without_value, &row(1, "k", "a+b", 5, false, None));
        assert_eq!(recent(2, true), all[..2]);
    }
}
