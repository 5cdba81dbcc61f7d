//! What the receivers of a process get.

use super::*;

/// Keeps the entries that it is handed.
#[derive(Default)]
pub(super) struct Received(Mutex<Vec<(EventId, String)>>);

impl EntryReceiver for Received {
    fn receive(&self, entry: &SavedEntry<'_>, _: &Config) {
        let id = Cursor::before(entry.number + 1).event_id(entry.epochs);
        let document = String::from_utf8(entry.document.to_vec()).unwrap();
        lock(&self.0).push((id, document));
    }
}

impl Received {
    /// Hands what this cache saves to a receiver.
    pub(super) fn from(cache: &Cache) -> Arc<Self> {
        let received = Arc::new(Self::default());
        let receiver: Arc<dyn EntryReceiver> = received.clone();
        let handle = cache.journal_handle().unwrap();
        handle.add_receiver(Arc::downgrade(&receiver));
        received
    }

    /// The entries since the last call.
    pub(super) fn take(&self) -> Vec<(EventId, String)> {
        std::mem::take(&mut *lock(&self.0))
    }
}

fn cache(app: &Path) -> Cache {
    Cache::open(&Config::new(app, "a:k").unwrap()).unwrap()
}

#[test]
fn a_receiver_gets_what_is_saved_with_its_id() {
    let app = tempfile::tempdir().unwrap();
    let cache = cache(app.path());
    let received = Received::from(&cache);
    let saved = cache.save_blocking("k", "text").unwrap();
    let [(id, document)] = &received.take()[..] else {
        panic!("one entry");
    };
    assert_eq!(*id, saved);
    assert!(document.contains(r#""value":"text""#), "{document}");
}

#[test]
fn a_receiver_gets_a_keyed_save_once() {
    let app = tempfile::tempdir().unwrap();
    let cache = cache(app.path());
    let received = Received::from(&cache);
    for _ in 0..2 {
        cache.save("k", 1).blocking_once("order 42").unwrap();
    }
    assert_eq!(received.take().len(), 1);
}

#[test]
fn a_receiver_gets_deletions_and_revocations() {
    let app = tempfile::tempdir().unwrap();
    let cache = cache(app.path());
    let received = Received::from(&cache);
    cache.delete_blocking("k").unwrap();
    let revoked = cache.revoke_blocking("user:4").unwrap();
    let [(_, deletion), (id, revocation)] = &received.take()[..] else {
        panic!("two entries");
    };
    assert!(deletion.contains(r#""key":"k""#), "{deletion}");
    assert_eq!(*id, revoked);
    assert!(revocation.contains("user:4"), "{revocation}");
}

#[test]
fn every_receiver_gets_entries_until_it_is_dropped() {
    let app = tempfile::tempdir().unwrap();
    let cache = cache(app.path());
    let (former, other) = (Received::from(&cache), Received::from(&cache));
    cache.save_blocking("k", 1).unwrap();
    assert_eq!((former.take().len(), other.take().len()), (1, 1));
    let dropped = Arc::downgrade(&former);
    drop(former);
    cache.save_blocking("k", 2).unwrap();
    assert_eq!(other.take().len(), 1);
    assert_eq!(dropped.strong_count(), 0, "the cache keeps it");
}

/// Only a read of the journal shows whether Redis has lost the entry again.
#[cfg(feature = "__redis-tests")]
#[test]
fn a_receiver_gets_nothing_from_redis() {
    let redis = crate::journal::redis::tests::TestRedis::start();
    let cache = Cache::open(&redis.config()).unwrap();
    let received = Received::from(&cache);
    cache.save_blocking("k", 1).unwrap();
    assert_eq!(received.take(), []);
}
