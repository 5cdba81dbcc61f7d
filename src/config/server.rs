//! The parts of the configuration that only a server reads.

use std::{path::Path, time::Duration};

pub(crate) use super::{
    authority::{Authority, Host},
    env_snapshot::{EDIT_DEBOUNCE, EnvSnapshot},
};
use super::{definition::Config, parsed_settings, raw_settings::RawSettings};
use crate::error::Error;

impl Config {
    pub(crate) fn allowed_origins(&self) -> &[String] {
        let overriding = self.server.allowed_origins.as_deref();
        overriding.unwrap_or(&self.settings.allowed_origins)
    }

    /// `None` if neither `.env` nor code has set any.
    pub(crate) fn allowed_hosts(&self) -> Option<&[Authority]> {
        let overriding = self.server.allowed_hosts.as_deref();
        let hosts = overriding.unwrap_or(&self.settings.allowed_hosts);
        (!hosts.is_empty()).then_some(hosts)
    }

    pub(crate) fn max_connections(&self) -> usize {
        let overriding = self.server.max_connections;
        overriding.unwrap_or(self.settings.max_connections)
    }

    pub(crate) fn max_connections_per_address(&self) -> Option<usize> {
        self.server.max_connections_per_address
    }

    pub(crate) fn handles_signals(&self) -> bool {
        self.server.handles_signals
    }

    pub(crate) fn heartbeat_interval(&self) -> Duration {
        self.server.heartbeat_interval
    }

    pub(crate) fn retry_delay(&self) -> Duration {
        self.server.retry_delay
    }

    /// How many entries the journal keeps at least.
    pub(crate) fn min_history_entries(&self) -> u64 {
        self.server.min_history_entries
    }

    /// How many entries the ring holds at most.
    pub(crate) fn ring_entries(&self) -> usize {
        self.server.ring_entries
    }
}

/// Reads `SSE_ALLOWED_HOSTS` alone, for an app in which another setting cannot be used.
pub(crate) fn allowed_hosts_in_env(app_dir: &Path) -> Result<Vec<Authority>, Error> {
    parsed_settings::parse_allowed_hosts(&RawSettings::read(app_dir)?)
}
