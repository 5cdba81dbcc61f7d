//! The folder of an app of this project.

use std::{fs, io, path::Path};

/// The configuration of the starter app.
pub(crate) struct StarterSettings<'a> {
    /// `SSE_EVENTS`.
    pub(crate) events: &'a str,
    /// `SSE_STREAM_DURATION`.
    pub(crate) duration: &'a str,
    /// `SSE_CACHE`, if the journal is on Redis.
    pub(crate) redis: Option<&'a str>,
}

impl Default for StarterSettings<'_> {
    fn default() -> Self {
        Self {
            events: "order:order",
            duration: "0",
            redis: None,
        }
    }
}

/// Makes `dir` the folder of an app.
pub(crate) fn prepare(dir: &Path, settings: &StarterSettings<'_>) -> io::Result<()> {
    let mut env = format!(
        "SSE_EVENTS={}\nSSE_STREAM_DURATION={}\nSSE_MAX_CONNECTIONS=19000\n",
        settings.events, settings.duration
    );
    if let Some(url) = settings.redis {
        env.push_str(&format!("SSE_CACHE={url}\n"));
    }
    fs::write(dir.join(".env"), env)
}
