//! Limits how many tasks run at once, and how many requests wait for that.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub(super) type Slot = OwnedSemaphorePermit;

pub(super) struct Slots {
    slots: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Slots {
    /// At most `max_waiting` requests wait, because each takes memory.
    pub(super) fn new(count: usize, max_waiting: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(count)),
            waiting: Semaphore::new(max_waiting),
        }
    }

    /// Waits for a slot in the order of the calls. `None` after the time limit, or if too many wait.
    pub(super) async fn acquire(&self, time_limit: Duration) -> Option<Slot> {
        if let Some(slot) = self.try_acquire() {
            return Some(slot);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let acquired = timeout(time_limit, Arc::clone(&self.slots).acquire_owned()).await;
        acquired.ok()?.ok()
    }

    /// Fails if each slot is taken, or another request waits for one.
    pub(super) fn try_acquire(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const MAX_WAITING: usize = 4;

    #[actix_web::test]
    async fn a_slot_is_free_again_when_it_is_dropped() {
        let slots = Slots::new(1, MAX_WAITING);
        let slot = slots.acquire(SHORT).await.expect("it is free");
        assert!(slots.acquire(SHORT).await.is_none(), "it is taken");
        drop(slot);
        assert!(slots.acquire(SHORT).await.is_some());
    }

    #[actix_web::test]
    async fn only_so_many_wait() {
        let slots = Slots::new(1, MAX_WAITING);
        let _slot = slots.acquire(SHORT).await.expect("it is free");
        let places = slots
            .waiting
            .try_acquire_many(u32::try_from(MAX_WAITING).expect("it fits"));
        let places = places.expect("nobody waits");
        let refused = timeout(SHORT, slots.acquire(Duration::MAX)).await;
        assert!(refused.expect("it does not wait").is_none());
        drop(places);
        let waits = timeout(SHORT, slots.acquire(Duration::MAX)).await;
        assert!(waits.is_err());
        let free = slots.waiting.available_permits();
        assert_eq!(free, MAX_WAITING, "a client that is gone does not wait");
    }
}
