//! A browser with the page that runs the cases.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};
use support::{Browser, Engine};

use crate::{answer::Answer, site::Site};

/// The values of `readyState`.
pub(crate) const CONNECTING: u8 = 0;
pub(crate) const OPEN: u8 = 1;
pub(crate) const CLOSED: u8 = 2;

/// A browser and its server. All cases of an engine share them.
pub(crate) struct Session {
    pub(crate) engine: Engine,
    pub(crate) site: Site,
    browser: Browser,
}

/// Runs a case in the engine's session, which the first case starts.
pub(crate) fn run(engine: Engine, case: impl FnOnce(&Session)) {
    static SESSIONS: [Mutex<Option<Session>>; 3] = [const { Mutex::new(None) }; 3];

    let mut shared = SESSIONS[engine as usize]
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    // A case that fails drops the session, because its page may be in any state.
    let session = shared.take().unwrap_or_else(|| Session::start(engine));
    session.open_unless_current();
    case(&session);
    *shared = Some(session);
}

impl Session {
    fn start(engine: Engine) -> Self {
        Self {
            engine,
            site: Site::start(),
            browser: Browser::start_with(engine),
        }
    }

    /// Returns to the page with the cases, if the case before has left it.
    fn open_unless_current(&self) {
        let origin = Value::from(self.site.here.as_str());
        let is_current = format!("window.cases !== undefined && location.origin === {origin}");
        if self.evaluate(&is_current) != true {
            self.open(&self.site.here);
        }
    }

    /// Opens the page with the cases at this origin.
    pub(crate) fn open(&self, origin: &str) {
        self.browser.open(&format!("{origin}/"));
        self.browser.wait("window.cases !== undefined");
    }

    /// Opens another page, without running scripts in it.
    pub(crate) fn visit(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.site.here));
    }

    pub(crate) fn execute(&self, script: &str) {
        self.browser.execute(script);
    }

    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        self.browser.evaluate(expression)
    }

    /// Runs a function of `cases.js`.
    pub(crate) fn run(&self, function: &str, arguments: &[Value]) -> Value {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        self.evaluate(&format!("cases.{function}({})", arguments.join(", ")))
    }

    /// Everything that a client of `/play/NAME` receives before the event `end`.
    pub(crate) fn receive(&self, name: &str) -> Value {
        self.run("receive", &[path(name)])
    }

    /// Lets a client connect, reconnect at once and receive the end. By then, another client has done
    /// everything that it does without a delay.
    pub(crate) fn run_other_client(&self, name: &str) {
        self.site.plays(name, [Answer::retry_soon(), Answer::end()]);
        let received = self.receive(name);
        assert_eq!(received, json!([open(), lost(), open()]), "{name}");
    }

    /// Expects that the requests contained these ids.
    #[track_caller]
    pub(crate) fn expect_last_ids(&self, name: &str, expected: &[Option<&str>]) {
        let requests = self.site.requests(name);
        let ids = requests
            .iter()
            .map(|request| request.query("last_event_id"));
        let ids: Vec<_> = ids.collect();
        self.expect(name, ids.as_slice(), expected);
    }

    #[track_caller]
    pub(crate) fn expect<T: PartialEq + Serialize + ?Sized>(
        &self,
        what: &str,
        actual: &T,
        expected: &T,
    ) {
        let [shown, shown_expected] =
            [actual, expected].map(|value| serde_json::to_string(value).unwrap());
        assert!(
            actual == expected,
            "{}: {what}\n  is       {shown}\n  expected {shown_expected}",
            self.engine
        );
    }
}

/// The path of a case's stream.
pub(crate) fn path(name: &str) -> Value {
    format!("/play/{name}").into()
}

/// The record of a connection that was opened.
pub(crate) fn open() -> Value {
    json!(["open", OPEN])
}

/// The record of a connection that was lost and will be reopened.
pub(crate) fn lost() -> Value {
    json!(["error", CONNECTING, null, null, false])
}

/// The record of a response that is not a stream, after which the client retries.
pub(crate) fn refused(status: u16, body: &str) -> Value {
    json!(["error", CONNECTING, status, body, false])
}

/// The record of a final response.
pub(crate) fn refused_for_good(status: u16, body: &str) -> Value {
    json!(["error", CLOSED, status, body, true])
}

/// The record of an event without a name.
pub(crate) fn message(data: &str, last_event_id: &str) -> Value {
    json!(["message", data, last_event_id])
}

/// The record of an event.
pub(crate) fn event(name: &str, data: &str) -> Value {
    json!([name, data, ""])
}
