//! The plan of a run, made from its seed: the processes, and the times of the faults.

use std::time::Duration;

use fastrand::Rng;
use support::oracle::{At, SavesOn, ServerSetup, Traffic};

use crate::{
    folder::{self, FolderFault},
    redis::RedisPlan,
};

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
    /// The number of writer processes.
    pub(crate) writers: usize,
    pub(crate) population: Population,
    pub(crate) chaos: Duration,
    /// Sorted by time.
    pub(crate) faults: Vec<(At, Fault)>,
    /// If the journals are in Redis.
    pub(crate) redis: Option<RedisPlan>,
}

/// Where the journals of a run are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Folder,
    Redis,
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
    /// The wall clock is set to this offset in seconds.
    Clock(i64),
    /// What happens to the cache folder.
    Folder(FolderFault),
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
    pub(crate) fn new(seed: u64, size: Size, place: Place) -> Self {
        let mut rng = Rng::with_seed(seed);
        let history = *pick(&mut rng, &[1_000, 1_000, 2_000, 5_000]);
        let lookback = Duration::from_millis(rng.u64(200..2_000));
        // A generator of its own, so that the writers inside servers change nothing else of a seed's schedule.
        let mut writers_rng = Rng::with_seed(seed ^ 0x696e_7369_6465);
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
                writers: writers_inside(&mut writers_rng, index),
            })
            .collect::<Vec<_>>();
        let (writers, clients) = (rng.usize(2..5), rng.usize(24..48));
        let mut faults = Vec::new();
        let mut at = Duration::from_millis(800);
        while at < CHAOS_DURATION {
            inject(&mut rng, at, (servers.len(), writers), place, &mut faults);
            at += Duration::from_millis(rng.u64(50..700));
        }
        for _ in 0..3 {
            faults.push((Duration::from_millis(rng.u64(2_000..10_000)), Fault::Flood));
        }
        if place == Place::Folder {
            folder::of_other_programs(seed, servers.len(), CHAOS_DURATION, &mut faults);
        }
        faults.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            servers,
            writers,
            population: size.population(clients),
            chaos: CHAOS_DURATION,
            faults,
            redis: (place == Place::Redis).then(|| RedisPlan::new(seed, CHAOS_DURATION)),
        }
    }
}

/// At least one server has some.
fn writers_inside(rng: &mut Rng, server: usize) -> Vec<SavesOn> {
    let count = match server {
        0 => rng.usize(1..3),
        _ => rng.usize(..2),
    };
    (0..count)
        .map(|_| *pick(rng, &[SavesOn::Thread, SavesOn::Task]))
        .collect()
}

pub(crate) fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(..from.len())]
}

/// One fault, and its end if it has one.
fn inject(
    rng: &mut Rng,
    at: At,
    (servers, writers): (usize, usize),
    place: Place,
    faults: &mut Vec<(At, Fault)>,
) {
    let (server, writer) = (rng.usize(..servers), rng.usize(..writers));
    let duration = Duration::from_millis(rng.u64(20..1_500));
    let choice = rng.u32(..100);
    match choice {
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
        82..92 => {
            let seconds = *pick(rng, &[-3_600, -30, -2, 0, 0, 2, 30, 3_600]);
            faults.push((at, Fault::Clock(seconds)));
        }
        _ if place == Place::Folder => folder::random(choice, rng, at, (server, duration), faults),
        // Redis has its own faults.
        _ => {}
    }
}

pub(crate) fn moment(rng: &mut Rng) -> At {
    Duration::from_millis(rng.u64(1_000..11_500))
}
