//! The faults of Redis in a run.

use std::time::Duration;

use fastrand::Rng;
use support::oracle::At;

use super::deployment::{Topology, ZONES};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RedisFault {
    /// SIGKILL, and a restart after this time.
    Restart(Data, Duration),
    /// A copy of the data is made, for a restart later.
    Snapshot,
    /// SIGSTOP for this time.
    Suspend(Duration),
    /// All connections are cut.
    Cut,
    /// Requests of a zone reach Redis, but no answer comes back.
    LoseAnswers(usize, Duration),
    /// Large answers overflow the output buffers of their connections.
    Overflow(Duration),
    /// The memory is full.
    OutOfMemory(Duration),
    Flush,
    /// The replica becomes the master. With a time, it was cut off from the old one for so long.
    FailOver(Option<Duration>),
    /// The replica becomes a master, too, and the processes of one zone use it.
    TwoMasters(Duration),
}

/// What a server has after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Kept,
    Lost,
    /// Of the last snapshot.
    Older,
}

/// The servers and their faults.
#[derive(Debug, Clone)]
pub(crate) struct RedisPlan {
    pub(crate) topology: Topology,
    /// When each command is written to the disk.
    pub(crate) fsync: &'static str,
    /// They follow one another. Sorted by time.
    pub(crate) faults: Vec<(At, RedisFault)>,
}

impl RedisPlan {
    pub(crate) fn new(seed: u64, chaos: Duration) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x7265_6469_7300);
        let topology = match rng.u32(..10) {
            0..4 => Topology::Single,
            4..8 => Topology::Pair,
            _ => Topology::Sentinel,
        };
        // With `everysec` on a busy machine, a killed server loses what it has answered.
        let fsync = ["always", "no", "no"][rng.usize(..3)];
        let (mut faults, mut at) = (Vec::new(), Duration::from_millis(1_000));
        while at < chaos {
            let fault = random(&mut rng, topology);
            let duration = fault.duration();
            faults.push((at, fault));
            at += duration + Duration::from_millis(rng.u64(100..1_500));
        }
        Self {
            topology,
            fsync,
            faults,
        }
    }
}

fn random(rng: &mut Rng, topology: Topology) -> RedisFault {
    let duration = Duration::from_millis(rng.u64(20..1_500));
    let of_several = topology != Topology::Single && rng.u32(..10) < 5;
    if of_several {
        let lag = rng.bool().then(|| Duration::from_millis(rng.u64(50..500)));
        return match (topology, rng.u32(..3)) {
            (Topology::Pair, 0) => RedisFault::TwoMasters(duration),
            // Sentinel promotes the replica meanwhile, and the old master still is one when it continues.
            (Topology::Sentinel, 0) => RedisFault::Suspend(Duration::from_millis(2_500)),
            _ => RedisFault::FailOver(lag),
        };
    }
    match rng.u32(..100) {
        0..16 => RedisFault::Restart(Data::Kept, duration / 3),
        16..24 => RedisFault::Restart(Data::Lost, duration / 3),
        24..40 => RedisFault::Restart(Data::Older, duration / 3),
        40..52 => RedisFault::Snapshot,
        52..60 => RedisFault::Suspend(duration * 2),
        60..68 => RedisFault::Cut,
        68..80 if topology == Topology::Sentinel => RedisFault::Cut,
        68..80 => RedisFault::LoseAnswers(rng.usize(..ZONES), duration / 2),
        80..86 => RedisFault::Overflow(duration),
        86..93 => RedisFault::OutOfMemory(duration),
        _ => RedisFault::Flush,
    }
}

impl RedisFault {
    fn duration(&self) -> Duration {
        match self {
            Self::Restart(_, duration)
            | Self::Suspend(duration)
            | Self::LoseAnswers(_, duration)
            | Self::Overflow(duration)
            | Self::OutOfMemory(duration)
            | Self::TwoMasters(duration) => *duration,
            Self::FailOver(lag) => lag.unwrap_or_default(),
            Self::Snapshot | Self::Cut | Self::Flush => Duration::ZERO,
        }
    }
}
