//! The measurements of all servers.

mod delivery;
mod idle;
mod latency;
mod private;

use std::{fmt::Display, io, path::Path};

use crate::{clients::Load, report::Results, servers::ServerKind};

/// A measurement, in the order of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scenario {
    /// Many streams, two events a second.
    Steady { streams: usize },
    /// Many events at once.
    Burst { streams: usize, events: usize },
    /// One stream, one event after the other.
    Latency { events: usize },
    /// Each stream has a user of its own, and each event is for one of them. Once with few users, and once with
    /// many.
    Private { few: usize, many: usize },
    /// Streams without events.
    Idle { streams: usize },
}

impl Scenario {
    pub(crate) const ALL: [Self; 7] = [
        Self::Steady { streams: 1_000 },
        Self::Steady { streams: 5_000 },
        Self::Steady { streams: 15_000 },
        Self::Burst {
            streams: 500,
            events: 300,
        },
        Self::Latency { events: 200 },
        Self::Private {
            few: 10,
            many: 10_000,
        },
        Self::Idle { streams: 10_000 },
    ];

    /// The same with small numbers, to test the benchmark.
    pub(crate) const SMALL: [Self; 5] = [
        Self::Steady { streams: 50 },
        Self::Burst {
            streams: 20,
            events: 30,
        },
        Self::Latency { events: 10 },
        Self::Private { few: 3, many: 30 },
        Self::Idle { streams: 100 },
    ];

    pub(crate) fn servers(self) -> Vec<ServerKind> {
        if matches!(self, Self::Private { .. }) {
            // The others have no channels of their own.
            return vec![ServerKind::Ours, ServerKind::Nchan];
        }
        let mut servers = ServerKind::DELIVERING.to_vec();
        if matches!(self, Self::Idle { .. }) {
            servers.push(ServerKind::Bare);
        }
        servers
    }

    /// Starts one server in the empty folder `dir`, and measures it.
    pub(crate) fn measure(
        self,
        name: ServerKind,
        dir: &Path,
        results: &mut Results,
    ) -> io::Result<()> {
        match self {
            Self::Steady { streams } => delivery::steady(streams, name, dir, results),
            Self::Burst { streams, events } => delivery::burst(streams, events, name, dir, results),
            Self::Latency { events } => latency::measure(events, name, dir, results),
            Self::Private { few, many } => private::measure(few, many, name, dir, results),
            Self::Idle { streams } => idle::measure(streams, name, dir, results),
        }
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Steady { streams } => write!(f, "{streams} streams, 2 events/s"),
            Self::Burst { streams, events } => write!(f, "{streams} streams, {events} at once"),
            Self::Latency { .. } => write!(f, "one stream"),
            Self::Private { few, many } => write!(f, "one of {few} or {many} users"),
            Self::Idle { streams } => write!(f, "{streams} idle streams"),
        }
    }
}

/// Warns if the clients may have been slower than the server.
fn warn_if_clients_were_busy(load: Load, measurement: impl Display, results: &mut Results) {
    if load.is_bottleneck() {
        results.warn(format!(
            "{measurement}: the clients were busy {:.0} % of the time and may have delayed the server",
            load.0 * 100.0
        ));
    }
}
