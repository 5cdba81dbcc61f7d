//! The parts of the configuration that only a server reads.

use std::{path::Path, time::Duration};

pub(crate) use super::{
    authority::{Authority, Host},
    env_snapshot::{DEBOUNCE, EnvSnapshot},
};
use super::{definition::Config, settings::Settings, values};
use crate::error::Error;

impl Config {
    pub(crate) fn allowed_origins(&self) -> &[String] {
        let in_code = self.server.allowed_origins.as_deref();
        in_code.unwrap_or(&self.values.allowed_origins)
    }

    /// `None` if neither the key nor code has set any.
    pub(crate) fn allowed_hosts(&self) -> Option<&[Authority]> {
        let in_code = self.server.allowed_hosts.as_deref();
        let hosts = in_code.unwrap_or(&self.values.allowed_hosts);
        (!hosts.is_empty()).then_some(hosts)
    }

    pub(crate) fn max_connections(&self) -> usize {
        let in_code = self.server.max_connections;
        in_code.unwrap_or(self.values.max_connections)
    }

    pub(crate) fn max_connections_per_address(&self) -> Option<usize> {
        self.server.max_connections_per_address
    }

    pub(crate) fn handles_signals(&self) -> bool {
        self.server.handles_signals
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.server.heartbeat
    }

    pub(crate) fn retry(&self) -> Duration {
        self.server.retry
    }

    /// How many entries the journal keeps at least.
    pub(crate) fn history(&self) -> u64 {
        self.server.history
    }

    /// How many entries the ring holds.
    pub(crate) fn in_memory(&self) -> usize {
        self.server.in_memory
    }
}

/// Reads `SSE_ALLOWED_HOSTS` alone, for an app in which another key cannot be used.
pub(crate) fn allowed_hosts_in_env(app_dir: &Path) -> Result<Vec<Authority>, Error> {
    values::allowed_hosts(&Settings::read(app_dir)?)
}
