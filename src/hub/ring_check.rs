//! Streams ask the tail whether the ring shows the current journal, and all of it.
//!
//! So only the tail compares the ring with the journal: a stream whose position is not in the ring
//! either belongs elsewhere, or the ring is late.

use std::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use super::cursor::EventId;

/// Completes with the end of the ring when the tail has answered.
pub(crate) type RingCheck = Pin<Box<dyn Future<Output = EventId>>>;

/// The requests for checks. The tail answers all that wait with one check.
pub(super) struct RingChecks {
    request_count: AtomicU64,
    answer: watch::Sender<Answer>,
}

#[derive(Clone, Copy, Default)]
struct Answer {
    /// How many requests there were when the check began.
    request_count: u64,
    ring_end: EventId,
}

impl RingChecks {
    pub(super) fn new() -> Self {
        Self {
            request_count: AtomicU64::new(0),
            answer: watch::Sender::default(),
        }
    }

    /// Requests a check that begins after this call. Wake the tail afterwards.
    pub(super) fn request(&self) -> RingCheck {
        // SeqCst is the simplest ordering with which the tail sees the request once it is woken.
        let request = self.request_count.fetch_add(1, Ordering::SeqCst) + 1;
        let mut answer = self.answer.subscribe();
        Box::pin(async move {
            let answered = answer
                .wait_for(|answer| answer.request_count >= request)
                .await;
            match answered {
                Ok(answer) => answer.ring_end,
                // The hub is gone, and its streams with it.
                Err(_) => std::future::pending().await,
            }
        })
    }

    /// How many requests there were so far; `None` if all are answered. The tail reads this before it
    /// begins a check.
    pub(super) fn requested(&self) -> Option<u64> {
        let request_count = self.request_count.load(Ordering::SeqCst);
        (self.answer.borrow().request_count < request_count).then_some(request_count)
    }

    /// Answers the first `request_count` requests: the ring showed the current journal up to its end.
    pub(super) fn answer(&self, request_count: u64, ring_end: EventId) {
        self.answer.send_replace(Answer {
            request_count,
            ring_end,
        });
    }

    /// Wakes the waiting streams without an answer, for example so that they end in a shutdown.
    pub(super) fn wake_all(&self) {
        self.answer.send_modify(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::epoch::Epoch;

    fn poll(check: &mut RingCheck) -> Poll<EventId> {
        check.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_check_answers_the_requests_from_before_it_began() {
        let checks = RingChecks::new();
        assert_eq!(checks.requested(), None);
        let [mut first, mut second] = [checks.request(), checks.request()];
        let requested = checks.requested().unwrap();
        let mut late = checks.request();
        let end = EventId::before(Epoch(1), 5);
        checks.answer(requested, end);
        assert_eq!([poll(&mut first), poll(&mut second)], [Poll::Ready(end); 2]);
        assert_eq!(poll(&mut late), Poll::Pending);
        checks.answer(checks.requested().unwrap(), end);
        assert_eq!(
            (poll(&mut late), checks.requested()),
            (Poll::Ready(end), None)
        );
    }
}
