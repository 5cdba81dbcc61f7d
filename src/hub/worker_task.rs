//! The task on each worker thread that wakes the streams beside it.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    rc::{Rc, Weak},
    sync::{self, Arc},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    disconnect, local_hub::LocalHub, notifiers::WorkerNotifier, shared_state::SharedState,
    worker_reader::WorkerReader,
};

thread_local! {
    /// By the id of the hub. The task and the streams of a thread keep its local hub alive.
    static LOCAL_HUBS: RefCell<HashMap<usize, Weak<LocalHub>>> = RefCell::default();
}

/// What the streams of this thread share. Call it on a worker: the first call on each thread starts
/// the task.
pub(super) fn local_hub(shared_state: &Arc<SharedState>) -> Rc<LocalHub> {
    LOCAL_HUBS.with_borrow_mut(|local_hubs| {
        let hub_id = shared_state.notifiers.hub_id();
        if let Some(local_hub) = local_hubs.get(&hub_id).and_then(Weak::upgrade) {
            return local_hub;
        }
        local_hubs.retain(|_, local_hub| local_hub.strong_count() > 0);
        let local_hub = start(shared_state);
        local_hubs.insert(hub_id, Rc::downgrade(&local_hub));
        local_hub
    })
}

fn start(shared_state: &Arc<SharedState>) -> Rc<LocalHub> {
    let notifier = shared_state.notifiers.add();
    // The hub may have started to close before this notifier was in the list.
    if shared_state.is_closing() {
        notifier.request_wake_all();
    }
    // After the notifier was added, so that it is notified of every entry after the ring's end
    // that is read here.
    let local_hub = Rc::new(LocalHub::new(
        &shared_state.ring,
        Arc::clone(&notifier.holders),
        shared_state.observations.clone(),
    ));
    actix_web::rt::spawn(wake_streams(
        notifier,
        Rc::clone(&local_hub),
        Arc::downgrade(shared_state),
    ));
    local_hub
}

/// Wakes streams until the hub is dropped.
///
/// A stream reads the ring and then waits within one poll on this thread, so this task runs before
/// both or after both, and no wake-up is lost in between.
async fn wake_streams(
    notifier: Arc<WorkerNotifier>,
    local_hub: Rc<LocalHub>,
    shared_state: sync::Weak<SharedState>,
) {
    let mut timer = pin!(sleep(Duration::ZERO));
    let mut reader = WorkerReader::default();
    poll_fn(|context| {
        // `None` once the hub is gone.
        let shared_state = shared_state.upgrade();
        let shared_state = shared_state.as_deref();
        if let Some(shared_state) = shared_state {
            reader.poll(shared_state, context);
        }
        handle_notifications(&notifier, &local_hub, shared_state, context);
        local_hub.set_task_waker(context.waker());
        local_hub.report_deliveries();
        while let Some(next) = local_hub.queue_due(Instant::now()) {
            timer.as_mut().reset(next.into());
            if timer.as_mut().poll(context).is_pending() {
                break;
            }
        }
        let has_more = local_hub.wake_group();
        if notifier.is_stopped() && !has_more {
            return Poll::Ready(());
        }
        if has_more {
            // Behind the streams that were just woken.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
}

fn handle_notifications(
    notifier: &WorkerNotifier,
    local_hub: &Rc<LocalHub>,
    shared_state: Option<&SharedState>,
    context: &Context<'_>,
) {
    notifier.register(context.waker());
    if notifier.take_new_entries()
        && let Some(shared_state) = shared_state
    {
        local_hub.queue_for_new_entries(&shared_state.ring);
    }
    if notifier.take_measure()
        && let Some(shared_state) = shared_state
    {
        notifier.set_slowest_stream(local_hub.slowest_stream(&shared_state.ring));
        shared_state.report_slowest_stream();
    }
    if notifier.take_wake_all() {
        local_hub.queue_all();
        if shared_state.is_some_and(SharedState::is_closing) {
            disconnect::start_disconnecting(Rc::clone(local_hub));
        }
    }
}
