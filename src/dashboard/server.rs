//! Which server answers: behind a load balancer, it is not always the same.

use std::{process, sync::OnceLock, time::SystemTime};

use serde::Serialize;

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerIdentity {
    /// The name of the machine.
    name: String,
    process_id: u32,
    /// In the format of RFC 3339.
    started_at: String,
}

impl ServerIdentity {
    /// It is the same each time. The first call counts as the start, so call it when the app is built.
    pub(super) fn of_this_process() -> &'static Self {
        static IDENTITY: OnceLock<ServerIdentity> = OnceLock::new();
        IDENTITY.get_or_init(|| Self {
            name: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            process_id: process::id(),
            started_at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        })
    }
}
