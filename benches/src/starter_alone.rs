//! The measurements of this project's server alone.

mod endings;
mod filter;
mod history;
mod redis;
mod replay;
pub(crate) mod save;
mod tail;

use std::{io, path::Path};

use crate::report::Results;

/// A measurement with one figure or a few.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StarterMeasurement {
    Save,
    Tail,
    Filter,
    Replay,
    Endings,
    History,
    RedisDelivery,
    RedisSaves,
    RedisTraffic,
    RedisSoak,
}

impl StarterMeasurement {
    pub(crate) const ALL: [Self; 10] = [
        Self::Save,
        Self::Tail,
        Self::Filter,
        Self::Replay,
        Self::Endings,
        Self::History,
        Self::RedisDelivery,
        Self::RedisSaves,
        Self::RedisTraffic,
        Self::RedisSoak,
    ];

    /// The name for `--only`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Tail => "tail",
            Self::Filter => "filter",
            Self::Replay => "replay",
            Self::Endings => "endings",
            Self::History => "history",
            Self::RedisDelivery => "redis-delivery",
            Self::RedisSaves => "redis-saves",
            Self::RedisTraffic => "redis-traffic",
            Self::RedisSoak => "redis-soak",
        }
    }

    /// Whether it takes so long that it is measured only if `--only` contains its whole name.
    pub(crate) fn is_slow(self) -> bool {
        matches!(self, Self::RedisSoak)
    }

    /// Measures in the empty folder `dir`. `small` only tests the benchmark.
    pub(crate) fn measure(self, small: bool, dir: &Path, results: &mut Results) -> io::Result<()> {
        let scale = if small { 100 } else { 1 };
        match self {
            Self::Save => save::measure(20_000 / scale, dir, results),
            Self::Tail => tail::measure(9_000 / scale, dir, results),
            Self::Filter => filter::measure(10_000 / scale, dir, results),
            Self::Replay => replay::measure(2_000 / scale, dir, results),
            Self::Endings => endings::measure(10_000 / scale, small, dir, results),
            Self::History => history::measure(100_000 / scale, dir, results),
            Self::RedisDelivery => {
                redis::delivery::measure(1_000 / scale, 100 / scale.min(10), dir, results)
            }
            Self::RedisSaves => redis::saves::measure(80_000 / scale, dir, results),
            Self::RedisTraffic => {
                redis::traffic::measure(10_000 / scale, if small { 2 } else { 10 }, dir, results)
            }
            Self::RedisSoak => {
                redis::soak::measure(1_000_000 / scale, 10_000 / scale, dir, results)
            }
        }
    }
}
