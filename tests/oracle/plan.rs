//! The plan of a run, made from its seed: the processes, and the times of the faults.

use std::time::Duration;

use fastrand::Rng;
use support::oracle::{At, ServerSetup, Traffic};

use crate::remover::{Clear, FolderLoss};

/// How long faults are injected. Afterwards the processes are left alone, and the streams are checked.
const CHAOS_DURATION: Duration = Duration::from_secs(12);

/// The users of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    /// One stream each.
    pub(crate) clients: usize,
    pub(crate) traffic: Traffic,
    /// How much longer than usual a stream stays open.
    pub(crate) patience: u32,
}

/// The plan of a run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) servers: Vec<ServerSetup>,
    pub(crate) writers: usize,
    pub(crate) population: Population,
    pub(crate) chaos: Duration,
    /// Sorted by time.
    pub(crate) faults: Vec<(At, Fault)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL, and a new process after this time.
    KillServer(usize, Duration),
    StopServer(usize),
    ContinueServer(usize),
    KillWriter(usize),
    /// An additional writer saves so much that folders are created and swept, all under a key without
    /// an event.
    Flood,
    StopWriter(usize),
    ContinueWriter(usize),
    /// More notifications than a queue holds, while a server is stopped.
    Overflow,
    /// The cache folder is moved away.
    MoveCache,
    /// The wall clock is set to this offset in seconds.
    Clock(i64),
    /// The files of these entries, counted back from the newest, are truncated.
    Truncate(Vec<u64>),
    /// The files of these entries, counted back from the newest, are removed.
    Remove(Vec<u64>),
    /// The cache is cleared, in an order and with pauses chosen by a seed.
    Clear(Clear, u64),
    /// The newest folder of entries is removed.
    LoseNewest(FolderLoss),
    /// Files of other programs appear beside the folders of entries.
    StrayNames(u64),
    /// Links to a folder outside appear where the library creates and removes files.
    Links(u64),
}

/// How many streams a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Dozens of clients, which reconnect and receive as often as they can.
    Dozens,
    /// 200 users with 50 streams each, which reconnect less often. Nearly everything is saved for a few of them.
    Crowd,
}

impl Size {
    /// `clients` is the number of dozens.
    fn population(self, clients: usize) -> Population {
        match self {
            Self::Dozens => Population {
                clients,
                patience: 1,
                traffic: Traffic {
                    users: clients / 3,
                    public_percent: 50,
                    burst: 50,
                    pause: 400,
                    saves_per_revocation: 100,
                },
            },
            Self::Crowd => Population {
                clients: 200 * 50,
                patience: 20,
                traffic: Traffic {
                    users: 200,
                    public_percent: 3,
                    burst: 6,
                    pause: 1_000,
                    saves_per_revocation: 20,
                },
            },
        }
    }
}

impl Plan {
    pub(crate) fn new(seed: u64, size: Size) -> Self {
        let mut rng = Rng::with_seed(seed);
        let history = *pick(&mut rng, &[1_000, 1_000, 2_000, 5_000]);
        let lookback = Duration::from_millis(rng.u64(200..2_000));
        let servers = (0..rng.usize(2..4))
            .map(|index| ServerSetup {
                in_memory: *pick(&mut rng, &[8, 64, 256, 1_024]),
                history,
                poll: Duration::from_millis(rng.u64(200..1_000)),
                lookback,
                // The streams of at least one server never end, so that no reconnect hides a lost
                // notification.
                stream: Duration::from_millis(match index {
                    0 => 0,
                    _ => *pick(&mut rng, &[0, 0, 1_500, 4_000]),
                }),
            })
            .collect::<Vec<_>>();
        let (writers, clients) = (rng.usize(3..6), rng.usize(24..48));
        let mut faults = Vec::new();
        let mut at = Duration::from_millis(800);
        while at < CHAOS_DURATION {
            inject(&mut rng, at, (servers.len(), writers), &mut faults);
            at += Duration::from_millis(rng.u64(50..700));
        }
        for _ in 0..3 {
            faults.push((Duration::from_millis(rng.u64(2_000..10_000)), Fault::Flood));
        }
        other_programs(seed, servers.len(), &mut faults);
        faults.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            servers,
            writers,
            population: size.population(clients),
            chaos: CHAOS_DURATION,
            faults,
        }
    }
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(..from.len())]
}

/// One fault, and its end if it has one.
fn inject(
    rng: &mut Rng,
    at: At,
    (servers, writers): (usize, usize),
    faults: &mut Vec<(At, Fault)>,
) {
    let (server, writer) = (rng.usize(..servers), rng.usize(..writers));
    let duration = Duration::from_millis(rng.u64(20..1_500));
    match rng.u32(..100) {
        0..20 => faults.push((at, Fault::KillServer(server, duration / 2))),
        20..40 => {
            faults.push((at, Fault::StopServer(server)));
            faults.push((at + duration, Fault::ContinueServer(server)));
        }
        40..58 => faults.push((at, Fault::KillWriter(writer))),
        58..72 => {
            faults.push((at, Fault::StopWriter(writer)));
            faults.push((at + duration * 2, Fault::ContinueWriter(writer)));
        }
        72..78 => {
            faults.push((at, Fault::StopServer(server)));
            faults.push((at + Duration::from_millis(1), Fault::Overflow));
            faults.push((at + duration, Fault::ContinueServer(server)));
        }
        78..82 => faults.push((at, Fault::MoveCache)),
        82..92 => {
            let seconds = *pick(rng, &[-3_600, -30, -2, 0, 0, 2, 30, 3_600]);
            faults.push((at, Fault::Clock(seconds)));
        }
        _ => {
            let back = (0..rng.usize(1..6)).map(|_| rng.u64(..600)).collect();
            faults.push((at, Fault::Truncate(back)));
        }
    }
}

/// Faults caused by other programs in the cache folder.
fn other_programs(seed: u64, servers: usize, faults: &mut Vec<(At, Fault)>) {
    let mut rng = Rng::with_seed(!seed);
    for _ in 0..rng.usize(2..6) {
        let furthest = *pick(&mut rng, &[4, 600]);
        let back = (0..rng.usize(1..6)).map(|_| rng.u64(..furthest)).collect();
        faults.push((moment(&mut rng), Fault::Remove(back)));
    }
    for _ in 0..rng.usize(1..3) {
        // Removes the newest entries while all servers are stopped, before they have read them.
        let at = moment(&mut rng);
        let removed_at = at + Duration::from_millis(rng.u64(100..400));
        for server in 0..servers {
            faults.push((at, Fault::StopServer(server)));
            let continued_at = removed_at + Duration::from_millis(rng.u64(1..300));
            faults.push((continued_at, Fault::ContinueServer(server)));
        }
        faults.push((removed_at, Fault::Remove((0..rng.u64(1..20)).collect())));
    }
    for how in [Clear::All, Clear::Visible] {
        for _ in 0..rng.usize(1..3) {
            faults.push((moment(&mut rng), Fault::Clear(how, rng.u64(..))));
        }
    }
    if rng.u32(..3) > 0 {
        let leaves = *pick(&mut rng, &[FolderLoss::Moved, FolderLoss::Removed]);
        faults.push((moment(&mut rng), Fault::LoseNewest(leaves)));
    }
    for _ in 0..rng.usize(1..3) {
        faults.push((moment(&mut rng), Fault::StrayNames(rng.u64(..))));
        faults.push((moment(&mut rng), Fault::Links(rng.u64(..))));
    }
    // These remain after the last fault.
    faults.push((CHAOS_DURATION, Fault::Links(rng.u64(..))));
    faults.push((CHAOS_DURATION, Fault::StrayNames(rng.u64(..))));
}

fn moment(rng: &mut Rng) -> At {
    Duration::from_millis(rng.u64(1_000..11_500))
}
