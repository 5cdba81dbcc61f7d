//! Faults of the network, the server and the machine.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use support::{App, Browser, Engine, ReservedPort, Server};

use super::fault_proxy::{FaultProxy, Mode};

/// How long each fault lasts.
const FAULT_DURATION: Duration = Duration::from_secs(10);
/// Two missing heartbeats and the longest retry delay after them, on a busy machine.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(90);

/// A page that is connected to the starter through a proxy.
struct Setup {
    app: App,
    browser: Browser,
    proxy: FaultProxy,
    saved: usize,
}

impl Setup {
    fn start(engine: Engine, app: App, server: &Server) -> Self {
        let public = app.path().join("public");
        for (name, text) in [
            ("probe.html", include_str!("probe.html")),
            ("probe.js", include_str!("probe.js")),
        ] {
            fs::write(public.join(name), text).unwrap();
        }
        let proxy = FaultProxy::in_front_of(server.address());
        let browser = Browser::start_with(engine);
        browser.open(&proxy.url("/probe.html"));
        browser.wait("window.sse?.status === 'open'");
        Self {
            app,
            browser,
            proxy,
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

    /// Saves values while the fault lasts.
    fn save_during_fault(&mut self) {
        let end = Instant::now() + FAULT_DURATION;
        while Instant::now() < end {
            self.save(1);
            thread::sleep(FAULT_DURATION / 20);
        }
    }

    /// Waits until the page has received all values, each once and in order.
    #[track_caller]
    fn has_received_all(&self, after: &str) {
        let start = Instant::now();
        while self.browser.evaluate("received.at(-1)") != self.saved {
            assert!(
                start.elapsed() < RECOVERY_TIMEOUT,
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

/// 503 from a proxy, a server that is killed, a network that drops everything silently, and a machine
/// that sleeps.
pub(crate) fn lose_and_repeat_nothing(engine: Engine) {
    let app = App::in_memory();
    // Nothing else takes the port while the server is down.
    let port = ReservedPort::new();
    let server = app.start_on(&port);
    let mut setup = Setup::start(engine, app, &server);
    setup.save(3);
    setup.has_received_all("the beginning");

    setup.proxy.set_mode(Mode::Unavailable);
    setup.proxy.cut();
    setup.save_during_fault();
    setup.proxy.set_mode(Mode::Open);
    setup.has_received_all("ten seconds of 503");
    let errors = setup.browser.evaluate("errors.includes(503)");
    assert_eq!(errors, true, "the page is notified of the 503");

    server.kill();
    setup.save_during_fault();
    let server = setup.app.start_on(&port);
    setup.has_received_all("ten seconds without a server");

    setup.proxy.set_mode(Mode::Silent);
    setup.proxy.lose();
    setup.save_during_fault();
    setup.proxy.set_mode(Mode::Open);
    setup.has_received_all("ten seconds without a network");

    setup.browser.pause();
    setup.proxy.lose();
    setup.save_during_fault();
    setup.browser.resume();
    setup.has_received_all("ten seconds of sleep");
    drop(server);
}
