//! A real browser, through WebDriver.

mod display;
mod driver;
mod engine;
mod session;

use std::{
    fmt::Debug,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use fantoccini::{
    Client, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    wd::WindowHandle,
};
use rustix::process::Signal;
use serde_json::{Value, json};

pub use self::engine::Engine;
use self::session::Session;
use crate::wait::{DEADLINE, until};

/// Each question costs the browser and its driver milliseconds, which a page that is waited for may need.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A headless browser with nothing of earlier tests. When it is dropped, what the test has left in it is removed, and
/// another test may use it; after a test that fails, or if nothing can be removed, it is closed.
///
/// All methods except [`Browser::new_tab`], [`Browser::tabs`] and [`Browser::close_tab`] act on the
/// current tab, which is the first one until [`Browser::switch_to`] selects another.
pub struct Browser {
    /// `None` after it has been dropped.
    session: Option<Session>,
}

/// A tab of a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab(WindowHandle);

impl Browser {
    /// Chromium. The test fails if it is not installed.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Engine::Chromium)
    }

    /// A browser with this engine. The test fails if it is not installed.
    #[must_use]
    pub fn start_with(engine: Engine) -> Self {
        let browser = Self {
            session: Some(Session::take(engine)),
        };
        browser.resize(1280, 900);
        browser
    }

    fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }

    fn client(&self) -> &Client {
        self.session().client()
    }

    /// Waits for the browser to complete a command, with a deadline.
    #[track_caller]
    fn drive<T, E: Debug>(&self, command: impl Future<Output = Result<T, E>>) -> T {
        self.session().drive(command)
    }

    #[track_caller]
    pub fn open(&self, url: &str) {
        self.drive(self.client().goto(url));
    }

    #[track_caller]
    pub fn reload(&self) {
        self.drive(self.client().refresh());
    }

    #[track_caller]
    pub fn back(&self) {
        self.drive(self.client().back());
    }

    #[track_caller]
    pub fn forward(&self) {
        self.drive(self.client().forward());
    }

    #[track_caller]
    pub fn click(&self, css: &str) {
        let client = self.client();
        self.drive(async { client.find(Locator::Css(css)).await?.click().await });
    }

    /// The value of a JavaScript expression; if it is a promise, the value that it is fulfilled with.
    #[track_caller]
    pub fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.drive(self.client().execute(&script, vec![]))
    }

    /// The same; `None` if the browser reports an error, for example because it is leaving the page.
    #[track_caller]
    #[must_use]
    pub fn try_evaluate(&self, expression: &str) -> Option<Value> {
        let script = format!("return ({expression});");
        self.drive(async { Ok::<_, ()>(self.client().execute(&script, vec![]).await.ok()) })
    }

    /// Runs a script.
    #[track_caller]
    pub fn execute(&self, script: &str) {
        self.drive(self.client().execute(script, vec![]));
    }

    /// Waits until the expression is true, and returns how long that took.
    #[track_caller]
    pub fn wait(&self, expression: &str) -> Duration {
        let start = Instant::now();
        loop {
            if self.evaluate(expression) == Value::Bool(true) {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < DEADLINE,
                "{expression} did not become true in {DEADLINE:?}; the page shows {}",
                self.evaluate("document.body.innerText")
            );
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits until the page has called `alert`, answers with OK, and returns the alert's text.
    #[track_caller]
    pub fn accept_alert(&self) -> String {
        until("the page shows an alert", || {
            let text = self.drive(async {
                match self.client().get_alert_text().await {
                    Err(error) if error.is_no_such_alert() => Ok(None),
                    result => result.map(Some),
                }
            })?;
            self.drive(self.client().accept_alert());
            Some(text)
        })
    }

    /// Opens an empty tab, which is not current before [`Browser::switch_to`].
    #[track_caller]
    #[must_use]
    pub fn new_tab(&self) -> Tab {
        Tab(self.drive(self.client().new_window(true)).handle)
    }

    #[track_caller]
    #[must_use]
    pub fn current_tab(&self) -> Tab {
        Tab(self.drive(self.client().window()))
    }

    /// All tabs, in no particular order.
    #[track_caller]
    #[must_use]
    pub fn tabs(&self) -> Vec<Tab> {
        let windows = self.drive(self.client().windows());
        windows.into_iter().map(Tab).collect()
    }

    /// Makes a tab the current one. `WebKitGTK` does not show it: its page stays hidden, without
    /// frames and with slow timers, but clicks and scripts work as in a visible one.
    #[track_caller]
    pub fn switch_to(&self, tab: &Tab) {
        self.drive(self.client().switch_to_window(tab.0.clone()));
    }

    /// Closes a tab, but not the last one, because that ends some browsers. If the current tab is
    /// closed, any other one becomes current.
    #[track_caller]
    pub fn close_tab(&self, tab: &Tab) {
        let current = self.current_tab();
        let others = self.tabs().into_iter().filter(|other| other != tab);
        let next = others.max_by_key(|other| *other == current);
        let next = next.expect("only dropping the browser closes the last tab");
        self.switch_to(tab);
        self.drive(self.client().close_window());
        self.switch_to(&next);
    }

    /// Sets a cookie for the whole site that is open, until the browser ends.
    #[track_caller]
    pub fn set_cookie(&self, name: &str, value: &str) {
        // Through the page, because drivers require different descriptions of a cookie.
        let cookie = Value::from(format!("{name}={value}; path=/"));
        self.execute(&format!("document.cookie = {cookie};"));
    }

    /// Deletes all cookies of the site that is open.
    #[track_caller]
    pub fn delete_cookies(&self) {
        self.drive(self.client().delete_all_cookies());
    }

    /// Stops the browser's processes until [`Browser::resume`], like a machine that sleeps.
    pub fn pause(&self) {
        self.session().signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.session().signal(Signal::CONT);
    }

    /// Writes a picture of the page, which must not be hidden.
    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        fs::write(path, self.drive(self.client().screenshot())).unwrap();
    }

    /// Has Chromium lay pages out for a window of this size, which may be smaller than a real window can be.
    #[track_caller]
    pub fn set_viewport(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Has Chromium answer these media queries with these values, such as `prefers-color-scheme` with `dark`.
    #[track_caller]
    pub fn emulate_media(&self, features: &[(&str, &str)]) {
        let features = features
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}));
        let features: Vec<Value> = features.collect();
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Presses a key of the keyboard: `Tab` or `Escape`.
    #[track_caller]
    pub fn press(&self, key: &str) {
        // WebDriver, 17.4.2 Keyboard actions: the code points that stand for keys.
        let value = match key {
            "Tab" => '\u{e004}',
            "Escape" => '\u{e00c}',
            other => panic!("the code point of {other} is not known"),
        };
        let actions = KeyActions::new("keyboard".to_owned());
        let actions = actions
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.drive(self.client().perform_actions(actions));
    }

    /// Runs a command of Chromium's `DevTools` protocol.
    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) {
        self.session().devtools(command, parameters).unwrap();
    }

    /// Hides the page until [`Browser::resize`] shows it again.
    #[track_caller]
    pub fn minimize(&self) {
        self.drive(self.client().minimize_window());
    }

    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.drive(self.client().set_window_size(width, height));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let session = self.session.take().unwrap();
        // A test that fails may leave its pages in any state.
        if !thread::panicking() {
            session.give_back();
        }
    }
}
