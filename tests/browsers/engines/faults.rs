//! What a page has to live through.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use support::{App, Browser, Engine, Server, until};

use super::gate::{Gate, Way};

/// As long as nothing works each time.
const A_WHILE: Duration = Duration::from_secs(10);
/// Two heartbeats that did not come, and the longest wait after that, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A page that listens to the starter through a gate.
struct World {
    app: App,
    browser: Browser,
    gate: Gate,
    saved: usize,
}

impl World {
    fn start(engine: Engine, app: App, server: &Server) -> Self {
        let public = app.path().join("public");
        for (name, text) in [
            ("probe.html", include_str!("probe.html")),
            ("probe.js", include_str!("probe.js")),
        ] {
            fs::write(public.join(name), text).unwrap();
        }
        let gate = Gate::to(server.address());
        let browser = Browser::start_with(engine);
        browser.open(&gate.url("/probe.html"));
        browser.wait("window.sse?.status === 'open'");
        Self {
            app,
            browser,
            gate,
            saved: 0,
        }
    }

    fn save(&mut self, count: usize) {
        for _ in 0..count {
            self.saved += 1;
            let value = self.saved.to_string();
            self.app.save("event_cache_key1", &value);
        }
    }

    /// Saves as long as the fault lasts.
    fn endure(&mut self) {
        let end = Instant::now() + A_WHILE;
        while Instant::now() < end {
            self.save(1);
            thread::sleep(A_WHILE / 20);
        }
    }

    /// Waits until the page has received all, and that in order and once.
    #[track_caller]
    fn has_received_all(&self, after: &str) {
        let start = Instant::now();
        while self.browser.evaluate("received.at(-1)") != self.saved {
            assert!(
                start.elapsed() < PATIENCE,
                "after {after}: the last of {} is missing in {}",
                self.saved,
                self.browser
                    .evaluate("[received.join(), sse.status, errors.join()]")
            );
            thread::sleep(Duration::from_millis(100));
        }
        let all: Vec<usize> = (1..=self.saved).collect();
        let received = self.browser.evaluate("received");
        assert_eq!(received, serde_json::json!(all), "after {after}");
        assert_eq!(self.browser.evaluate("gaps.length"), 0, "after {after}");
        assert_eq!(self.browser.evaluate("sse.status"), "open", "after {after}");
    }
}

/// 503 from a proxy, a server that is killed, a network that loses everything without a word, and a
/// machine that sleeps meanwhile.
pub(crate) fn lose_and_repeat_nothing(engine: Engine) {
    let app = App::in_memory();
    let server = app.start();
    let port = server.port().to_owned();
    let mut world = World::start(engine, app, &server);
    world.save(3);
    world.has_received_all("the beginning");

    world.gate.become_(Way::Unavailable);
    world.gate.cut();
    world.endure();
    world.gate.become_(Way::Open);
    world.has_received_all("ten seconds of 503");
    let errors = world.browser.evaluate("errors.includes(503)");
    assert_eq!(errors, true, "the page learns of it");

    server.kill();
    world.endure();
    let path = world.app.path().to_owned();
    let server = until("the port is free", || {
        Some(Server::start(&path, &[("PORT", &port)]))
    });
    world.has_received_all("ten seconds without a server");

    world.gate.become_(Way::Silent);
    world.gate.lose();
    world.endure();
    world.gate.become_(Way::Open);
    world.has_received_all("ten seconds without a network");

    world.browser.pause();
    world.gate.lose();
    world.endure();
    world.browser.resume();
    world.has_received_all("ten seconds of sleep");
    drop(server);
}
