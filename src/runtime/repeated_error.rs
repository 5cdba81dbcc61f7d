//! What goes wrong without anybody who waits for an answer. Faults that last are said once, and once
//! more when they are over.

use crate::error::Error;

/// What is wrong with one of the background threads.
pub(crate) struct Fault {
    what: &'static str,
    now: Option<String>,
}

impl Fault {
    /// `what` is so as long as there is a fault, as in "saved values are not delivered".
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, now: None }
    }

    pub(crate) fn report(&mut self, error: &Error) {
        let text = error.to_string();
        if self.now.as_ref() != Some(&text) {
            report(&format!("{}: {text}", self.what));
            if let Some(help) = error.help() {
                report(&format!("help: {help}"));
            }
            self.now = Some(text);
        }
    }

    pub(crate) fn clear(&mut self) {
        if self.now.take().is_some() {
            log::info!("it is over that {}", self.what);
        }
    }
}

/// To the log, or to standard error where the app has set up none: this must not go unseen.
pub(crate) fn report(text: &str) {
    if log::log_enabled!(log::Level::Error) {
        log::error!("{text}");
    } else {
        eprintln!("{text}");
    }
}
