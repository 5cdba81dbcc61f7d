//! A browser and its driver, which tests use one after the other.

use std::{
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, error::CmdError};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};

use super::{driver::Driver, engine::Engine};
use crate::{http, wait::DEADLINE};

/// Longer than the 30 seconds after which drivers abort a script.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// Browsers that no test uses. To start one takes up to five seconds of processor time.
static IDLE: Mutex<Vec<Session>> = Mutex::new(Vec::new());

pub(super) struct Session {
    engine: Engine,
    runtime: Runtime,
    client: Option<Client>,
    driver: Driver,
}

impl Session {
    /// A browser without anything of an earlier test.
    pub(super) fn take(engine: Engine) -> Self {
        let mut idle = idle();
        let found = idle.iter().position(|session| session.engine == engine);
        let taken = found.map(|index| idle.swap_remove(index));
        drop(idle);
        taken.unwrap_or_else(|| Self::start(engine))
    }

    /// Keeps it for the next test, if everything that this one has left can be removed.
    pub(super) fn give_back(self) {
        if self.engine.can_be_cleared() && self.clear().is_ok() {
            idle().push(self);
        }
    }

    fn start(engine: Engine) -> Self {
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
        Self {
            engine,
            runtime,
            client: Some(client),
            driver,
        }
    }

    pub(super) fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    /// Waits for the browser to complete a command, with a deadline.
    #[track_caller]
    pub(super) fn drive<T, E: Debug>(&self, command: impl Future<Output = Result<T, E>>) -> T {
        self.runtime
            .block_on(async { timeout(COMMAND_TIMEOUT, command).await })
            .expect("the browser does not answer")
            .unwrap()
    }

    /// Runs a command of the driver that is not in the standard, and returns its value.
    pub(super) fn driver_command(
        &self,
        command: &str,
        parameters: &Value,
    ) -> Result<Value, String> {
        let id = self.runtime.block_on(self.client().session_id());
        let id = id.ok().flatten().ok_or("the session has ended")?;
        let json = [("Content-Type", "application/json")];
        let url = self.driver.url();
        let mut response = http::request(
            url.trim_start_matches("http://"),
            &format!("POST /session/{id}/{command}"),
            &json,
            &parameters.to_string(),
        );
        let text = response.read_body().map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if response.status == 200 {
            Ok(answer["value"].take())
        } else {
            Err(format!("{command} {parameters}: {text}"))
        }
    }

    /// Runs a command of Chromium's `DevTools` protocol.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, String> {
        let parameters = json!({"cmd": command, "params": parameters});
        self.driver_command("goog/cdp/execute", &parameters)
    }

    /// Sends a signal to the driver and its browser.
    pub(super) fn signal(&self, signal: Signal) {
        self.driver.signal(signal);
    }

    /// Leaves one new tab, and removes what pages store.
    fn clear(&self) -> Result<(), String> {
        let replaced = async { timeout(DEADLINE, replace_tabs(self.client())).await };
        let replaced = self.runtime.block_on(replaced);
        replaced
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        self.engine.clear(self)
    }
}

/// Opens a tab, and closes all others, with their session storage, history and cached pages.
async fn replace_tabs(client: &Client) -> Result<(), CmdError> {
    let old = client.windows().await?;
    let new = client.new_window(true).await?.handle;
    for tab in old {
        client.switch_to_window(tab).await?;
        client.close_window().await?;
    }
    client.switch_to_window(new).await
}

fn idle() -> MutexGuard<'static, Vec<Session>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // A browser that is closed removes its files. It is killed if it does not end in time.
            let closed = async { timeout(DEADLINE / 3, client.close()).await };
            let _ = self.runtime.block_on(closed);
        }
    }
}
