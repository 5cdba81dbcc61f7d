//! The faults of a cache folder in a run.

use std::time::Duration;

use fastrand::Rng;
use support::oracle::At;

use super::remover::{Clear, FolderLoss};
use crate::plan::{Fault, moment, pick};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FolderFault {
    /// More notifications than a queue holds, while a server is stopped.
    Overflow,
    /// The cache folder is moved away.
    MoveCache,
    /// The files of these entries, counted back from the newest, are truncated.
    Truncate(Vec<u64>),
    /// The files of these entries, counted back from the newest, are removed.
    Remove(Vec<u64>),
    /// The cache is cleared, in an order and with pauses chosen by a seed.
    Clear(Clear, u64),
    /// The newest folder of entries is removed.
    LoseNewest(FolderLoss),
    /// A drop-in appears and is removed at once.
    LoseDropIn,
    /// Files of other programs appear beside the folders of entries.
    StrayNames(u64),
    /// Links to a folder outside appear where the library creates and removes files.
    Links(u64),
}

/// One fault of the folder, and its end if it has one. `choice` is from 72 to 99.
pub(crate) fn random(
    choice: u32,
    rng: &mut Rng,
    at: At,
    (server, duration): (usize, Duration),
    faults: &mut Vec<(At, Fault)>,
) {
    match choice {
        72..78 => {
            faults.push((at, Fault::StopServer(server)));
            let overflow = Fault::Folder(FolderFault::Overflow);
            faults.push((at + Duration::from_millis(1), overflow));
            faults.push((at + duration, Fault::ContinueServer(server)));
        }
        78..82 => faults.push((at, Fault::Folder(FolderFault::MoveCache))),
        _ => {
            let back = (0..rng.usize(1..6)).map(|_| rng.u64(..600)).collect();
            faults.push((at, Fault::Folder(FolderFault::Truncate(back))));
        }
    }
}

/// Faults caused by other programs in the cache folder.
pub(crate) fn of_other_programs(
    seed: u64,
    servers: usize,
    chaos: Duration,
    faults: &mut Vec<(At, Fault)>,
) {
    let mut rng = Rng::with_seed(!seed);
    for _ in 0..rng.usize(2..6) {
        let furthest = *pick(&mut rng, &[4, 600]);
        let back = (0..rng.usize(1..6)).map(|_| rng.u64(..furthest)).collect();
        faults.push((moment(&mut rng), Fault::Folder(FolderFault::Remove(back))));
    }
    for _ in 0..rng.usize(1..3) {
        // Removes the newest entries and a drop-in while all servers are stopped, before they have read them.
        let at = moment(&mut rng);
        let removed_at = at + Duration::from_millis(rng.u64(100..400));
        for server in 0..servers {
            faults.push((at, Fault::StopServer(server)));
            let continued_at = removed_at + Duration::from_millis(rng.u64(1..300));
            faults.push((continued_at, Fault::ContinueServer(server)));
        }
        faults.push((
            removed_at,
            Fault::Folder(FolderFault::Remove((0..rng.u64(1..20)).collect())),
        ));
        faults.push((removed_at, Fault::Folder(FolderFault::LoseDropIn)));
    }
    for how in [Clear::All, Clear::Visible] {
        for _ in 0..rng.usize(1..3) {
            faults.push((
                moment(&mut rng),
                Fault::Folder(FolderFault::Clear(how, rng.u64(..))),
            ));
        }
    }
    if rng.u32(..3) > 0 {
        let leaves = *pick(&mut rng, &[FolderLoss::Moved, FolderLoss::Removed]);
        faults.push((
            moment(&mut rng),
            Fault::Folder(FolderFault::LoseNewest(leaves)),
        ));
    }
    for _ in 0..rng.usize(1..3) {
        faults.push((
            moment(&mut rng),
            Fault::Folder(FolderFault::StrayNames(rng.u64(..))),
        ));
        faults.push((
            moment(&mut rng),
            Fault::Folder(FolderFault::Links(rng.u64(..))),
        ));
    }
    // These remain after the last fault.
    faults.push((chaos, Fault::Folder(FolderFault::Links(rng.u64(..)))));
    faults.push((chaos, Fault::Folder(FolderFault::StrayNames(rng.u64(..)))));
}
