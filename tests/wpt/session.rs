//! A browser at the server, and a record of what was wrong.

use std::thread;

use serde::Serialize;
use serde_json::{Value, json};
use support::{Browser, Engine};

use crate::{answer::Answer, site::Site};

/// The values of `readyState`.
pub(crate) const CONNECTING: u8 = 0;
pub(crate) const OPEN: u8 = 1;
pub(crate) const CLOSED: u8 = 2;

/// The cases of a group share one browser. What is wrong with one does not keep the others from being
/// tried; all of it is said when this is dropped.
pub(crate) struct Session {
    pub(crate) engine: Engine,
    pub(crate) site: Site,
    browser: Browser,
    wrong: Vec<String>,
}

impl Session {
    pub(crate) fn start(engine: Engine) -> Self {
        let session = Self {
            engine,
            site: Site::start(),
            browser: Browser::start_with(engine),
            wrong: Vec::new(),
        };
        session.open(&session.site.here);
        session
    }

    /// Opens an empty page of this origin, which has the cases.
    pub(crate) fn open(&self, origin: &str) {
        self.browser.open(&format!("{origin}/"));
        self.browser.wait("window.cases !== undefined");
    }

    /// Opens any page, without looking into it.
    pub(crate) fn visit(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.site.here));
    }

    pub(crate) fn execute(&self, script: &str) {
        self.browser.execute(script);
    }

    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        self.browser.evaluate(expression)
    }

    /// What a function in `cases.js` says.
    pub(crate) fn run(&self, function: &str, arguments: &[Value]) -> Value {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        self.evaluate(&format!("cases.{function}({})", arguments.join(", ")))
    }

    /// All that is heard at `/play/NAME` before the event `end`.
    pub(crate) fn hear(&self, name: &str) -> Value {
        self.run("hear", &[path(name)])
    }

    /// A client that loses a connection at once, returns and hears the end. Whatever another client
    /// might have done meanwhile without any further waiting, it has done.
    pub(crate) fn pass_by(&self, name: &str) {
        self.site.plays(name, [Answer::hurry(), Answer::end()]);
        let heard = self.hear(name);
        assert_eq!(heard, json!([open(), lost(), open()]), "{name}");
    }

    /// Notes it down if the ids that the server was asked to go on after are not these.
    pub(crate) fn expect_places(&mut self, name: &str, expected: &[Option<&str>]) {
        let asked = self.site.asked(name);
        let places = asked.iter().map(|asked| asked.query("last_event_id"));
        let places: Vec<_> = places.collect();
        self.expect(name, places.as_slice(), expected);
    }

    /// Notes it down if a case went another way than expected.
    pub(crate) fn expect<T: PartialEq + Serialize + ?Sized>(
        &mut self,
        name: &str,
        actual: &T,
        expected: &T,
    ) {
        if actual != expected {
            let [actual, expected] =
                [actual, expected].map(|one| serde_json::to_string(one).unwrap());
            let wrong = format!("{name}\n  is       {actual}\n  expected {expected}");
            self.wrong.push(wrong);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Self { engine, wrong, .. } = self;
        for case in &*wrong {
            eprintln!("{engine}: {case}");
        }
        assert!(
            wrong.is_empty() || thread::panicking(),
            "{engine}: {} cases went wrong",
            wrong.len()
        );
    }
}

/// The address of a case's stream.
pub(crate) fn path(name: &str) -> Value {
    format!("/play/{name}").into()
}

/// What is heard of a connection that was opened.
pub(crate) fn open() -> Value {
    json!(["open", OPEN])
}

/// What is heard of a connection that was lost: it will be made again.
pub(crate) fn lost() -> Value {
    json!(["error", CONNECTING, null, null, false])
}

/// What is heard of an answer that is no stream, after which the client tries again.
pub(crate) fn refused(status: u16, body: &str) -> Value {
    json!(["error", CONNECTING, status, body, false])
}

/// What is heard of an answer that another try would not change.
pub(crate) fn refused_for_good(status: u16, body: &str) -> Value {
    json!(["error", CLOSED, status, body, true])
}

/// What is heard of an event without a name.
pub(crate) fn message(data: &str, last_event_id: &str) -> Value {
    json!(["message", data, last_event_id])
}

/// What is heard of an event.
pub(crate) fn event(name: &str, data: &str) -> Value {
    json!([name, data, ""])
}
