use std::fs;

use serde::Serialize;

use super::*;
use crate::{
    cache::Cache,
    hub::{Filter, cursor::EventId},
};

struct Saved {
    app: tempfile::TempDir,
    journal_handle: Arc<JournalHandle>,
    cache: ReplayCache,
}

impl Saved {
    /// The values 1, 2, 3… of a key.
    fn new(count: u64) -> Self {
        Self::with_values(1..=count)
    }

    fn with_values(values: impl IntoIterator<Item = impl Serialize>) -> Self {
        let app = tempfile::tempdir().unwrap();
        let config = Config::new(app.path(), "a:k,rare:r").unwrap();
        let cache = Cache::open(&config.with_max_value_bytes(16 << 20)).unwrap();
        for value in values {
            cache.save_blocking("k", value).unwrap();
        }
        Self {
            app,
            journal_handle: cache.journal_handle().unwrap(),
            cache: ReplayCache::default(),
        }
    }

    /// Reads for a stream at entry `next`, up to the entry before `end`, in one turn.
    fn replay(&self, filter: Filter, next: u64, end: u64) -> (String, Cursor) {
        let epoch = self.journal_handle.current().unwrap().epoch();
        let position = StreamPosition {
            at: EventId::before(epoch, next),
            ttl_applies_until: 0,
            gap_applies_from: 0,
        };
        let request = ReplayRequest {
            position,
            selection: Selection {
                filter,
                ..Selection::default()
            },
            range: ReplayRange::UpTo(end),
        };
        match replay(&self.journal_handle, &self.cache, &request).unwrap() {
            ReplayResult::Frames(read, _) => {
                (String::from_utf8(read.bytes.to_vec()).unwrap(), read.cursor)
            }
            ReplayResult::Latest(..) => panic!("these tests do not request the latest values"),
            ReplayResult::Replaced => panic!("the journal was replaced"),
        }
    }
}

#[test]
fn a_replay_that_finds_nothing_to_send_ends_its_turn_and_continues_in_the_next() {
    // Even the fastest machine needs more than one turn for these.
    let count = 2_000;
    let saved = Saved::new(count);
    let (mut next, mut turns) = (1, 0);
    while next <= count {
        let rare = Filter::only(["rare".to_owned()].into());
        let (text, cursor) = saved.replay(rare, next, count + 1);
        assert!(text.is_empty() && cursor.next > next, "{cursor:?}: {text}");
        (next, turns) = (cursor.next, turns + 1);
    }
    assert!(turns > 1);
}

#[test]
fn a_turn_advances_even_if_its_first_entry_takes_longer_and_fits_into_no_cache() {
    let saved = Saved::with_values(["x".repeat(9 << 20), "after".to_owned()]);
    let (text, cursor) = saved.replay(Filter::All, 1, 3);
    assert!(text.len() > 9 << 20 && cursor.next >= 2, "{cursor:?}");
}

#[test]
fn a_turn_reads_few_entries_more_than_fit_into_its_chunk() {
    // Three of them fill a chunk.
    let saved = Saved::with_values(vec!["x".repeat(7_000); 40]);
    saved.replay(Filter::All, 1, 41);
    let source = EntrySource {
        epoch: saved.journal_handle.current().unwrap().epoch(),
        config: saved.journal_handle.config(),
    };
    let is_cached = |number: &u64| saved.cache.get(&source, *number).is_some();
    let read = (1..=40).filter(is_cached).count();
    assert!((1..=7).contains(&read), "{read}");
}

#[test]
fn an_entry_that_was_read_for_one_stream_is_not_read_again_for_others() {
    let saved = Saved::new(3);
    let all_from = |mut next| {
        let mut text = String::new();
        // On a busy machine, it may take several turns.
        while next < 4 {
            let (more, cursor) = saved.replay(Filter::All, next, 4);
            text += &more;
            next = cursor.next;
        }
        text
    };
    let first = all_from(1);
    assert_eq!(first.matches("event: a\n").count(), 3);
    let folder = saved.app.path().join("writable/cache/.sse/journal-2");
    for number in 1..=3 {
        fs::remove_file(folder.join(format!("000000000000/.{number:020}"))).unwrap();
    }
    assert_eq!(all_from(1), first);
    let rest = all_from(3);
    assert!(first.ends_with(&rest) && !rest.is_empty());
}
