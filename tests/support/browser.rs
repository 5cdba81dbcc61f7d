//! A real browser, through WebDriver.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::wait::{DEADLINE, until};

/// Headless Chromium with one window and a profile of its own; closed when dropped.
pub struct Browser {
    runtime: Runtime,
    client: Option<Client>,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser. A machine without `chromedriver` fails the test.
    #[must_use]
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let output = profile.path().join("chromedriver.out");
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(File::create(&output).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: install the packages that `tests/run` names");
        let port = until("chromedriver listens", || {
            let said = fs::read_to_string(&output).unwrap();
            let (_, rest) = said.split_once("successfully on port ")?;
            rest.split_once('.').map(|(port, _)| port.to_owned())
        });

        let mut arguments = vec![
            "--headless".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1280,900".to_owned(),
            format!(
                "--user-data-dir={}",
                profile.path().join("profile").display()
            ),
        ];
        if rustix::process::geteuid().is_root() {
            // Chromium's sandbox refuses to run as root, as containers do.
            arguments.push("--no-sandbox".to_owned());
        }
        let options = json!({"goog:chromeOptions": {"args": arguments}});
        let Value::Object(capabilities) = options else {
            unreachable!()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime
            .block_on(
                ClientBuilder::new(hyper_connector())
                    .capabilities(capabilities)
                    .connect(&format!("http://127.0.0.1:{port}")),
            )
            .unwrap();
        Self {
            runtime,
            client: Some(client),
            driver,
            _profile: profile,
        }
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    #[track_caller]
    pub fn open(&self, url: &str) {
        self.runtime.block_on(self.client().goto(url)).unwrap();
    }

    #[track_caller]
    pub fn click(&self, css: &str) {
        let client = self.client();
        self.runtime
            .block_on(async { client.find(Locator::Css(css)).await?.click().await })
            .unwrap();
    }

    /// What JavaScript's `return EXPRESSION` gives.
    #[track_caller]
    pub fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.runtime
            .block_on(self.client().execute(&script, vec![]))
            .unwrap()
    }

    /// Runs a script.
    #[track_caller]
    pub fn execute(&self, script: &str) {
        self.runtime
            .block_on(self.client().execute(script, vec![]))
            .unwrap();
    }

    /// Waits until the expression is true, and says how long that took.
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
                "waited in vain for {expression}; the page says {text}"
            );
        }
    }

    /// Writes a picture of the window.
    pub fn screenshot(&self, path: &Path) {
        fs::write(
            path,
            self.runtime.block_on(self.client().screenshot()).unwrap(),
        )
        .unwrap();
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.runtime
            .block_on(self.client().set_window_size(width, height))
            .unwrap();
    }
}

fn hyper_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // Ends the browser; without it the driver's end would leave it behind.
            let _ = self.runtime.block_on(client.close());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
