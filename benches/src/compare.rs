//! The measurements of all servers.

mod delivery;
mod idle;
mod latency;
mod losses;
mod private;

use std::{fmt::Display, io, path::Path};

use crate::{clients::Load, report::Results, servers::ServerKind};

/// A measurement, in the order of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scenario {
    /// Many streams, two events a second.
    Steady { streams: usize },
    /// The same behind nginx, for the two servers of this project.
    BehindNginx { streams: usize },
    /// Many events at once.
    Burst { streams: usize, events: usize },
    /// One stream on each server, which are open at the same time; one event after the other.
    Latency { turns: usize },
    /// Each stream has a user of its own, and each event is for one of them. Once with few users, and once with
    /// many.
    Private { few: usize, many: usize },
    /// Streams without events.
    Idle { streams: usize },
    /// Redis is killed and restarted with its data while events are published.
    RedisLosses { streams: usize, outages: usize },
}

impl Scenario {
    pub(crate) const ALL: [Self; 9] = [
        Self::Steady { streams: 1_000 },
        Self::Steady { streams: 5_000 },
        Self::Steady { streams: 15_000 },
        Self::BehindNginx { streams: 9_000 },
        Self::Burst {
            streams: 500,
            events: 300,
        },
        Self::Latency { turns: 40 },
        Self::Private {
            few: 10,
            many: 10_000,
        },
        Self::Idle { streams: 10_000 },
        Self::RedisLosses {
            streams: 100,
            outages: 3,
        },
    ];

    /// The same with small numbers, to test the benchmark.
    pub(crate) const SMALL: [Self; 7] = [
        Self::Steady { streams: 50 },
        Self::BehindNginx { streams: 50 },
        Self::Burst {
            streams: 20,
            events: 30,
        },
        Self::Latency { turns: 2 },
        Self::Private { few: 3, many: 30 },
        Self::Idle { streams: 100 },
        Self::RedisLosses {
            streams: 5,
            outages: 1,
        },
    ];

    pub(crate) fn servers(self) -> Vec<ServerKind> {
        match self {
            // The others have no channels of their own.
            Self::Private { .. } => vec![ServerKind::Ours, ServerKind::Nchan],
            Self::BehindNginx { .. } => {
                vec![ServerKind::OursBehindNginx, ServerKind::ServeBehindNginx]
            }
            Self::RedisLosses { .. } => vec![ServerKind::OursOnRedis, ServerKind::BetterSseOnRedis],
            Self::Idle { .. } => [&ServerKind::DELIVERING[..], &[ServerKind::Bare]].concat(),
            Self::Burst { .. } | Self::Latency { .. } => ServerKind::DELIVERING_BOTH_WAYS.to_vec(),
            Self::Steady { .. } => ServerKind::DELIVERING.to_vec(),
        }
    }

    /// Measures these servers. Their files are in empty folders below `dir`.
    pub(crate) fn measure(
        self,
        servers: &[ServerKind],
        dir: &Path,
        results: &mut Results,
    ) -> io::Result<()> {
        let mut each = |measure: &dyn Fn(ServerKind, &Path, &mut Results) -> io::Result<()>| {
            for server in servers {
                eprintln!("  {self}, {}", server.label());
                let dir = tempfile::tempdir_in(dir)?;
                measure(*server, dir.path(), results)?;
            }
            Ok(())
        };
        match self {
            Self::Steady { streams } | Self::BehindNginx { streams } => {
                each(&|name, dir, results| delivery::steady(self, streams, name, dir, results))
            }
            Self::Burst { streams, events } => {
                each(&|name, dir, results| delivery::burst(streams, events, name, dir, results))
            }
            Self::Latency { turns } => {
                eprintln!("  {self}, all servers in turn");
                latency::measure(turns, servers, dir, results)
            }
            Self::Private { few, many } => {
                each(&|name, dir, results| private::measure(few, many, name, dir, results))
            }
            Self::Idle { streams } => {
                each(&|name, dir, results| idle::measure(streams, name, dir, results))
            }
            Self::RedisLosses { streams, outages } => {
                each(&|name, dir, results| losses::measure(streams, outages, name, dir, results))
            }
        }
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Steady { streams } => write!(f, "{streams} streams, 2 events/s"),
            Self::BehindNginx { streams } => {
                write!(f, "{streams} streams behind nginx, 2 events/s")
            }
            Self::Burst { streams, events } => write!(f, "{streams} streams, {events} at once"),
            Self::Latency { .. } => write!(f, "one stream"),
            Self::Private { few, many } => write!(f, "one of {few} or {many} users"),
            Self::Idle { streams } => write!(f, "{streams} idle streams"),
            Self::RedisLosses { streams, outages } => {
                write!(f, "{streams} streams, Redis killed {outages} times")
            }
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
