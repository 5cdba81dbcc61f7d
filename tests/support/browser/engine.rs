//! The browsers, and how each is started.

use std::{fmt, path::Path};

use serde_json::{Value, json};

use super::{driver::listens_on, session::Session};
use crate::program::find_program;

/// Has Firefox remove what pages have stored.
const CLEAR: &str = "const data = Ci.nsIClearDataService;
    const stored = data.CLEAR_COOKIES_AND_SITE_DATA | data.CLEAR_ALL_CACHES;
    return new Promise((done) => Services.clearData.deleteData(stored, () => done()));";

/// A browser's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
    /// `WebKitGTK`, Safari's engine.
    WebKit,
}

impl Engine {
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// Its driver, on a port that the system chooses.
    pub(super) fn driver(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Chromium => ("chromedriver", &["--port=0"]),
            // With access to the browser itself, which removes what pages store.
            Self::Firefox => ("geckodriver", &["--port=0", "--allow-system-access"]),
            Self::WebKit => ("WebKitWebDriver", &["--port=0"]),
        }
    }

    /// The port, from what the driver has printed so far.
    pub(super) fn port(self, driver: u32, printed: &str) -> Option<u16> {
        let (before, after) = match self {
            Self::Chromium => ("successfully on port ", '.'),
            Self::Firefox => ("Listening on 127.0.0.1:", '\n'),
            Self::WebKit => return listens_on(driver),
        };
        let (port, _) = printed.split_once(before)?.1.split_once(after)?;
        port.parse().ok()
    }

    pub(super) fn needs_a_display(self) -> bool {
        self == Self::WebKit
    }

    /// Whether everything that pages leave can be removed.
    pub(super) fn can_be_cleared(self) -> bool {
        // Its driver can only delete cookies. But it starts in a fraction of a second.
        self != Self::WebKit
    }

    /// Removes the cookies, the cache and everything that pages have stored.
    pub(super) fn clear(self, session: &Session) -> Result<(), String> {
        match self {
            Self::Chromium => {
                let all = json!({"origin": "*", "storageTypes": "all"});
                session.devtools("Storage.clearDataForOrigin", &all)?;
                session.devtools("Network.clearBrowserCookies", &json!({}))?;
                session.devtools("Network.clearBrowserCache", &json!({}))?;
            }
            Self::Firefox => {
                session.driver_command("moz/context", &json!({"context": "chrome"}))?;
                session.driver_command("execute/sync", &json!({"script": CLEAR, "args": []}))?;
                session.driver_command("moz/context", &json!({"context": "content"}))?;
            }
            Self::WebKit => unreachable!(),
        }
        Ok(())
    }

    /// The capabilities for a browser with a new profile.
    pub(super) fn capabilities(self, profile: &Path) -> Value {
        match self {
            Self::Chromium => json!({
                // Tests with TLS create their certificates themselves.
                "acceptInsecureCerts": true,
                "goog:chromeOptions": {"args": chromium(profile)},
            }),
            // Its driver always creates a new profile, in the folder for temporary files.
            Self::Firefox => json!({"moz:firefoxOptions": {
                "binary": find_program("firefox-esr"),
                "args": ["-headless"],
            }}),
            // Its driver finds the browser, whose sessions are private.
            Self::WebKit => json!({"proxy": {"proxyType": "direct"}}),
        }
    }
}

fn chromium(profile: &Path) -> Vec<String> {
    let mut arguments = vec![
        "--headless".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    if rustix::process::geteuid().is_root() {
        // Chromium's sandbox refuses to run as root, as containers do.
        arguments.push("--no-sandbox".to_owned());
    }
    arguments
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
            Self::WebKit => "WebKit",
        })
    }
}
