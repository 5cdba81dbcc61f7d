//! Errors of background threads, which have no caller to return them to. An error that persists is
//! logged once, and once more when it is resolved.

use tracing::Level;

use crate::error::Error;

/// The last error of one activity that is tried again and again.
pub(crate) struct RepeatedError {
    consequence: &'static str,
    recovery: &'static str,
    reported: Option<String>,
}

impl RepeatedError {
    /// `consequence` introduces each error, as in "saved values are not delivered: …".
    /// `recovery` is logged once the activity succeeds, as in "the delivery of saved values has resumed".
    pub(crate) fn new(consequence: &'static str, recovery: &'static str) -> Self {
        Self {
            consequence,
            recovery,
            reported: None,
        }
    }

    /// Reports an error or its end.
    pub(crate) fn note(&mut self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.note_success(),
            Err(error) => self.report(&error),
        }
    }

    pub(crate) fn report(&mut self, error: &Error) {
        let text = error.to_string();
        if self.reported.as_ref() != Some(&text) {
            // In one record, because log records of other threads may come between two.
            let help = error.help().map(|help| format!("; help: {help}"));
            let help = help.unwrap_or_default();
            log_or_print(&format!("{}: {text}{help}", self.consequence));
            self.reported = Some(text);
        }
    }

    #[cfg(test)]
    pub(crate) fn is_reported(&self) -> bool {
        self.reported.is_some()
    }

    /// Logs the recovery if an error was reported before.
    pub(crate) fn note_success(&mut self) {
        if self.reported.take().is_some() {
            tracing::info!("resolved: {}", self.recovery);
        }
    }
}

/// Logs an error, or prints it to standard error if the app has neither a subscriber nor a logger: it must not go unseen.
pub(crate) fn log_or_print(text: &str) {
    // The second check is for apps whose logger gets tracing's events through the crate `log`.
    if tracing::enabled!(Level::ERROR) || log::log_enabled!(log::Level::Error) {
        tracing::error!("{text}");
    } else {
        eprintln!("{text}");
    }
}
