//! What interrupts every stream: planned ends, restarts, and error responses while a server restarts.

use std::time::{Duration, Instant};

use crate::{app::App, port::ReservedPort, refusal::refuse_stream, server::Server};

/// Several streams end as planned in this time, with one second each.
const PLANNED_ENDS_TIME: Duration = Duration::from_secs(3);

/// An app whose streams last for one second, with the event `order`.
#[must_use]
pub fn app_with_short_streams() -> App {
    App::with_env("SSE_STREAM_DURATION=1\nSSE_EVENTS=order:order\n")
}

/// Saves 1, 2, 3 and so on as `order`, while the streams of the server on this port are interrupted.
/// `wait_for_all` waits until the client has all values up to this one, and nothing else.
#[track_caller]
pub fn interrupt(app: &App, port: &ReservedPort, server: Server, wait_for_all: impl Fn(u32)) {
    // A client that takes long to start would not receive what was saved too long before.
    server.wait_for_log("GET /sse/stream");
    let mut saved = 0;
    let mut save = || {
        saved += 1;
        app.save("order", &saved.to_string());
        saved
    };
    let start = Instant::now();
    while start.elapsed() < PLANNED_ENDS_TIME {
        wait_for_all(save());
    }
    server.kill();
    save();
    save();
    let server = app.start_on(port);
    wait_for_all(save());
    assert!(server.terminate().success());
    save();
    refuse_stream(&port.address());
    let _server = app.start_on(port);
    wait_for_all(save());
}
