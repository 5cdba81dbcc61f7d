//! How many requests browsers make while they get no stream.

use std::{
    thread,
    time::{Duration, Instant},
};

use support::{Browser, Engine, Tab, until};

use super::{
    fault_proxy::{FaultProxy, Mode},
    site::Site,
};

/// Long enough for several requests per second to be noticed.
const OBSERVED: Duration = Duration::from_secs(10);

struct Setup {
    _site: Site,
    proxy: FaultProxy,
    browser: Browser,
}

impl Setup {
    fn start(engine: Engine) -> Self {
        let site = Site::start();
        let proxy = FaultProxy::in_front_of(site.address());
        let setup = Self {
            _site: site,
            proxy,
            browser: Browser::start_with(engine),
        };
        setup.open_page();
        setup.browser.wait("sse.status === 'open'");
        setup
    }

    fn open_page(&self) {
        self.browser.open(&self.proxy.url("/"));
        self.browser.wait("window.sse !== undefined");
    }

    fn open_tab(&self) -> Tab {
        let tab = self.browser.new_tab();
        self.browser.switch_to(&tab);
        self.open_page();
        tab
    }

    /// How often the page's EventSource has failed.
    fn failures(&self) -> u64 {
        self.browser.evaluate("window.failures").as_u64().unwrap()
    }
}

/// The server ends the stream as planned, and is down when the client returns. The page counts the requests,
/// because Firefox itself makes up to ten of each that gets no answer.
pub(crate) fn slow_down_a_plain_eventsource(engine: Engine) {
    let setup = Setup::start(engine);
    let Setup { browser, proxy, .. } = &setup;
    browser.execute(
        "sse.close();
        window.failures = 0;
        window.source = new EventSource('/sse/stream');
        source.onerror = () => { window.failures += 1; };",
    );
    browser.wait("source.readyState === EventSource.OPEN");
    proxy.set_mode(Mode::Closed);
    until("the client returns after the planned end", || {
        (proxy.refused() > 0).then_some(())
    });
    let (start, before) = (Instant::now(), setup.failures());
    thread::sleep(OBSERVED);
    let requests = setup.failures() - before;
    let seconds = start.elapsed().as_secs();
    assert!(
        requests >= 2 && requests <= seconds + 1,
        "{requests} requests in {seconds} s"
    );
}

pub(crate) fn keep_all_tabs_waiting(engine: Engine) {
    let setup = Setup::start(engine);
    let Setup { browser, proxy, .. } = &setup;
    let leader = browser.current_tab();
    let mut tabs = vec![setup.open_tab(), setup.open_tab()];
    browser.wait("sse.status === 'open'");
    proxy.set_mode(Mode::Busy);
    proxy.cut();
    browser.wait("errors.includes(503)");
    assert_eq!(proxy.refused(), 1);

    tabs.push(setup.open_tab());
    browser.close_tab(&leader);
    until("another tab leads", || {
        tabs.iter()
            .any(|tab| {
                browser.switch_to(tab);
                browser.evaluate("sse.leading") == true
            })
            .then_some(())
    });
    for tab in &tabs {
        browser.switch_to(tab);
        browser.execute("dispatchEvent(new Event('online'))");
    }
    thread::sleep(OBSERVED);
    assert_eq!(proxy.refused(), 1);

    browser.execute("sse.connect()");
    until("connect() does not wait", || {
        (proxy.refused() == 2).then_some(())
    });
}
