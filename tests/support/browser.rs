//! A real browser, through WebDriver.

mod display;
mod driver;
mod engine;
mod group;

use std::{
    env,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    wd::WindowHandle,
};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};

use self::driver::Driver;
pub use self::engine::Engine;
use crate::{build::workspace, http, wait::DEADLINE};

/// Longer than the 30 seconds after which drivers abort a script.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// A headless browser with its own profile; closed when dropped.
///
/// All methods except [`Browser::new_tab`], [`Browser::tabs`] and [`Browser::close_tab`] act on the
/// current tab, which is the first one until [`Browser::switch_to`] selects another.
pub struct Browser {
    runtime: Runtime,
    client: Option<Client>,
    driver: Driver,
}

/// A tab of a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab(WindowHandle);

impl Browser {
    /// Starts Chromium. The test fails if it is not installed.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Engine::Chromium)
    }

    /// Starts a browser with this engine. The test fails if it is not installed.
    #[must_use]
    pub fn start_with(engine: Engine) -> Self {
        let driver = Driver::start(engine);
        let Value::Object(capabilities) = engine.capabilities(&driver.profile()) else {
            unreachable!()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut client = ClientBuilder::new(HttpConnector::new());
        client.capabilities(capabilities);
        let url = driver.url();
        let session =
            runtime.block_on(async { timeout(COMMAND_TIMEOUT, client.connect(&url)).await });
        let client = session
            .unwrap_or_else(|_| panic!("{engine} does not start"))
            .unwrap_or_else(|error| {
                panic!(
                    "{engine} does not start: {error}\nhelp: `tests/setup` installs what it needs"
                )
            });
        let browser = Self {
            runtime,
            client: Some(client),
            driver,
        };
        browser.resize(1280, 900);
        browser
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    /// Waits for the browser to complete a command, with a deadline.
    #[track_caller]
    fn drive<T, E: Debug>(&self, command: impl Future<Output = Result<T, E>>) -> T {
        self.runtime
            .block_on(async { timeout(COMMAND_TIMEOUT, command).await })
            .expect("the browser does not answer")
            .unwrap()
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
            let text = self.evaluate("document.body.innerText");
            assert!(
                start.elapsed() < DEADLINE,
                "{expression} did not become true in {DEADLINE:?}; the page shows {text}"
            );
        }
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
        self.driver.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.driver.signal(Signal::CONT);
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
        let session = self.drive(self.client().session_id()).unwrap();
        let target = format!("POST /session/{session}/goog/cdp/execute");
        let body = json!({"cmd": command, "params": parameters}).to_string();
        let json = [("Content-Type", "application/json")];
        let url = self.driver.url();
        let address = url.trim_start_matches("http://");
        let mut response = http::request(address, &target, &json, &body);
        let text = response.read_body().unwrap();
        assert_eq!(response.status, 200, "{command}: {text}");
    }

    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.drive(self.client().set_window_size(width, height));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // A browser that is closed removes its files. It is killed if it does not end in time.
            let closed = async { timeout(DEADLINE / 3, client.close()).await };
            let _ = self.runtime.block_on(closed);
        }
    }
}

/// Finds a program in `PATH`, or where `tests/setup` installs what Debian does not package.
#[track_caller]
fn find(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([workspace().join("target/tools/bin")])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is missing\nhelp: `tests/setup` installs it"))
}
