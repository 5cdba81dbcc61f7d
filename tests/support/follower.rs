//! A client that reconnects whenever its stream ends, as a browser does.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Event, stream::Stream};

/// Keeps every event of the app and every gap that it receives.
pub struct Follower {
    events: Receiver<Event>,
    received: Vec<Event>,
    /// Dropped with this, so that no client connects to a server of another test that gets the same port.
    _running: Arc<()>,
}

impl Follower {
    /// Begins to follow `path`, and waits until the first stream is open.
    #[must_use]
    pub fn start(address: &str, path: &str) -> Self {
        let (sender, events) = channel();
        let (address, path) = (address.to_owned(), path.to_owned());
        let first = Stream::open(&address, &path, None);
        let running = Arc::new(());
        let is_running = Arc::downgrade(&running);
        thread::spawn(move || follow(&address, &path, first, &sender, &is_running));
        Self {
            events,
            received: Vec::new(),
            _running: running,
        }
    }

    /// Waits until `count` events have arrived in all, and returns them.
    #[track_caller]
    pub fn wait_for(&mut self, count: usize, time: Duration) -> &[Event] {
        let end = Instant::now() + time;
        while self.received.len() < count {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => self.received.push(event),
                Err(error) => panic!("{} of {count} events: {error}", self.received.len()),
            }
        }
        &self.received
    }

    /// Everything else that arrives within this time.
    #[must_use]
    pub fn receive_for(&mut self, time: Duration) -> Vec<Event> {
        let end = Instant::now() + time;
        let left = || end.saturating_duration_since(Instant::now());
        let mut events = Vec::new();
        while let Ok(event) = self.events.recv_timeout(left()) {
            events.push(event);
        }
        events
    }
}

fn follow(address: &str, path: &str, first: Stream, sender: &Sender<Event>, is_running: &Weak<()>) {
    let mut last_id: Option<String> = None;
    // The time in milliseconds that browsers wait unless the server sets another one.
    let mut retry = 1_000;
    let mut stream = Some(first);
    while is_running.strong_count() > 0 {
        let open = stream
            .take()
            .or_else(|| Stream::try_open(address, path, last_id.as_deref()).ok());
        if let Some(open) = open.filter(|open| open.status == 200) {
            while let Some(event) = open.next_until_end() {
                retry = event.retry.unwrap_or(retry);
                last_id = event.id.clone().or(last_id);
                let is_kept = event.is_from_app() || event.name() == "sse.gap";
                if is_kept && sender.send(event).is_err() {
                    return;
                }
            }
        }
        thread::sleep(Duration::from_millis(retry));
    }
}
