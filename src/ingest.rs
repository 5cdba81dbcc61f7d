//! Drop-ins: files that any program puts into the cache folder under a cache key's name.
//!
//! A drop-in is on its way in one of these places, and moves on by one rename at a time, so that a
//! process that is killed anywhere neither loses nor doubles it:
//!
//! 1. `KEY`: where its writer put it. It is renamed away *before* it is read, so that a writer who
//!    comes later makes another file.
//! 2. `.sse/claimed/NAME/KEY`: until its writer has closed it.
//! 3. `.sse/ready/NAME`: the whole journal entry. From here on, what is left in `claimed/NAME` is
//!    nothing but rubbish.
//! 4. The journal.

mod claim;
mod content;
mod intake;
mod php;
#[cfg(test)]
mod tests;
mod watch;
mod writers;

use std::sync::Arc;

use self::intake::{Ended, Intake};
use crate::{
    config::ConfigWatcher,
    error::Error,
    journal::file::FileJournal,
    runtime::{BackgroundThread, RepeatedError},
};

/// Takes drop-ins for as long as the returned handle lives. Of several processes on one cache, one
/// does so at a time, and another takes over when it ends.
pub(crate) fn start(
    journal: Arc<FileJournal>,
    config_watcher: Arc<ConfigWatcher>,
) -> Result<BackgroundThread, Error> {
    let folder = journal.folder().path().to_path_buf();
    BackgroundThread::start("sse-drop-ins", move |interrupt| {
        let mut fault =
            RepeatedError::new("drop-ins are not ingested", "drop-ins are ingested again");
        while !interrupt.is_raised() {
            let config = config_watcher.current();
            let mut intake = Intake::new(&journal, &config, interrupt);
            match intake.serve(|| Arc::ptr_eq(&config, &config_watcher.current())) {
                Ok(Ended::Reconfigured) => continue,
                Ok(Ended::Idle) => fault.resolved(),
                Err(error) => fault.report(&error),
            }
            interrupt.wait(config.poll_interval());
        }
    })
    .map_err(|error| Error::io("take drop-ins from the cache folder", &folder, error))
}

/// What the fuzz targets need of this module.
#[cfg(all(any(fuzzing, test), feature = "actix"))]
pub(crate) mod fuzzing {
    use serde_json::value::RawValue;

    use super::{content, php};

    /// A drop-in's value, and whether it stood in a record of CodeIgniter.
    pub(crate) fn value(bytes: &[u8]) -> Result<(Box<RawValue>, bool), String> {
        Ok((content::parse(bytes)?.value, php::looks_like_array(bytes)))
    }
}
