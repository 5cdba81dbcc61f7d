//! Reports once that the process has no free descriptor, however many keys it affects.

use std::path::PathBuf;

use crate::{error::Error, runtime::RepeatedError};

pub(super) struct Shortage {
    claimed_path: PathBuf,
    error: RepeatedError,
}

impl Shortage {
    pub(super) fn new(claimed_path: PathBuf) -> Self {
        Self {
            claimed_path,
            error: RepeatedError::new(
                "some drop-ins are ingested late",
                "drop-ins are ingested without delay",
            ),
        }
    }

    /// Reports the error if a shortage of descriptors has caused it; `false` if something else has.
    pub(super) fn reports(&mut self, error: &Error) -> bool {
        let Some(cause) = error.shortage_of_descriptors() else {
            return false;
        };
        // The same text for every key, so that it is logged once.
        let error = Error::io("open drop-ins", &self.claimed_path, cause);
        self.error.report(&error);
        true
    }

    pub(super) fn note_end(&mut self) {
        self.error.note_success();
    }
}
